# Tells the time to one client, as often as it asks.
import socket
import time

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
while True:
    data = c.recv(1024)
    if not data:
        break
    print(data)
    c.send(time.strftime(data.decode()).encode())
c.close()
s.close()
