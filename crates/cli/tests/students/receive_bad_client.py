# Headers that nobody should take. The server has to close by itself: we never say that we are done.
import json
import socket
import struct
import sys

bad = {
    'length 0': struct.pack('i', 0),
    'length -1': struct.pack('i', -1),
    'length -2^31': struct.pack('i', -2**31),
    'length 2^31-1': struct.pack('i', 2**31 - 1),
    'no JSON': struct.pack('i', 4) + b'nope',
    'no object': struct.pack('i', 2) + b'[]',
    'no keys': struct.pack('i', 2) + b'{}',
    'no such cmd': struct.pack('i', 14) + b'{"cmd":"burn"}',
}
for size in (2**63, 2**64, -1, 10**30, 1.5, 'ten'):
    header = json.dumps({'cmd': 'put', 'filename': 'big.txt', 'filesize': size}).encode()
    bad['filesize ' + str(size)] = struct.pack('i', len(header)) + header
    header = json.dumps({'file_name': 'big.txt', 'file_size': size, 'md5': '0' * 32}).encode()
    bad['file_size ' + str(size)] = struct.pack('i', len(header)) + header
for what in bad:
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(('127.0.0.1', int(sys.argv[1])))
    s.send(bad[what])
    try:
        while s.recv(1024):
            pass
    except ConnectionResetError:
        pass
    print(what, 'closed')
    s.close()
