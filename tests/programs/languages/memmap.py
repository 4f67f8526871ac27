# SPDX-License-Identifier: BSD-2-Clause
"""A participant of the exchange (see exchange.py): numpy.memmap, which makes, maps and extends the
file by itself."""
import numpy

from participant import serve


class Participant:
    """Each order is a method; what that returns is the answer."""

    def make(self, path, size):
        self.path = path
        self.array = numpy.memmap(path, numpy.uint8, "w+", shape=(int(size),))

    def open(self, path):
        self.path = path
        self.array = numpy.memmap(path, numpy.uint8, "r+")

    def store(self, offset, text):
        offset = int(offset)
        self.array[offset:offset + len(text)] = numpy.frombuffer(text.encode(), numpy.uint8)

    def load(self, offset, length):
        return self.array[int(offset):int(offset) + int(length)].tobytes().decode()

    def write(self, offset, text):
        with open(self.path, "r+b") as file:
            file.seek(int(offset))
            numpy.frombuffer(text.encode(), numpy.uint8).tofile(file)

    def read(self, offset, length):
        found = numpy.fromfile(self.path, numpy.uint8, int(length), offset=int(offset))
        return found.tobytes().decode()

    def grow(self, size):
        # A memmap cannot be resized: a larger one extends the file.
        self.array = numpy.memmap(self.path, numpy.uint8, "r+", shape=(int(size),))

    def remap(self):
        self.open(self.path)
        return str(self.array.size)

    def sync(self):
        self.array.flush()

    def close(self):
        del self.array


serve(Participant())
