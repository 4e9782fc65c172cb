# Group chat: a thread prints what the others say, the main program sends each line of the keyboard.
import socket
import sys
import threading

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))


def listen():
    while True:
        data = s.recv(1024)
        if not data:
            print('closed', flush=True)
            break
        print(data.decode(), flush=True)


t = threading.Thread(target=listen)
t.start()
while True:
    line = input()
    s.send(line.encode())
    if line.endswith('bye'):
        break
t.join()
s.close()
