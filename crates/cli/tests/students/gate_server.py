# Lets in who knows the secret (arguments: secret, digest), then says hi.
import hmac
import os
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
challenge = os.urandom(32)
c.sendall(challenge)
right = hmac.new(sys.argv[1].encode(), challenge, sys.argv[2]).digest()
answer = c.recv(len(right))
if hmac.compare_digest(answer, right):
    print('right')
    print(c.recv(1024))
    c.send(b'hi')
else:
    print('wrong')
c.close()
s.close()
