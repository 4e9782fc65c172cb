# Remote command over UDP: as many commands as the argument says, each answered with two datagrams.
import socket
import subprocess
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
for i in range(int(sys.argv[1])):
    cmd, client = s.recvfrom(1024)
    print(cmd.decode())
    p = subprocess.Popen(cmd.decode(), shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate()
    s.sendto(err[:65507], client)
    s.sendto(out[:65507], client)
s.close()
