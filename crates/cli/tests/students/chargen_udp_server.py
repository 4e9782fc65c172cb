# RFC 864 over UDP: two lines for one datagram.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
line = bytes(range(32, 127)) * 2
text = b''
for i in range(95):
    text += line[i:i + 72] + b'\r\n'
data, client = s.recvfrom(65535)
print(data)
s.sendto(text[:148], client)
s.close()
