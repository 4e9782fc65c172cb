# Datagram chat, told what to do (argument: the port of a server, or none): listen, end, or what to say to the last one.
import socket
import sys

address = None
if len(sys.argv) > 1:
    address = ('127.0.0.1', int(sys.argv[1]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
while True:
    line = input()
    if line == 'end':
        break
    if line == 'listen':
        data, address = s.recvfrom(65535)
        print(data.decode(), flush=True)
    else:
        s.sendto(line.encode(), address)
s.close()
