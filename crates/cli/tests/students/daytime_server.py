# RFC 867: tells the one who connects a time, and closes.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
c.send(b'Tuesday, February 22, 1982 17:37:43-PST\r\n')
c.close()
s.close()
