# Has a command run, and tears the connection down when told to: with SO_LINGER 0 close() sends a reset.
import socket
import struct
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.send(sys.argv[2].encode())
input()
s.close()
print('reset')
