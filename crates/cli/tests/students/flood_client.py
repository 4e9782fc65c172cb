# Opens as many connections as the second argument says and keeps them all; who is served gets A for a.
import socket
import sys

kept = []
served = 0
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(('127.0.0.1', int(sys.argv[1])))
    kept.append(s)
    try:
        s.send(b'a')
        if s.recv(1024) == b'A':
            served += 1
    except (ConnectionResetError, BrokenPipeError):
        pass
print(served, 'served')
kept[0].send(b'still here')
print(kept[0].recv(1024))
