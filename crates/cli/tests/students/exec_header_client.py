# Remote command with a JSON header in front, and the header's length in front of that.
import json
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for cmd in sys.argv[2:]:
    s.send(cmd.encode())
    length = struct.unpack('i', s.recv(4))[0]
    header = json.loads(s.recv(length).decode())
    size = header['data_size']
    data = b''
    while len(data) < size:
        data += s.recv(min(1024, size - len(data)))
    if size > 1000:
        print(header, data[-8:])
    else:
        print(header, data)
s.close()
