# Sends each argument and prints what comes back, over one connection.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for text in sys.argv[2:]:
    s.send(text.encode())
    print(s.recv(1024).decode())
s.close()
