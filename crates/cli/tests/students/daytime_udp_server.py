# RFC 867 over UDP: a time for one datagram.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
data, client = s.recvfrom(1024)
print(data)
s.sendto(b'Tuesday, February 22, 1982 17:37:43-PST\r\n', client)
s.close()
