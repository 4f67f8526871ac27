# SPDX-License-Identifier: BSD-2-Clause
"""The work of programs on two hosts at once, and how they know that it is right.

A load is a class that a process of each host has one of; its turn() is called again and again. A
wire leads to the same load on the other host, as a network would.
"""
import errno
import fcntl
import hashlib
import mmap
import os
import random
import select
import time
import zlib

from locks import description, flock, posix

PAGE = mmap.PAGESIZE
# Within that a host must see what another one has done, on a machine with nothing else to do.
SEEN_SECONDS = 2
LONGEST_CONTENT = 200_000


class Account:
    """The record of a process: what it has done and found wrong, and which calls failed."""

    def __init__(self):
        self.counts = {}
        self.wrong = []
        self.errors = {}
        self.longest = (0.0, "no call")
        self.latest = {}

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def call(self, what, function, *arguments):
        """Does something that may take long, or fail."""
        begin = time.monotonic()
        try:
            return function(*arguments)
        except OSError as error:
            failure = f"{what}: {errno.errorcode[error.errno]}"
            self.errors[failure] = self.errors.get(failure, 0) + 1
            raise
        finally:
            self.count("calls")
            self.longest = max(self.longest, (time.monotonic() - begin, what))

    def check(self, holds, what):
        self.count("checks")
        if not holds:
            self.wrong.append(what)
        return holds

    def see_soon(self, condition, what):
        """Waits until something is seen that another host has made so. It may take a moment."""
        begin = time.monotonic()
        limit = SEEN_SECONDS * max(1, os.getloadavg()[0] / os.cpu_count())
        if not (seen := condition()):
            self.count(f"{what}, not at once")
        while not seen and time.monotonic() < begin + limit:
            select.select([], [], [], 0.002)
            seen = condition()
        took = time.monotonic() - begin
        self.count(what)
        self.latest[what] = max(self.latest.get(what, 0), took)
        return seen

    def check_soon(self, condition, what, wrong):
        self.check(self.see_soon(condition, what), wrong)


class Load:
    """A part of a program. `number` tells the host's processes with the same load apart."""

    def __init__(self, account, host, number, wire):
        self.account, self.host, self.number, self.wire = account, host, number, wire
        self.call = account.call
        self.random = random.Random(f"{host.name} {number}")

    def path(self, name):
        return self.host.path(name)

    def content(self):
        return self.random.randbytes(self.random.randrange(1, LONGEST_CONTENT))


    @classmethod
    def prepare(cls, host):
        """Makes what all programs with this load find."""

    @classmethod
    def finish(cls, host, counts, account):
        """Checks what they have left on a host, which they have counted."""


def read_all(fd):
    return os.pread(fd, os.fstat(fd).st_size, 0)


def write_all(fd, content):
    assert os.pwrite(fd, content, 0) == len(content)


class Counters(Load):
    """Numbers that all processes add to, under each kind of lock, by stores and by writing. Without
    shmapfs a lock alone does not do: they drop what was read before, and sync what they write."""
    PROCESSES = 2
    NAMES = [f"counter.{lock.__name__}.{way}" for lock in (flock, posix, description)
             for way in ("mapped", "written")]
    LOCKS = dict(zip(NAMES, [lock for lock in (flock, posix, description) for _ in range(2)]))

    @classmethod
    def prepare(cls, host):
        for name in cls.NAMES:
            with open(host.path(name), "wb") as file:
                file.write(bytes(PAGE))

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # Closing any descriptor of a file gives up its locks of fcntl(2): they are kept.
        self._files = {name: os.open(self.path(name), os.O_RDWR) for name in self.NAMES}
        self._maps = {name: mmap.mmap(fd, PAGE) for name, fd in self._files.items()}

    def turn(self):
        name = self.random.choice(self.NAMES)
        fd, lock = self._files[name], self.LOCKS[name]
        self.call(f"{lock.__name__} lock", lock, fd, fcntl.F_WRLCK)
        try:
            if self.host.is_bare:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            add = self._add_mapped if name.endswith("mapped") else self._add_written
            add(name, fd)
            if self.host.is_bare:
                self.call("fdatasync", os.fdatasync, fd)
            self.account.count(name)
        finally:
            self.call(f"{lock.__name__} unlock", lock, fd, fcntl.F_UNLCK)

    def _add_mapped(self, name, _fd):
        mapping = self._maps[name]
        value = int.from_bytes(mapping[:8], "little") + 1
        mapping[:8] = value.to_bytes(8, "little")
        self.call("msync", mapping.flush)

    def _add_written(self, _name, fd):
        value = int.from_bytes(self.call("pread", os.pread, fd, 8, 0), "little") + 1
        self.call("pwrite", os.pwrite, fd, value.to_bytes(8, "little"), 0)

    @classmethod
    def finish(cls, host, counts, account):
        for name, lock in cls.LOCKS.items():
            fd = os.open(host.path(name), os.O_RDWR)
            lock(fd, fcntl.F_WRLCK)
            value = int.from_bytes(os.pread(fd, 8, 0), "little")
            os.close(fd)
            account.check(value == counts.get(name, 0),
                          f"{name} on {host.name} is {value}, and not {counts.get(name, 0)}")


class Logs(Load):
    """Lines that all processes append, each under a lock. A program that finds many checks and drops them.
    The first line of a log says how many lines of each process were dropped."""
    PROCESSES = 2
    LOCKS = {"log.flock": flock, "log.ofd": description}
    MOST_BYTES = 20_000

    @classmethod
    def prepare(cls, host):
        for name in cls.LOCKS:
            with open(host.path(name), "wb") as file:
                file.write(b"{}\n")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._files = {name: os.open(self.path(name), os.O_RDWR | os.O_APPEND)
                       for name in self.LOCKS}
        self._written = dict.fromkeys(self.LOCKS, 0)

    def turn(self):
        name = self.random.choice(list(self.LOCKS))
        fd, lock = self._files[name], self.LOCKS[name]
        self.call(f"{lock.__name__} lock", lock, fd, fcntl.F_WRLCK)
        try:
            line = f"{self.host.name}{self.number} {self._written[name] + 1} ".encode()
            line += b"%08x\n" % zlib.crc32(line)
            self.call("append", os.write, fd, line)
            self._written[name] += 1
            self.account.count(f"{name} {self.host.name}{self.number}")
            if self.call("fstat", os.fstat, fd).st_size > self.MOST_BYTES:
                self._drop(name, fd)
        finally:
            self.call(f"{lock.__name__} unlock", lock, fd, fcntl.F_UNLCK)

    def _drop(self, name, fd):
        seen = check_log(name, self.call("pread", read_all, fd), self.account)
        self.call("ftruncate", os.ftruncate, fd, 0)
        self.call("append", os.write, fd, f"{seen}\n".encode())

    @classmethod
    def finish(cls, host, counts, account):
        for name in cls.LOCKS:
            with open(host.path(name), "rb") as file:
                seen = check_log(name, file.read(), account)
            wanted = {key.split()[1]: count for key, count in counts.items()
                      if key.startswith(name + " ")}
            account.check(seen == wanted, f"{name} on {host.name} has {seen}, and not {wanted}")


def check_log(name, content, account):
    """Returns the number of each process' last line."""
    first, *lines = content.decode(errors="replace").splitlines()
    seen = {word.split("'")[1]: int(word.split(":")[1])
            for word in first.strip("{}").split(",") if word}
    for line in lines:
        text, _, checksum = line.rpartition(" ")
        if not account.check(checksum == f"{zlib.crc32((text + ' ').encode()):08x}",
                             f"{name}: the line {line!r}"):
            continue
        process, number = text.split()
        account.check(int(number) == seen.get(process, 0) + 1,
                      f"{name}: {line!r} after {seen.get(process, 0)}")
        seen[process] = int(number)
    return seen


class Replace(Load):
    """Files that one host replaces by renames while the other reads them."""
    PROCESSES = 1
    READS = 4

    @classmethod
    def prepare(cls, host):
        for name in "one", "other":
            with open(host.path("target." + name), "wb") as file:
                file.write(version(0, b""))

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._written = self._seen = 0
        self._of_other = "target.other" if self.host.name == "one" else "target.one"

    def turn(self):
        self._written += 1
        mine = self.path("target." + self.host.name)
        fd = self._create(mine + ".new")
        try:
            self.call("write", write_all, fd, version(self._written, self.content()))
            if self._written % 2:
                self.call("fsync", os.fsync, fd)
        finally:
            self.call("close", os.close, fd)
        self.call("rename", os.rename, mine + ".new", mine)
        for _ in range(self.READS):
            self._read()

    def _create(self, path):
        try:
            return self.call("create", os.open, path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            self.call("unlink of what was created", os.unlink, path)
            raise

    @staticmethod
    def _is_version(content):
        return content == version(int.from_bytes(content[32:40], "little"), content[40:])

    def _is_as_stored(self, fd, content):
        """Reads the file past the mount, and returns whether it is the same one, with the same in it."""
        if self.host.is_bare:
            return False
        with open(os.path.join(self.host.store, self._of_other), "rb") as file:
            return (os.fstat(file.fileno()).st_mtime_ns == os.fstat(fd).st_mtime_ns
                    and file.read() == content)

    def _read(self):
        try:
            fd = self.call("open of what is replaced", os.open, self.path(self._of_other),
                           os.O_RDONLY)
        except OSError:
            return
        try:
            content = self.call("read of what is replaced", read_all, fd)
            blameless = not self._is_version(content) and self._is_as_stored(fd, content)
        finally:
            self.call("close of what is replaced", os.close, fd)
        if blameless:
            self.account.count("replaced file that was so on GlusterFS itself")
            return
        number = int.from_bytes(content[32:40], "little")
        self.account.check(self._is_version(content),
                           f"{self._of_other}: {len(content)} bytes are no version ({number})")
        self.account.check(number >= self._seen,
                           f"{self._of_other}: version {number} after {self._seen}")
        self._seen = max(number, self._seen)


def version(number, content):
    content = number.to_bytes(8, "little") + content
    return hashlib.sha256(content).digest() + content


def digest(content):
    return hashlib.sha256(content).hexdigest()
