# Tells the time to one client: a datagram is a strftime format, empty means the usual one.
import socket
import time

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
data, client = s.recvfrom(1024)
print(data)
f = data.decode()
if f == '':
    f = '%Y-%m-%d %X'
s.sendto(time.strftime(f).encode(), client)
s.close()
