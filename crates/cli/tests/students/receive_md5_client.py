# Sends files with their MD5, over one connection: arguments are a port, then name=text; a name with `wrong` lies.
import hashlib
import json
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for argument in sys.argv[2:]:
    name, text = argument.split('=')
    content = text.encode()
    md5 = hashlib.md5(content).hexdigest()
    if 'wrong' in name:
        md5 = hashlib.md5(b'something else').hexdigest()
    header = json.dumps({'file_size': len(content), 'file_name': name, 'md5': md5}).encode()
    s.send(struct.pack('i', len(header)))
    s.send(header)
    s.sendall(content)
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
