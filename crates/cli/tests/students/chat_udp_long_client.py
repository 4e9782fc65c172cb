# Datagram chat with the longest datagram that there is: it must come back whole.
import socket
import sys

text = b'0123456789' * 6550 + b'the end'
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.sendto(text, ('127.0.0.1', int(sys.argv[1])))
data, address = s.recvfrom(65535)
print(len(data), data == text)
s.sendto(b'', address)
data, address = s.recvfrom(65535)
print(len(data))
s.close()
