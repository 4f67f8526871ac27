# SPDX-License-Identifier: BSD-2-Clause
"""The images that a power cut leaves of a disk."""
import os

from disk import EVENT, FLUSHED, WRITTEN

CHUNK = 1 << 20
BLOCK = 4096

# How much of what was not flushed is on the disk: nothing; all, as in a copy of the disk that is made
# while it is in use; some requests, blocks or sectors of them.
KEPT = ("nothing", "all", "requests", "blocks", "sectors")


def copy_sparse(source, target):
    """Copies a file of holes; `target` is new."""
    with open(source, "rb", buffering=0) as reader, open(target, "wb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(reader.fileno(), at, os.SEEK_DATA)
            except OSError:
                break  # only a hole is left
            end = os.lseek(reader.fileno(), at, os.SEEK_HOLE)
            os.lseek(writer.fileno(), at, os.SEEK_SET)
            while at < end:
                at += os.sendfile(writer.fileno(), reader.fileno(), at, end - at)


class Images:
    """Goes through a trace, from an image as it was before."""

    def __init__(self, before, trace, sector):
        self._sector = sector
        self._flushed = before  # is changed: it has all that was flushed
        self._waiting = []  # what was not flushed: offset, and the place of the data in the trace or None, and size
        self._file = open(trace, "rb", buffering=0)
        self._disk = open(before, "r+b", buffering=0)
        self._at = 0
        self.event = 0

    def advance(self, event):
        """To just before an event."""
        while self.event < event:
            kind, offset, size = EVENT.unpack(os.pread(self._file.fileno(), EVENT.size, self._at))
            self._at += EVENT.size
            if kind == FLUSHED:
                for write in self._waiting:
                    self._apply(self._disk.fileno(), *write)
                self._waiting = []
            else:
                self._waiting.append((offset, self._at if kind == WRITTEN else None, size))
                self._at += size if kind == WRITTEN else 0
            self.event += 1

    @property
    def waiting(self):
        """How many writes were not flushed."""
        return len(self._waiting)

    def _apply(self, disk, offset, place, size):
        while size > 0:
            part = min(size, CHUNK)
            data = bytes(part) if place is None else os.pread(self._file.fileno(), part, place)
            os.pwrite(disk, data, offset)
            offset, size = offset + part, size - part
            place = None if place is None else place + part

    def cut(self, path, kept, random):
        """Makes the disk as a power cut now leaves it. Of several writes to one place it may have any."""
        copy_sparse(self._flushed, path)
        share = random.choice((0.1, 0.5, 0.9))
        with open(path, "r+b", buffering=0) as disk:
            for offset, place, size in self._waiting if kept != "nothing" else ():
                unit = {"blocks": BLOCK, "sectors": self._sector}.get(kept, size)
                for start in range(0, size, unit):
                    if kept == "all" or random.random() < share:
                        part = min(unit, size - start)
                        self._apply(disk.fileno(), offset + start, None if place is None else place + start, part)

    def close(self):
        self._file.close()
        self._disk.close()
