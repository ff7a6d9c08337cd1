#!/usr/bin/env python3
"""Opens connections and says nothing: flood-client.py HOST PORT COUNT KEPT. Prints how many are open when the agent has
closed all but KEPT of them."""
import select, socket, sys

wires = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) for _ in range(int(sys.argv[3]))]
while len(wires) > int(sys.argv[4]):
    ready = select.select(wires, [], [], 5)[0]
    if not ready:
        break
    for wire in ready:
        try:
            data = wire.recv(1)
        except OSError:
            data = b""
        if not data:
            wires.remove(wire)
print(len(wires))
