# Asks the time: the format of each argument; none is an empty datagram. Then whether the clock is the one on our wall.
import socket
import sys
import time

server = ('127.0.0.1', int(sys.argv[1]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
formats = sys.argv[2:] or ['']
for f in formats:
    s.sendto(f.encode(), server)
    data, address = s.recvfrom(1024)
    print(data.decode())

before = time.strftime('%Y-%m-%d %X')
s.sendto(b'', server)
data, address = s.recvfrom(1024)
after = time.strftime('%Y-%m-%d %X')
print(before <= data.decode() <= after)
s.close()
