# Sends a file of as many bytes as the second argument says, one every half a second: slow, but never still.
import json
import socket
import struct
import sys
import time

size = int(sys.argv[2])
header = json.dumps({'cmd': 'put', 'filename': 'slow.txt', 'filesize': size}).encode()
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(struct.pack('i', len(header)) + header)
for i in range(size):
    time.sleep(0.5)
    s.send(b'x')
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
