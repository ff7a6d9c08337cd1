#!/usr/bin/env python3
"""Prints the names in an initramfs, a line each: list-initramfs.py FILE. Knows what the kernel knows, several newc archives
one after the other, which cpio and bsdtar stop at."""
import subprocess, sys

data = subprocess.run(["zstd", "-dcq", sys.argv[1]], check=True, stdout=subprocess.PIPE).stdout
at = 0
while at < len(data):
    if data[at] == 0:
        at += 1
        continue
    assert data[at:at + 6] == b"070701", at
    size, length = int(data[at + 54:at + 62], 16), int(data[at + 94:at + 102], 16)
    print(data[at + 110:at + 109 + length].decode())
    at = (at + 110 + length + 3) // 4 * 4
    at = (at + size + 3) // 4 * 4
