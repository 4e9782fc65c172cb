# RFC 863 over UDP (arguments: its port, the port of an echo): what the echo sends back is the only answer.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
for text in (b'', b'anything', b'x' * 65507):
    s.sendto(text, ('127.0.0.1', int(sys.argv[1])))
s.sendto(b'to the echo', ('127.0.0.1', int(sys.argv[2])))
print(s.recv(1024))
s.settimeout(0.3)
try:
    print(s.recv(1024))
except socket.timeout:
    print('silence')
s.close()
