# SPDX-License-Identifier: BSD-2-Clause
"""Writes a file, has two processes map a part of it each and store into that, and runs a command
that looks at the file meanwhile.

    picture.py FILE COMMAND [ARGUMENT...]

Nothing here knows of shmapfs. FILE becomes the last argument of the command.
"""
import mmap
import os
import subprocess
import sys

MIB = 1 << 20
SIZE = 16 * MIB


def write(file, size):
    """Writes the beginning of a file to where it belongs, as much at once as a huge page has."""
    for offset in range(0, size, 2 * MIB):
        os.pwrite(file.fileno(), b"\1" * (2 * MIB), offset)
    os.fsync(file.fileno())


def store(mapped, begin, end):
    for offset in range(begin, end, mmap.PAGESIZE):
        mapped[offset] = 1


def hold(file, stored, done):
    """Maps the second half until the other process has gone on, and flushes a part of that."""
    with mmap.mmap(file.fileno(), SIZE // 2, offset=SIZE // 2) as mapped:
        store(mapped, 0, 2 * MIB)
        mapped.flush()
        store(mapped, 2 * MIB, 3 * MIB)
        os.write(stored, b"\n")
        os.close(stored)
        os.read(done, 1)


def main(path, *command):
    has_stored, stored = os.pipe()
    done, go_on = os.pipe()
    with open(path, "w+b") as file:
        file.truncate(SIZE)
        write(file, 4 * MIB)
        if os.fork() == 0:
            os.close(go_on)
            hold(file, stored, done)
            os._exit(0)
        os.close(stored)
        with mmap.mmap(file.fileno(), 10 * MIB) as mapped:
            if not os.read(has_stored, 1):
                sys.exit(f"picture.py: {path} could not be mapped")
            store(mapped, 4 * MIB, 5 * MIB)
            ran = subprocess.run([*command, path], check=False)
            os.close(go_on)
            os.wait()
    sys.exit(ran.returncode)


main(*sys.argv[1:])
