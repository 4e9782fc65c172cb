# Remote command, no framing (arguments: port, what an answer ends with, commands): all we can do is to know the end.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
end = sys.argv[2].encode()
for cmd in sys.argv[3:]:
    s.send(cmd.encode())
    data = b''
    while not data.endswith(end):
        more = s.recv(1024)
        if not more:
            break
        data += more
    print(data)
s.close()
