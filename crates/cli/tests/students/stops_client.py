# Sends as many bytes of a header and its file as the second argument says, and then stops without leaving.
import json
import socket
import struct
import sys

header = json.dumps({'cmd': 'put', 'filename': 'half.txt', 'filesize': 1000}).encode()
whole = struct.pack('i', len(header)) + header + b'x' * 1000
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(whole[:int(sys.argv[2])])
try:
    print(s.recv(1024))
except ConnectionResetError:
    print(b'')
s.close()
