# Receives files from one client: a header says the name and the size.
import hashlib
import json
import os
import socket
import struct

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
while True:
    length = c.recv(4)
    if not length:
        break
    length = struct.unpack('i', length)[0]
    header = json.loads(c.recv(length))
    body = b''
    while len(body) < header['filesize']:
        body += c.recv(min(1024, header['filesize'] - len(body)))
    name = os.path.basename(header['filename'])
    print(header['cmd'], name, header['filesize'], hashlib.md5(body).hexdigest())
c.close()
s.close()
