# Remote command with the size first: size, any acknowledgement, then stderr or else stdout.
import socket
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
    c.send(str(len(data)).encode())
    ack = c.recv(1024)
    print(len(ack) > 0)
    c.sendall(data)
c.close()
s.close()
