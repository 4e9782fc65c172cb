# RFC 868: 32 bits of seconds since 1900. Is it the time on our wall?
import socket
import struct
import sys
import time

before = int(time.time())
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
data = b''
while True:
    more = s.recv(1024)
    if not more:
        break
    data += more
after = int(time.time())
print(len(data))
print(before <= struct.unpack('>I', data)[0] - 2208988800 <= after)
s.close()
