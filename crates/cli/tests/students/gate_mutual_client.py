# Proves that we know the secret, and has the server prove it too (arguments: port, secret, digest).
import hashlib
import hmac
import os
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
first = s.recv(32)
second = os.urandom(32)
s.send(hmac.new(sys.argv[2].encode(), first, sys.argv[3]).digest() + second)
proof = s.recv(hashlib.new(sys.argv[3]).digest_size)
right = hmac.new(sys.argv[2].encode(), b'Landline gate server v1\0' + first + second, sys.argv[3]).digest()
print(proof == right)
s.send(b'hello')
print(s.recv(1024))
s.close()
