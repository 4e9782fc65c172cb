# Says what acts on a terminal: colours, C1 controls, and a newline that makes it look as if somebody else spoke.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for text in ('red \x1b[31m', 'one \x9b31m two', 'me\n[1.2.3.4:5] hi', 'over\rwritten', 'the end'):
    s.send(text.encode())
    s.recv(1024)
s.send(b'bye')
print(s.recv(1024))
s.close()
