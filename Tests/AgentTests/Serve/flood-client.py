#!/usr/bin/env python3
"""Holds connections that say nothing: flood-client.py HOST PORT COUNT SOURCE... Opens COUNT of them from each source address
and opens another for every one that the agent closes, until it is killed. Prints `flooding` when the first COUNT are open."""
import select, socket, sys

host, port, count, sources = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]


def connect(source):
    return socket.create_connection((host, port), 10, source_address=(source, 0))


wires = {}
for source in sources:
    for _ in range(count):
        wires[connect(source)] = source
print("flooding", len(wires), flush=True)
while True:
    for wire in select.select(list(wires), [], [])[0]:
        try:
            data = wire.recv(1)
        except OSError:
            data = b""
        if not data:
            source = wires.pop(wire)
            wire.close()
            wires[connect(source)] = source
