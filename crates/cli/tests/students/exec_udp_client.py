# Remote command over UDP: two datagrams, stderr and stdout.
import socket
import sys

server = ('127.0.0.1', int(sys.argv[1]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
for cmd in sys.argv[2:]:
    s.sendto(cmd.encode(), server)
    err, address = s.recvfrom(65535)
    out, address = s.recvfrom(65535)
    if len(out) > 1000:
        print(err, len(out), out[-8:])
    else:
        print(err, out)
s.close()
