# Two-way talk: we speak first. bye or q, from either side, ends it.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for text in sys.argv[2:]:
    s.send(text.encode())
    if text == 'bye' or text == 'q':
        break
    answer = s.recv(1024)
    print(answer.decode())
    if answer == b'bye' or answer == b'q':
        break
print(s.recv(1024))
s.close()
