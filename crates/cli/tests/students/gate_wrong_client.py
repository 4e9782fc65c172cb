# Guesses: closed without a word (a close with our bytes unread arrives as a reset).
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
challenge = s.recv(32)
s.send(b'0123456789abcdef' * 4)
try:
    print(s.recv(1024))
except ConnectionResetError:
    print(b'')
s.close()
