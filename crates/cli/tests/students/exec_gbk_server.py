# Remote command for one client that speaks the encoding of the argument.
import socket
import subprocess
import sys

encoding = sys.argv[1]
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
    print(cmd)
    p = subprocess.Popen(cmd.decode(encoding), shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate()
    c.send(err.decode().encode(encoding))
    c.send(out.decode().encode(encoding))
c.close()
s.close()
