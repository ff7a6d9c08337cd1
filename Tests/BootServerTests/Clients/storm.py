#!/usr/bin/env python3
"""storm INTERFACE RATE SECONDS: RATE messages a second of machines that nobody has, to DHCP's port on the interface's segment.

Of ten messages seven look for a server, two ask for an address of the pool, and one is no DHCP at all. Each names another
card. Prints how many were sent. Needs CAP_NET_RAW.
"""
import os
import socket
import struct
import sys
import time

PXE = (
    bytes([60, 32]) + b"PXEClient:Arch:00007:UNDI:003000" + bytes([93, 2, 0, 7, 94, 3, 1, 3, 0, 55, 4, 1, 3, 66, 67])
)


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def frame(payload, mac):
    udp = struct.pack(">HHHH", 68, 67, 8 + len(payload), 0)
    start = struct.pack(">BBHHHBB", 0x45, 0, 28 + len(payload), 0, 0, 64, 17)
    addresses = bytes(4) + b"\xff" * 4
    ip = start + struct.pack(">H", checksum(start + bytes(2) + addresses)) + addresses
    return b"\xff" * 6 + mac + b"\x08\x00" + ip + udp + payload


def message(number, mac):
    if number % 10 == 9:
        return os.urandom(300)
    options = bytes([53, 1, 1]) + PXE
    if number % 10 >= 7:
        options = bytes([53, 1, 3, 54, 4, 10, 77, 0, 1, 50, 4, 10, 77, 0, 10 + number % 11]) + PXE
    header = struct.pack(">BBBBIHH", 1, 1, 6, 0, number & 0xFFFFFFFF, 0, 0x8000) + bytes(16)
    return header + mac + bytes(10 + 64 + 128) + bytes.fromhex("63825363") + options + b"\xff"


def main():
    interface, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    start, sent = time.monotonic(), 0
    while sent < rate * seconds:
        due = min(int((time.monotonic() - start) * rate), int(rate * seconds))
        for number in range(sent, due):
            mac = b"\x02" + os.urandom(5)
            try:
                sender.send(frame(message(number, mac), mac))
            except OSError:
                pass  # A full queue loses a frame, as a wire does.
        sent = max(sent, due)
        time.sleep(0.002)
    print(f"{sent} messages in {time.monotonic() - start:.1f} s")


main()
