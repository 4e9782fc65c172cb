# RFC 868: tells the one who connects the RFC's own example, the beginning of 1980.
import socket
import struct

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
c.send(struct.pack('>I', 2524521600))
c.close()
s.close()
