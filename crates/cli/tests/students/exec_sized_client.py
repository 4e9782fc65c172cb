# Remote command with the size first (arguments: port, encoding, what we acknowledge the size with, commands).
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
encoding = sys.argv[2]
for cmd in sys.argv[4:]:
    s.send(cmd.encode(encoding))
    size = int(s.recv(1024).decode())
    s.send(sys.argv[3].encode())
    data = b''
    while len(data) < size:
        data += s.recv(1024)
    if size > 1000:
        print(size, len(data), data[-8:])
    else:
        print(size, repr(data.decode(encoding)))
s.close()
