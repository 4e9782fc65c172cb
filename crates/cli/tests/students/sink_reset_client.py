# Says something and then tears the connection down: with SO_LINGER 0 close() sends a reset.
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(b'no more of this')
s.close()
print('reset')
