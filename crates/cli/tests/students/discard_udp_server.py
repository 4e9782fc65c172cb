# RFC 863 over UDP: as many datagrams as the argument says, and no answer.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
for i in range(int(sys.argv[1])):
    data, client = s.recvfrom(65535)
    print(data)
s.close()
