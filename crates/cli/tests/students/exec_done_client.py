# Remote command that always answers something: Done. where there is nothing to say.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for cmd in sys.argv[2:]:
    s.sendall(cmd.encode())
    print(s.recv(1024))
s.close()
