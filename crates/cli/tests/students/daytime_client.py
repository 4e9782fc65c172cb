# RFC 867: we connect and are told the time, as a line for people. Is it the time on our wall?
import datetime
import socket
import sys
import time

before = datetime.datetime.now().replace(microsecond=0)
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
data = b''
while True:
    more = s.recv(1024)
    if not more:
        break
    data += more
after = datetime.datetime.now()
zone = time.strftime('%Z')
told = datetime.datetime.strptime(data.decode(), '%A, %B %d, %Y %H:%M:%S-' + zone + '\r\n')
print(before <= told <= after)
s.close()
