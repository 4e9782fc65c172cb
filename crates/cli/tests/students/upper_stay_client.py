# Says something, and then waits for whatever the server does next.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(b'abc')
print(s.recv(1024), flush=True)
print(s.recv(1024))
s.close()
