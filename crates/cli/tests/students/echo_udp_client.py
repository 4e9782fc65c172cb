# RFC 862 over UDP: an empty datagram, a short one and the longest; each comes back whole.
import socket
import sys

server = ('127.0.0.1', int(sys.argv[1]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
for text in (b'', b'GET / HTTP/1.1', b'x' * 65507):
    s.sendto(text, server)
    data, address = s.recvfrom(65535)
    print(len(data), data == text, address == server)
s.close()
