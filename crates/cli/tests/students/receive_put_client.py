# Sends the files named by the arguments over one connection: length of the header, header, content.
import json
import os
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for path in sys.argv[2:]:
    header = {'cmd': 'put', 'filename': os.path.basename(path), 'filesize': os.path.getsize(path)}
    header = json.dumps(header).encode()
    s.send(struct.pack('i', len(header)))
    s.send(header)
    with open(path, 'rb') as f:
        for line in f:
            s.sendall(line)
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
