# Sends a file of one letter under each of the names that the arguments have as JSON; a connection each.
import json
import socket
import struct
import sys

for argument in sys.argv[2:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(('127.0.0.1', int(sys.argv[1])))
    header = json.dumps({'cmd': 'put', 'filename': json.loads(argument), 'filesize': 1}).encode()
    try:
        s.send(struct.pack('i', len(header)) + header)
        s.send(b'x')
        s.shutdown(socket.SHUT_WR)
        print(s.recv(1024))
    except OSError:
        # Closed with our bytes unread: a reset, or a pipe that is broken already.
        print(b'')
    s.close()
