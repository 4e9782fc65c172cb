# Asks for the files named by the arguments, over one connection, and prints what came.
import hashlib
import json
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for name in sys.argv[2:]:
    header = json.dumps({'cmd': 'get', 'filename': name}).encode()
    s.send(struct.pack('i', len(header)) + header)
    size = struct.unpack('i', s.recv(4))[0]
    answer = b''
    while len(answer) < size:
        answer += s.recv(size - len(answer))
    answer = json.loads(answer)
    if answer['cmd'] == 'error':
        print('error', type(answer['message']).__name__, len(answer['message']) > 0)
        continue
    body = b''
    while len(body) < answer['filesize']:
        body += s.recv(min(1024, answer['filesize'] - len(body)))
    print(answer['filename'], answer['filesize'], hashlib.md5(body).hexdigest())
s.close()
