# Nobody told us to acknowledge the size: the server goes on after half a second, with the next command too.
import socket
import sys
import time

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for cmd in ('echo one', 'echo three'):
    s.send(cmd.encode())
    size = int(s.recv(1024))
    start = time.monotonic()
    data = b''
    while len(data) < size:
        data += s.recv(1024)
    print(size, data, time.monotonic() - start > 0.4)
s.close()
