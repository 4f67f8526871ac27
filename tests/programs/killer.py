# SPDX-License-Identifier: BSD-2-Clause
"""A mount that loses the process that serves it."""
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
        self.deaths = self.private_deaths = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(1):
            for path in glob.glob("/proc/[0-9]*"):
                title = _read(path, "cmdline").strip("\0")
                if title == self._title:
                    self.deaths += _kill(path)
                elif title == "shmapfs: serves /dev/shm" and _is_wanted(path):
                    self.private_deaths += _kill(path)


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


def _is_wanted(worker):
    """Whether the command of `shmapctl run` has been started: before, its end is no loss."""
    run = _parent(_parent(worker))
    children = _read(run, f"task/{os.path.basename(run)}/children").split()
    return any(_read(f"/proc/{child}", "comm").strip() not in OURS for child in children)
