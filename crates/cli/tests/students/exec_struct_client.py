# Remote command with a length packed in front.
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for cmd in sys.argv[2:]:
    s.send(cmd.encode())
    size = struct.unpack('i', s.recv(4))[0]
    data = b''
    while len(data) < size:
        data += s.recv(min(1024, size - len(data)))
    if size > 1000:
        print(size, data[-8:])
    else:
        print(size, data)
s.close()
