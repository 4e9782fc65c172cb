# Datagram chat: answers the last sender with the arguments, one after the other.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
for answer in sys.argv[1:]:
    data, client = s.recvfrom(65535)
    print(data.decode())
    s.sendto(answer.encode(), client)
s.close()
