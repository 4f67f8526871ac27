# SPDX-License-Identifier: BSD-2-Clause
"""The things that one host does and another one is to see."""
import errno
import mmap
import os
import time

from cluster import wait_until
from hosts import error_of, read, write

# A host must see what the other does within that time.
SEEN_SECONDS = 2


def processes_at_work():
    """How many there are for each processor: now, or in the last minute if that is more."""
    with open("/proc/loadavg", encoding="ascii") as file:
        minute, *_, now, _ = file.read().split()
    return max(float(minute), int(now.split("/")[0])) / os.cpu_count()


def seen(condition, what):
    """Waits until the other host sees something. A busy machine takes longer for everything."""
    before = processes_at_work()
    began = time.monotonic()
    wait_until(condition, what)
    took = time.monotonic() - began
    share = max(1, before, processes_at_work())
    assert took < SEEN_SECONDS * share, f"{what} was seen after {took:.1f} s"


class Mapping:
    """A shared mapping of a page of a file, whose descriptor is closed."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def __enter__(self):
        return self._map

    def __exit__(self, *_):
        self._map.close()


def see_names(one, other):
    assert error_of(os.stat, other.path("made")) == errno.ENOENT
    write(one.path("made"), "x")
    seen(lambda: os.path.exists(other.path("made")), "a new file")
    assert "made" in os.listdir(other.mountpoint)
    os.rename(one.path("made"), one.path("moved"))
    seen(lambda: not os.path.exists(other.path("made")), "a name that went")
    seen(lambda: os.path.exists(other.path("moved")), "a name that came")
    os.unlink(one.path("moved"))
    seen(lambda: not os.path.exists(other.path("moved")), "a file that went")


def see_attributes(one, other):
    write(one.path("file"), "12345")
    seen(lambda: error_of(os.stat, other.path("file")) == 0, "a file")
    assert os.stat(other.path("file")).st_size == 5
    write(one.path("file"), "678", "a")
    seen(lambda: os.stat(other.path("file")).st_size == 8, "a size")
    os.utime(one.path("file"), (1, 1))
    seen(lambda: os.stat(other.path("file")).st_mtime == 1, "a time")
    os.chmod(one.path("file"), 0o640)
    seen(lambda: os.stat(other.path("file")).st_mode & 0o777 == 0o640, "a mode")
    write(one.path("new"), "replaced")
    os.rename(one.path("new"), one.path("file"))
    seen(lambda: read(other.path("file")) == "replaced", "the file in another's place")


def see_contents(one, other):
    page = mmap.PAGESIZE
    write(one.path("pages"), "a" * page)
    seen(lambda: error_of(os.stat, other.path("pages")) == 0, "a file")
    with open(other.path("pages"), "rb", buffering=0) as file:
        assert os.pread(file.fileno(), 1, 0) == b"a"
        with open(one.path("pages"), "r+b", buffering=0) as writer:
            writer.write(b"b")
        seen(lambda: os.pread(file.fileno(), 1, 0) == b"b", "what was written")
        os.truncate(one.path("pages"), 2 * page)
        seen(lambda: os.fstat(file.fileno()).st_size == 2 * page, "growth")


def see_stores(one, other):
    page = mmap.PAGESIZE
    write(one.path("mapped"), "a" * page)
    seen(lambda: error_of(os.stat, other.path("mapped")) == 0, "a file")
    seen(lambda: os.stat(other.path("mapped")).st_size == page, "a size")
    with Mapping(one.path("mapped")) as near, Mapping(other.path("mapped")) as far:
        for mine, yours in (near, far), (far, near):
            for value in b"cd":
                mine[1] = value
                mine.flush()
                seen(lambda yours=yours, value=value: yours[1] == value, "a store")
        os.truncate(one.path("mapped"), 2 * page)
        seen(lambda: os.stat(other.path("mapped")).st_size == 2 * page, "growth")
        assert far[1] == ord("d")


def see_all(one, other, cluster):
    see_names(one, other)
    see_attributes(one, other)
    see_contents(one, other)
    if cluster.mappings != "never":
        see_stores(one, other)
