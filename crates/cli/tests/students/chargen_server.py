# RFC 864: characters until the client has enough.
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
line = bytes(range(32, 127)) * 2
text = b''
for i in range(95):
    text += line[i:i + 72] + b'\r\n'
try:
    while True:
        c.sendall(text)
except (ConnectionResetError, BrokenPipeError):
    print('enough')
c.close()
s.close()
