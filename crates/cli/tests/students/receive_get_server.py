# Hands out one text (arguments: the name to tell, the text), or says that there is no such file (no arguments).
import json
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
length = struct.unpack('i', c.recv(4))[0]
request = json.loads(c.recv(length))
print(request['cmd'], request['filename'])
if len(sys.argv) < 3:
    header = json.dumps({'cmd': 'error', 'message': 'there is no such file'}).encode()
    c.send(struct.pack('i', len(header)) + header)
else:
    body = sys.argv[2].encode()
    header = json.dumps({'cmd': 'put', 'filename': sys.argv[1], 'filesize': len(body)}).encode()
    c.send(struct.pack('i', len(header)))
    c.send(header)
    c.send(body)
c.close()
s.close()
