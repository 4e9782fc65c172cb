# The acknowledgement and the next command leave in one send. Nothing else is needed to get all three answers.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.send(b'echo one')
print(int(s.recv(1024)))
s.send(b'recv_ready' + b'echo three')
print(s.recv(4))
print(int(s.recv(1024)))
s.send(b'get number' + b'echo fifteen')
print(s.recv(6))
print(int(s.recv(1024)))
s.send(b'123')
print(s.recv(8))
s.close()
