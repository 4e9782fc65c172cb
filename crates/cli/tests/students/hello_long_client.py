# hello over TCP with far more than the server reads: the answer must arrive all the same.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'x' * 100000)
print(s.recv(1024))
print(s.recv(1024))
s.close()
