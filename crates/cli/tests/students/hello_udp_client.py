# hello over UDP: the second argument is the text, or with a third that many of it.
import socket
import sys

text = sys.argv[2].encode()
if len(sys.argv) > 3:
    text = text * int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.sendto(text, ('127.0.0.1', int(sys.argv[1])))
data, server = s.recvfrom(1024)
print(data)
s.close()
