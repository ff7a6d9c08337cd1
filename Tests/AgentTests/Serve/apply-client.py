#!/usr/bin/env python3
"""Asks `muster-agent apply` who owns which network: apply-client.py SOCKET. Prints what comes back."""
import socket, sys

wire = socket.socket(socket.AF_UNIX)
wire.settimeout(20)
wire.connect(sys.argv[1])
wire.sendall(b'{"jsonrpc":"2.0","id":1,"method":"Apply.ownership"}\n')
print(wire.recv(65536).decode())
