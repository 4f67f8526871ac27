# SPDX-License-Identifier: BSD-2-Clause
"""One half of the exchange: maps a file, puts numbers into it and checks the answers of exchange.c.

Nothing here knows of shmapfs. The two programs meet only in the file; the pipes on standard input
and output say no more than «your turn».
"""
import mmap
import os
import struct
import sys

ROUNDS = 1000
NUMBER, ANSWER, TEXT = 0, 8, 64


def main(path):
    with open(path, "w+b") as file:
        file.truncate(mmap.PAGESIZE)
        with mmap.mmap(file.fileno(), mmap.PAGESIZE) as shared:
            for number in range(1, ROUNDS + 1):
                struct.pack_into("=Q", shared, NUMBER, number)
                os.write(1, b"\n")
                if os.read(0, 1) != b"\n":
                    sys.exit("exchange.py: the other program has gone")
                (answer,) = struct.unpack_from("=Q", shared, ANSWER)
                if answer != number * number:
                    sys.exit(f"exchange.py: {number} was answered with {answer}")
            text = f"{ROUNDS} numbers, squared by the process {struct.unpack_from('=Q', shared, 16)[0]}\n"
            shared[TEXT : TEXT + len(text)] = text.encode()
            shared.flush()


main(sys.argv[1])
