# Opens as many connections as the second argument says and one more; then one leaves, and another one comes.
import resource
import socket
import sys

server = ('127.0.0.1', int(sys.argv[1]))
count = int(sys.argv[2])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def come():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(server)
    return s


def is_served(s):
    try:
        s.send(b'a')
        return s.recv(1024) == b'A'
    except (ConnectionResetError, BrokenPipeError):
        return False


people = []
for i in range(count):
    people.append(come())
for s in people:
    s.send(b'a')
served = 0
for s in people:
    if s.recv(1024) == b'A':
        served += 1
print(served, 'served')
print('one more:', is_served(come()))
s = people.pop(0)
s.shutdown(socket.SHUT_WR)
print('one leaves:', s.recv(1024))
s.close()
people.append(come())
print('another one:', is_served(people[-1]))
print('the first and the last:', is_served(people[0]), is_served(people[-2]))
