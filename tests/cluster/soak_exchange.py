# SPDX-License-Identifier: BSD-2-Clause
"""Files and directories that two hosts make in turn, and show each other."""
import contextlib
import mmap
import os
import shutil

from soak_loads import PAGE, Load, digest, read_all, write_all


class Exchange(Load):
    """The hosts make something in turn, tell the other one, and it checks that."""
    PROCESSES = 1
    FILES = 8
    MAPPED_BYTES = 16 * PAGE

    @classmethod
    def prepare(cls, host):
        os.mkdir(host.path("exchange"))
        for name in "one", "other":
            for number in range(cls.FILES):
                for kind in "synced", "closed", "mapped":
                    with open(host.path(f"exchange/{kind}.{name}{number}"), "wb") as file:
                        file.write(bytes(cls.MAPPED_BYTES))

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._count = 0
        self._held, self._maps = {}, {}
        ways = "new", "synced", "closed", "mapped", "tree"
        self._ways = {way: getattr(self, "_make_" + way) for way in ways}
        self._checks = {way: getattr(self, "_check_" + way) for way in ways}

    def turn(self):
        """The other host is told even if something failed, or it would wait."""
        way = self.random.choice(list(self._ways))
        self._count += 1
        told = "nothing"
        try:
            told = f"{way} {self._ways[way]()}"
        finally:
            # The other program may have been told to stop before.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wire.send(told.encode())
        heard = self.wire.recv(1000).decode().split()
        if heard and heard[0] != "nothing":
            self._checks[heard[0]](*heard[1:])

    def _name(self, kind):
        """The other host may still look at the last one."""
        number = self.random.randrange(self.FILES // 2) * 2 + self._count % 2
        return f"exchange/{kind}.{self.host.name}{number}"

    def _write(self, name, flags, sync):
        content = self.content()
        fd = self.call("open to write", os.open, self.path(name), flags | os.O_WRONLY)
        try:
            self.call("write", write_all, fd, content)
            self.call("ftruncate", os.ftruncate, fd, len(content))
            if sync:
                self.call("fsync", os.fsync, fd)
        finally:
            self.call("close", os.close, fd)
        return f"{name} {digest(content)}"

    def _make_new(self):
        return self._write(f"exchange/new.{self.host.name}.{self._count}", os.O_CREAT | os.O_EXCL,
                           False)

    def _make_synced(self):
        return self._write(self._name("synced"), 0, True)

    def _make_closed(self):
        return self._write(self._name("closed"), 0, False)

    def _make_mapped(self):
        name = self._name("mapped")
        mapping = self._mapping(name)
        for _ in range(3):
            place = self.random.randrange(self.MAPPED_BYTES - 100)
            mapping[place:place + 100] = self.random.randbytes(100)
        self.call("msync", mapping.flush)
        return f"{name} {self._load_all(mapping)}"

    def _make_tree(self):
        name = f"exchange/tree.{self.host.name}.{self._count}"
        self.call("mkdir", os.mkdir, self.path(name + ".new"))
        for number in range(self.random.randrange(10)):
            self._write(f"{name}.new/file{number}", os.O_CREAT, False)
        listed = self.call("listdir", os.listdir, self.path(name + ".new"))
        self.call("rename of a directory", os.rename, self.path(name + ".new"), self.path(name))
        return f"{name} {len(listed)}"

    def _load_all(self, mapping):
        return self.call("loads of a mapping", lambda: digest(mapping[:]))

    def _mapping(self, name):
        if name not in self._maps:
            fd = self._hold(name)
            self._maps[name] = self.call("mmap", mmap.mmap, fd, self.MAPPED_BYTES)
        return self._maps[name]

    def _hold(self, name):
        """Opens a file once."""
        if name not in self._held:
            self._held[name] = self.call("open", os.open, self.path(name), os.O_RDWR)
        return self._held[name]

    def _read_anew(self, name):
        fd = self.call("open to read", os.open, self.path(name), os.O_RDONLY)
        try:
            return digest(self.call("read", read_all, fd))
        finally:
            self.call("close", os.close, fd)

    def _check_file(self, kind, name, wanted):
        self.account.check_soon(lambda: self._read_anew(name) == wanted, f"{kind} file read",
                                f"{name} is not what was written")

    def _check_new(self, name, wanted):
        self._check_file("new", name, wanted)
        self.call("unlink", os.unlink, self.path(name))

    def _check_held(self, kind, name, wanted):
        fd = self._hold(name)
        self.account.check_soon(lambda: digest(self.call("read", read_all, fd)) == wanted,
                                f"{kind} file read by a descriptor from before",
                                f"{name} is not what was written, by a descriptor from before")

    def _check_synced(self, name, wanted):
        self._check_held("synced", name, wanted)
        self._check_file("synced", name, wanted)

    def _check_closed(self, name, wanted):
        self._check_held("closed", name, wanted)
        self._check_file("closed", name, wanted)

    def _check_mapped(self, name, wanted):
        """A brick that comes back is reached by one host earlier than by the other. The first one
        may then read there something old, which stays in its pages: the documentation says so."""
        mapping = self._mapping(name)
        if self.account.see_soon(lambda: self._load_all(mapping) == wanted,
                                 "stores seen in a mapping"):
            self._check_file("stored", name, wanted)
        else:
            self.account.count("old pages, left by a brick that came back")
            self.account.check(self._read_directly(name) == wanted, f"{name} is not what was stored")

    def _read_directly(self, name):
        """Reads a file from the servers."""
        fd = self.call("open past the cache", os.open, self.path(name), os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, self.MAPPED_BYTES) as buffer:
                self.call("read past the cache", os.preadv, fd, [buffer], 0)
                return digest(buffer[:])
        finally:
            self.call("close", os.close, fd)

    def _check_tree(self, name, count):
        path = self.path(name)
        self.account.check_soon(lambda: os.path.isdir(path), "directory seen",
                                f"{name} is not there")
        names = self.call("listdir", os.listdir, path)
        self.account.check(len(names) == int(count), f"{name} has {len(names)} files, not {count}")
        for file in names:
            self.call("stat", os.stat, f"{path}/{file}")
        self.call("rmtree", shutil.rmtree, path)

    @classmethod
    def finish(cls, host, _counts, account):
        left = [name for name in os.listdir(host.path("exchange")) if name.startswith("tree")]
        account.count("trees left", len(left))
