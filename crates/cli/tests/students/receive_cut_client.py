# Leaves in the middle: of the length, of the header, before the first byte of the body.
import json
import socket
import struct
import sys

header = json.dumps({'cmd': 'put', 'filename': 'cut.txt', 'filesize': 10}).encode()
whole = struct.pack('i', len(header)) + header
for cut in (2, 4, 20, len(whole)):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(('127.0.0.1', int(sys.argv[1])))
    s.send(whole[:cut])
    s.shutdown(socket.SHUT_WR)
    print(s.recv(1024))
    s.close()
