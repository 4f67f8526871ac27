# SPDX-License-Identifier: BSD-2-Clause
"""A mount that loses the process that serves it."""
import collections
import glob
import os
import signal
import threading

OURS = ("shmapctl", "shmapfs", "shmapfs-guard")


class Killer:
    """Kills what serves a mount once a second until the block ends, and what serves the /dev/shm
    of each `shmapctl run` whose command is running just then.

    It goes by what /proc says of processes: to ask the mount itself would be to use it, in the
    moment that somebody unmounts it, too."""

    def __init__(self, mountpoint):
        self._title = f"shmapfs: serves {mountpoint}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.deaths = 0
        self.private_deaths = collections.Counter()  # by the directory that the command works in

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def deaths_of(self, directory, private):
        """Of what serves the data of a row that works in a directory."""
        return self.private_deaths[directory] if private else self.deaths

    def _run(self):
        while not self._stop.wait(1):
            for path in glob.glob("/proc/[0-9]*"):
                title = _read(path, "cmdline").strip("\0")
                if title == self._title:
                    self.deaths += _kill(path)
                elif title == "shmapfs: serves /dev/shm":
                    self._kill_private(path)

    def _kill_private(self, worker):
        run = _parent(_parent(worker))
        if _has_command(run):
            self.private_deaths[_directory(run)] += _kill(worker)


def _read(process, name):
    try:
        with open(os.path.join(process, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _kill(process):
    try:
        os.kill(int(os.path.basename(process)), signal.SIGKILL)
        return 1
    except ProcessLookupError:
        return 0


def _parent(process):
    """As /proc/PID/stat has it, behind the name in parentheses and the state."""
    fields = _read(process, "stat").rpartition(")")[2].split()
    return f"/proc/{fields[1]}" if fields else process


def _has_command(run):
    """Returns whether the command of `shmapctl run` has started: before, its end is no loss."""
    children = _read(run, f"task/{os.path.basename(run)}/children").split()
    return any(_read(f"/proc/{child}", "comm").strip() not in OURS for child in children)


def _directory(process):
    try:
        return os.readlink(os.path.join(process, "cwd"))
    except (FileNotFoundError, ProcessLookupError):
        return ""
