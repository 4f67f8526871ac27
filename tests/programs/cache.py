# SPDX-License-Identifier: BSD-2-Clause
"""A program's cache in an anonymous directory that keeps its skeleton."""
import contextlib
import os
import select
import signal
import subprocess

from failure import expect
from killer import Killer
from process import descendants
from row import Row
from setting import SECONDS, Setting

OPTION, DIRECTORY = "option", "directory"


class CacheMount(Setting):
    """A mount of its own beside a row's place. Its `cache` keeps its skeleton because of the mount
    option, or because that directory was told to; natively it is a directory."""

    def __init__(self, place, kept_by):
        of_row = place.setting
        super().__init__(of_row.name, place.aside(kept_by), of_row.shmapfs, of_row.shmapctl,
                         of_row.kills)
        if kept_by == OPTION:
            self.options += ",skeleton"
        self._kept_by = kept_by
        self.cache = os.path.join(self.mnt, "anon" if kept_by == OPTION else "cache")

    def make(self):
        """Makes the directories, mounts, and marks."""
        for path in (self.top, self.mnt, self.store):
            os.mkdir(path)
        self.mount()
        if self.is_native or self._kept_by == DIRECTORY:
            os.mkdir(self.cache)
        if not self.is_native and self._kept_by == DIRECTORY:
            for words in ["class", self.cache, "anon"], ["skeleton", self.cache, "on"]:
                subprocess.run([self.shmapctl, *words], check=True, timeout=SECONDS,
                               stdout=subprocess.DEVNULL)

    def directories(self):
        """All below the cache."""
        return sorted(path for path, _, _ in os.walk(self.cache))

    def _files(self):
        return [os.path.join(path, name) for path, _, names in os.walk(self.cache)
                for name in names]

    @contextlib.contextmanager
    def _files_go(self):
        """Holds the block to leave the directories, and nothing else."""
        before = self.directories()
        yield
        if self.is_native:
            for path in self._files():
                os.unlink(path)
        expect("directories", self.directories(), before)
        expect("files", self._files(), [])

    def remount(self):
        with self._files_go():
            self.unmount()
            self.mount()

    def revive(self):
        """Kills all workers and the keeper, none of which can act in between, and mounts anew."""
        with self._files_go():
            if not self.is_native:
                self._die()
                self.mount()

    def _die(self):
        # Stopped, the keeper starts nobody in the place of those that die.
        self._daemon.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._daemon.pid, os.WSTOPPED | os.WNOWAIT)
        for worker in descendants(self._daemon.pid):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(worker, signal.SIGKILL)
            select.select([worker], [], [], SECONDS)
            os.close(worker)
        self._daemon.kill()
        self._daemon.wait(SECONDS)
        self._call_umount()


class CacheRow(Row):
    """Its exchange is a run of the program that fills the cache, a remount, another run, the death
    of all daemons, and a last run; with each way to keep a skeleton."""

    areas = ("anon",)

    def fill(self, place, mount):
        """Runs the program with an empty cache, and proves that it uses it. Raises Failure."""
        raise NotImplementedError

    def exchange(self, place):
        for kept_by in OPTION, DIRECTORY:
            mount = CacheMount(place, kept_by)
            mount.make()
            with Killer(mount.mnt) if mount.kills else contextlib.nullcontext():
                self.fill(place, mount)
            mount.remount()
            self.fill(place, mount)
            mount.revive()
            self.fill(place, mount)
            mount.unmount()
