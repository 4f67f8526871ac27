# SPDX-License-Identifier: BSD-2-Clause
"""A disk that keeps a trace: what was written to it in which order, and when it was flushed.

The kernel's loop device writes to any file, and passes a flush on as fsync(2). So the disk is a file
that a process of ours serves over /dev/fuse: each WRITE and each FSYNC comes to it, and goes to the
trace. From the trace images.py makes the disk as a power cut at any moment may leave it. A kernel with
loop devices is all that this takes."""
import ctypes
import errno
import mmap
import os
import struct
import time
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)

# The trace: a header each, and the data of what was written behind it.
EVENT = struct.Struct("<QQQ")  # kind, offset, size
WRITTEN, ZEROED, FLUSHED = range(3)

MOST_BYTES = 1 << 20  # of one WRITE
IN_HEADER = struct.Struct("<IIQQIIIHH")
OUT_HEADER = struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
WRITE_IN = struct.Struct("<QQIIQII")
FALLOCATE_IN = struct.Struct("<QQQII")
GETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC = 3, 14, 15, 16, 17, 18, 20
FLUSH, INIT, DESTROY, FALLOCATE = 25, 26, 38, 43
FORGETS = (2, 36, 42)  # nobody waits for an answer to these
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2
WAIT_SECONDS = 120


def check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)


def mount(source, target, kind, flags=0, data=""):
    check(LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()), target)


def unmount(target, flags=0):
    check(LIBC.umount2(target.encode(), flags), target)


def unmount_in_time(target):
    """The kernel may close the last files of processes that have ended a moment later."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            unmount(target)
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise
        os.sched_yield()


class Disk:
    """Serves a copy of an image at a path; `events` counts what happened, in memory that all share."""

    def __init__(self, image, path, trace):
        self.path = path
        self._counter = mmap.mmap(-1, mmap.PAGESIZE)
        with open(path, "wb"):
            pass
        self._fuse = os.open("/dev/fuse", os.O_RDWR)
        mount("disk", path, "fuse", data=f"fd={self._fuse},rootmode=100600,user_id=0,group_id=0")
        self._pid = os.fork()
        if self._pid == 0:
            status = 1
            try:
                _Server(self._fuse, image, trace, self._counter).serve()
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(self._fuse)

    @property
    def events(self):
        return struct.unpack_from("<Q", self._counter)[0]

    def close(self):
        unmount(self.path, 2)  # MNT_DETACH: the loop device lets go of it a moment later
        if os.waitpid(self._pid, 0)[1] != 0:
            raise RuntimeError("the disk has failed")


class _Server:
    def __init__(self, fuse, image, trace, counter):
        self._fuse = fuse
        self._image = os.open(image, os.O_RDWR)
        self._size = os.fstat(self._image).st_size
        self._trace = open(trace, "wb", buffering=1 << 20)
        self._counter = counter
        self._count = 0
        self._answers = {INIT: self._init, GETATTR: self._getattr, OPEN: lambda _: struct.pack("<QII", 0, 0, 0),
                         READ: self._read, WRITE: self._write, FSYNC: self._flush, FALLOCATE: self._fallocate,
                         STATFS: lambda _: bytes(80), RELEASE: lambda _: b"", FLUSH: lambda _: b"",
                         DESTROY: lambda _: b""}

    def serve(self):
        buffer = bytearray(MOST_BYTES + 4096)
        while True:
            try:
                size = os.readv(self._fuse, [buffer])
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                if error.errno == errno.ENODEV:
                    self._trace.close()
                    return
                raise
            _, opcode, unique, *_ = IN_HEADER.unpack_from(buffer)
            if opcode in FORGETS:
                continue
            body = memoryview(buffer)[IN_HEADER.size:size]
            answer = self._answers[opcode](body) if opcode in self._answers else -errno.ENOSYS
            error, parts = (answer, []) if isinstance(answer, int) else (0, [answer])
            length = OUT_HEADER.size + sum(map(len, parts))
            try:
                os.writev(self._fuse, [OUT_HEADER.pack(length, error, unique), *parts])
            except OSError as failure:
                # The mount ends without waiting for every answer, such as that to RELEASE.
                if failure.errno not in (errno.ENOENT, errno.ENODEV):
                    raise

    def _init(self, body):
        major, minor = struct.unpack_from("<II", body)
        return struct.pack("<IIIIHHIIHHIIIII", major, min(minor, 36), 1 << 20, BIG_WRITES | MAX_PAGES, 16, 12,
                           MOST_BYTES, 1, MOST_BYTES // 4096, 0, 0, 0, 0, 0, 0) + bytes(4)

    def _getattr(self, _):
        attributes = ATTRIBUTES.pack(1, self._size, self._size // 512, 0, 0, 0, 0, 0, 0, 0o100600, 1, 0, 0, 0, 4096, 0)
        return struct.pack("<QII", 3600, 0, 0) + attributes

    def _read(self, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(self._image, size, offset)

    def _append(self, kind, offset=0, size=0, data=b""):
        """All that is counted is in the trace, and nobody was told of it yet."""
        self._trace.write(EVENT.pack(kind, offset, size))
        self._trace.write(data)
        self._count += 1
        struct.pack_into("<Q", self._counter, 0, self._count)

    def _write(self, body):
        _, offset, size, *_ = WRITE_IN.unpack_from(body)
        data = body[WRITE_IN.size:WRITE_IN.size + size]
        os.pwrite(self._image, data, offset)
        self._append(WRITTEN, offset, size, data)
        return struct.pack("<II", size, 0)

    def _fallocate(self, body):
        """The way that the loop device discards, and writes zeros: both leave zeros here."""
        _, offset, size, *_ = FALLOCATE_IN.unpack_from(body)
        mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        check(LIBC.fallocate(self._image, mode, ctypes.c_long(offset), ctypes.c_long(size)), "fallocate")
        self._append(ZEROED, offset, size)
        return b""

    def _flush(self, _):
        self._append(FLUSHED)
        return b""
