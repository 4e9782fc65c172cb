# hello over TCP: one client, one read, `hi`, close.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
print(c.recv(1024))
c.send(b'hi')
c.close()
s.close()
