#!/usr/bin/env python3
"""Writes a text to a Unix socket: unix-send.py SOCKET TEXT. `\\n` and `\\r` in the text are what they are in C."""
import socket, sys

wire = socket.socket(socket.AF_UNIX)
wire.connect(sys.argv[1])
wire.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
wire.shutdown(socket.SHUT_WR)
wire.settimeout(2)
try:
    while wire.recv(65536):
        pass
except OSError:
    pass
