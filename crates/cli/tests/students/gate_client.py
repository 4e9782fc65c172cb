# Proves that we know the secret (arguments: port, secret, digest), then says hello.
import hmac
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
challenge = s.recv(32)
print(len(challenge))
answer = hmac.new(sys.argv[2].encode(), challenge, sys.argv[3]).digest()
print(len(answer))
s.send(answer)
s.send(b'hello')
print(s.recv(1024))
print(s.recv(1024))
s.close()
