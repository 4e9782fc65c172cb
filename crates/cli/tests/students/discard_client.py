# RFC 863: says something long; nothing comes back but the end.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'x' * 1000000)
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
