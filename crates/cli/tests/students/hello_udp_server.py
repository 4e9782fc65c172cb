# hello over UDP: answers as many datagrams as the first argument says.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
for i in range(int(sys.argv[1])):
    data, client = s.recvfrom(65535)
    if len(data) > 100:
        print(len(data), 'bytes')
    else:
        print(data)
    s.sendto(b'hi', client)
s.close()
