# Datagram chat in GBK: prints the answer to the second argument.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.sendto(sys.argv[2].encode('gbk'), ('127.0.0.1', int(sys.argv[1])))
data, address = s.recvfrom(65535)
print(data.decode('gbk'))
s.close()
