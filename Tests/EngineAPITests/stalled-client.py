#!/usr/bin/env python3
"""stalled-client.py PORT TOKEN: asks for more than its receive buffer takes, says so, and never reads an answer."""
import socket, ssl, sys

context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
wire = socket.socket()
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
wire.connect(("127.0.0.1", int(sys.argv[1])))
wire = context.wrap_socket(wire)
request = f"GET /ovirt-engine/api/events?max=1000 HTTP/1.1\r\nHost: e\r\nAuthorization: Bearer {sys.argv[2]}\r\n\r\n"
wire.sendall(request.encode() * 8)
print("asked", flush=True)
sys.stdin.read()
