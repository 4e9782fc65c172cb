# Promises 1000 bytes, sends 400 and leaves.
import json
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
header = json.dumps({'cmd': 'put', 'filename': 'short.txt', 'filesize': 1000}).encode()
s.send(struct.pack('i', len(header)) + header)
s.send(b'x' * 400)
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
