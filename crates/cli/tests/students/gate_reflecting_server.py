# Does not know the secret: takes any answer, and to the client's own challenge sends that answer back.
import os
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
c.sendall(os.urandom(32))
data = b''
while len(data) < 16 + 32:
    data += c.recv(1024)
c.sendall(data[:16])
print(c.recv(1024))
c.close()
s.close()
