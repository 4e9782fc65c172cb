# Says something to somebody who never answers.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(sys.argv[2].encode())
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
