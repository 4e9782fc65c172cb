# Receives files from one client: a header says the name, the size and the MD5, which is checked.
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
    header = json.loads(c.recv(struct.unpack('i', length)[0]))
    md5 = hashlib.md5()
    received = 0
    while received < header['file_size']:
        data = c.recv(min(1024, header['file_size'] - received))
        md5.update(data)
        received += len(data)
    name = os.path.basename(header['file_name'])
    print(name, received, md5.hexdigest() == header['md5'], 'cmd' in header)
c.close()
s.close()
