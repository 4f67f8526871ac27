#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Uses the files of a directory without pause, until a call fails: load.py DIRECTORY COUNTER

The file COUNTER, elsewhere, has the number of rounds.
"""
import mmap
import os
import sys


def work(directory, kept, mapping, number):
    """A round: one file that stays open and mapped, and one that comes and goes."""
    text = b"%020d" % number
    mapping[:20] = text
    assert os.pread(kept, 20, 0) == text
    assert os.pwrite(kept, text, 4096) == 20
    assert mapping[4096:4116] == text
    first, second = (os.path.join(directory, name) for name in ("first", "second"))
    with open(first, "xb") as file:
        file.write(text)
        os.fsync(file.fileno())
    os.rename(first, second)
    with open(second, "rb") as file:
        assert file.read() == text
    os.unlink(second)
    assert sorted(os.listdir(directory)) == ["kept"]


def main(directory, counter):
    os.makedirs(directory, exist_ok=True)
    kept = os.open(os.path.join(directory, "kept"), os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(kept, 8192)
    with mmap.mmap(kept, 8192) as mapping, open(counter, "w", encoding="ascii") as count:
        number = 0
        while True:
            work(directory, kept, mapping, number)
            number += 1
            os.pwrite(count.fileno(), b"%020d\n" % number, 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
