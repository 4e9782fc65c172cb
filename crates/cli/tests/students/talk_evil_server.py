# Answers what acts on a terminal: colours, C1 controls, and a newline that makes it look as if somebody else spoke.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
for text in ('red \x1b[31m', 'one \x9b31m two', 'over\rwritten', 'the end'):
    print(c.recv(1024))
    c.send(text.encode())
c.close()
s.close()
