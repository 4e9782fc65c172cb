# RFC 862 over UDP: sends as many datagrams back as the argument says.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
for i in range(int(sys.argv[1])):
    data, client = s.recvfrom(65535)
    print(len(data), data[:8])
    s.sendto(data, client)
s.close()
