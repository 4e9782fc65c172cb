# RFC 864: characters without end. Prints the first two lines, and leaves in the middle of the rest.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
data = b''
while len(data) < 100000:
    data += s.recv(4096)
for line in data.split(b'\r\n')[:2]:
    print(len(line), line.decode())
s.close()
