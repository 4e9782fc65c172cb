# Datagram chat: prints our port, then the answer to each argument.
import socket
import sys

server = ('127.0.0.1', int(sys.argv[1]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1])
for text in sys.argv[2:]:
    s.sendto(text.encode(), server)
    data, address = s.recvfrom(65535)
    print(data.decode())
s.close()
