# SPDX-License-Identifier: BSD-2-Clause
"""Has two processes map a part of a file each and store into it, and runs a command that looks at
the file meanwhile.

    picture.py FILE COMMAND [ARGUMENT...]

Nothing here knows of shmapfs. FILE becomes the last argument of the command.
"""
import mmap
import os
import subprocess
import sys

MIB = 1 << 20
SIZE = 16 * MIB


def map_and_store(file, begin, end, stored):
    """Maps the bytes from `begin` to `end`, and stores into the first of them."""
    mapped = mmap.mmap(file.fileno(), end - begin, offset=begin)
    for offset in range(0, stored, mmap.PAGESIZE):
        mapped[offset] = 1
    return mapped


def hold(file, stored, done):
    """Maps the second half until the other process has gone on."""
    mapped = map_and_store(file, SIZE // 2, SIZE, 3 * MIB)
    os.write(stored, b"\n")
    os.close(stored)
    os.read(done, 1)
    mapped.close()


def main(path, *command):
    has_stored, stored = os.pipe()
    done, go_on = os.pipe()
    with open(path, "w+b") as file:
        file.truncate(SIZE)
        if os.fork() == 0:
            os.close(go_on)
            hold(file, stored, done)
            os._exit(0)
        os.close(stored)
        mapped = map_and_store(file, 0, 10 * MIB, 5 * MIB)
        if not os.read(has_stored, 1):
            sys.exit(f"picture.py: {path} could not be mapped")
        ran = subprocess.run([*command, path], check=False)
        os.close(go_on)
        os.wait()
        mapped.close()
    sys.exit(ran.returncode)


main(*sys.argv[1:])
