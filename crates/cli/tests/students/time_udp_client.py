# RFC 868 over UDP: any datagram is answered with 32 bits of seconds since 1900. Is it the time on our wall?
import socket
import struct
import sys
import time

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
before = int(time.time())
s.sendto(b'', ('127.0.0.1', int(sys.argv[1])))
data = s.recv(1024)
after = int(time.time())
print(len(data))
print(before <= struct.unpack('>I', data)[0] - 2208988800 <= after)
s.close()
