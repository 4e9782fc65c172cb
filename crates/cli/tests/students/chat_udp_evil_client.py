# Says what acts on a terminal: colours, C1 controls, and a newline that makes it look as if somebody else spoke.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1])
for text in ('red \x1b[31m', 'one \x9b31m two', 'me\n[1.2.3.4:5] hi', 'over\rwritten', 'the end'):
    s.sendto(text.encode(), ('127.0.0.1', int(sys.argv[1])))
s.close()
