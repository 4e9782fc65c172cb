# A command that never ends: the server has to come back to us, with whatever.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(sys.argv[2].encode())
s.recv(1024)
print('over')
s.close()
