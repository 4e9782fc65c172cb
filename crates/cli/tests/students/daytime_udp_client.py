# RFC 867 over UDP: any datagram is answered with the time. Is it the time on our wall?
import datetime
import socket
import sys
import time

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
before = datetime.datetime.now().replace(microsecond=0)
s.sendto(b'', ('127.0.0.1', int(sys.argv[1])))
data = s.recv(1024)
after = datetime.datetime.now()
zone = time.strftime('%Z')
told = datetime.datetime.strptime(data.decode(), '%A, %B %d, %Y %H:%M:%S-' + zone + '\r\n')
print(before <= told <= after)
s.close()
