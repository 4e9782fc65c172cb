# Remote command behind the gate (arguments: port, secret, digest, command).
import hmac
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
challenge = s.recv(32)
s.send(hmac.new(sys.argv[2].encode(), challenge, sys.argv[3]).digest())
s.send(sys.argv[4].encode())
print(s.recv(1024))
s.close()
