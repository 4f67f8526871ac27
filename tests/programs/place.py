# SPDX-License-Identifier: BSD-2-Clause
"""Where a row does its work."""
import os
import shutil

from failure import Failure
from runner import Runner
from setting import NOBODY


class Place:
    """A new directory on the mount for one row, of one class.

    area     «anon» or «persist»
    dir      the directory on the mount; programs run in it
    outside  a directory that is not on the mount: sockets, logs, what is compared with
    shop     where the row's programs were built
    setting  how it is mounted (setting.py)
    """

    def __init__(self, setting, area, row, shop):
        self.setting = setting
        self.area = area
        self.shop = shop
        self.dir = os.path.join(setting.areas[area], row)
        self.outside = os.path.join(setting.top, "outside", f"{row}-{area}")
        runner = Runner(self.dir, self.outside, setting.without_wanted)
        self.run, self.talk, self.serve = runner.run, runner.talk, runner.serve

    def make(self):
        """Makes both directories."""
        for path in (self.dir, self.outside):
            os.mkdir(path)

    def remake(self):
        """Begins anew, for another exchange of the same row."""
        for path in (self.dir, self.outside):
            shutil.rmtree(path)
        self.make()

    def someone(self):
        """For programs that refuse to be root: a Runner as another user, who from then on owns
        both directories; as the same user where that is not root."""
        if os.geteuid() != 0:
            return Runner(self.dir, self.outside, self.setting.without_wanted)
        for path in (self.dir, self.outside):
            os.chown(path, NOBODY, NOBODY)
        return Runner(self.dir, self.outside, self.setting.without_wanted, NOBODY)

    def as_someone(self, *words):
        """The words of a command that becomes that other user itself, when started by root."""
        if os.geteuid() != 0:
            return list(words)
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", *words]

    def path(self, name):
        """A file of the row on the mount."""
        return os.path.join(self.dir, name)

    def aside(self, name):
        """A file of the row beside the mount."""
        return os.path.join(self.outside, name)

    def read(self, name):
        """The bytes of a file of the row, as read(2) gives them."""
        with open(self.path(name), "rb") as file:
            return file.read()

    def expect_bytes(self, name, parts, size):
        """Holds a file to its size and to what is at some offsets: {offset: text}."""
        data = self.read(name)
        if len(data) != size:
            raise Failure(f"{name} has {len(data)} bytes, wanted {size}")
        for offset, text in parts.items():
            found = data[offset:offset + len(text)]
            if found != text.encode():
                raise Failure(f"{name} has {found!r} at {offset}, wanted {text!r}")

    def shm(self, *words, store=None):
        """The words of a command that runs others with a shmapfs mount of the same kind on
        /dev/shm: kept in `store`, a directory beside the mount, or nowhere."""
        if self.setting.is_native:
            return self._native_shm(words, store)
        persist = ["--persist", self.aside(store)] if store else []
        return [self.setting.shmapctl, "run", "-o", self.setting.options, *persist, "--", *words]

    def _native_shm(self, words, store):
        """The place that these commands would find without shmapfs."""
        mount = "mount -t tmpfs tmpfs /dev/shm"
        if store:
            os.makedirs(self.aside(store), exist_ok=True)
            mount = f"mount --bind {self.aside(store)} /dev/shm"
        return ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *words]
