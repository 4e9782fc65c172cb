# What a web page could send to an exec port (arguments: port, first line, body); prints that it was shut out.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send((sys.argv[2] + '\r\nHost: 127.0.0.1\r\n\r\n' + sys.argv[3] + '\n').encode())
try:
    while s.recv(1024):
        pass
except ConnectionResetError:
    pass
print('closed')
s.close()
