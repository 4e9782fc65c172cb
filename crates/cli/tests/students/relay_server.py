# Group chat: whatever one says goes to all; who ends with bye is taken off the list. Ends when the last one left.
import select
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(('127.0.0.1', 0))
s.listen(5)
print(s.getsockname()[1], flush=True)
inputs = [s]
clients = []
while True:
    readable, writable, errors = select.select(inputs, [], [], 20)
    if not readable:
        raise TimeoutError('nobody says anything')
    for r in readable:
        if r is s:
            c, address = s.accept()
            inputs.append(c)
            clients.append(c)
            continue
        data = r.recv(1024)
        print(data, flush=True)
        if not data or data.decode().endswith('bye'):
            inputs.remove(r)
            clients.remove(r)
            r.close()
        else:
            for c in clients:
                c.send(data)
    if not clients:
        break
s.close()
