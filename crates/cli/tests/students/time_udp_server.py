# RFC 868 over UDP: the RFC's own example, the beginning of 1980, for one datagram.
import socket
import struct

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
data, client = s.recvfrom(1024)
print(data)
s.sendto(struct.pack('>I', 2524521600), client)
s.close()
