# Asks the time over one connection: each argument is a format. Then whether the clock is the one on our wall.
import socket
import sys
import time

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for f in sys.argv[2:]:
    s.send(f.encode())
    print(s.recv(1024).decode())

before = time.strftime('%Y-%m-%d %X')
s.send(b'%Y-%m-%d %X')
answer = s.recv(1024).decode()
after = time.strftime('%Y-%m-%d %X')
print(before <= answer <= after)
s.close()
