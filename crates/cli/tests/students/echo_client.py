# RFC 862: every byte comes back, each argument before the next one is sent.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for text in sys.argv[2:]:
    text = text.encode()
    s.sendall(text)
    data = b''
    while len(data) < len(text):
        data += s.recv(1024)
    print(data.decode())
s.shutdown(socket.SHUT_WR)
print(s.recv(1024))
s.close()
