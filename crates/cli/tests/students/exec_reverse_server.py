# Roles turned: who connects runs the commands of our arguments, sent in GBK.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
for cmd in sys.argv[1:]:
    c.send(cmd.encode('gbk'))
    size = c.recv(1024)
    if not size:
        print('refused')
        break
    size = int(size)
    c.send(b'get number')
    data = b''
    while len(data) < size:
        data += c.recv(1024)
    print(size, repr(data.decode('gbk')))
c.send(b'q')
print(c.recv(1024))
c.close()
s.close()
