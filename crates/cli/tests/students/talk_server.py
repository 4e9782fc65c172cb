# Two-way talk with one client: answers with the arguments, one after the other, until one side says bye or q.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
c, address = s.accept()
c.settimeout(20)
for answer in sys.argv[1:]:
    data = c.recv(1024)
    print(data)
    if data == b'bye' or data == b'q':
        break
    c.send(answer.encode())
    if answer == 'bye' or answer == 'q':
        break
c.close()
s.close()
