# Remote command that always answers something: Done. where there is nothing to say.
import os
import socket

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
    answer = os.popen('exec 2>&1; ' + cmd.decode()).read()
    if answer.endswith('\n'):
        answer = answer[:-1]
    if answer.strip() == '':
        answer = 'Done.'
    c.sendall(answer.encode())
c.close()
s.close()
