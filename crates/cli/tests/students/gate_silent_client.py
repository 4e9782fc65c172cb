# Takes the challenge and says nothing.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
print(len(s.recv(32)))
print(s.recv(1024))
s.close()
