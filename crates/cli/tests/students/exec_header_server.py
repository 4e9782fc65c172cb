# Remote command with a JSON header in front, and the header's length in front of that.
import json
import socket
import struct
import subprocess

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
while True:
    cmd = c.recv(1024)
    if not cmd:
        break
    print(cmd.decode())
    p = subprocess.Popen(cmd.decode(), shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate()
    data = err if err else out
    header = json.dumps({'data_size': len(data)}).encode()
    c.send(struct.pack('i', len(header)))
    c.send(header)
    c.sendall(data)
c.close()
s.close()
