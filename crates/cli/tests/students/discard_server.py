# RFC 863: counts what one client says, and says nothing.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
size = 0
while True:
    data = c.recv(1024)
    if not data:
        break
    size += len(data)
print(size, 'bytes')
c.close()
s.close()
