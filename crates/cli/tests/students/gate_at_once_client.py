# The answer to the challenge and what we want to say leave in one send.
import hmac
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
challenge = s.recv(32)
answer = hmac.new(b'egg', challenge, 'md5').digest()
s.send(answer + b'hello at once')
try:
    print(s.recv(1024))
    print(s.recv(1024))
except ConnectionResetError:
    # Shut out with what we said unread.
    print(b'')
s.close()
