# Remote command in GBK or its like (arguments: port, encoding, what an answer ends with, commands).
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
encoding = sys.argv[2]
end = sys.argv[3].encode(encoding)
for cmd in sys.argv[4:]:
    s.send(cmd.encode(encoding))
    data = b''
    while not data.endswith(end):
        more = s.recv(1024)
        if not more:
            break
        data += more
    print(repr(data.decode(encoding)))
s.close()
