# SPDX-License-Identifier: BSD-2-Clause
"""Filesystems on loop devices, and mounts of shmapfs on them."""
import contextlib
import json
import os
import shutil
import signal
import subprocess

from disk import LIBC, check, mount, unmount

# How each is made, in a file of so many MiB at least, and mounted; and how many bytes it takes a disk to write as
# a whole or not at all: its superblock has a checksum, and is written in place.
FILESYSTEMS = {
    "ext4": (96, ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"], "", 1024),
    "xfs": (320, ["mkfs.xfs", "-q", "-f", "-K"], ",nouuid", 512),
    "btrfs": (160, ["mkfs.btrfs", "-q", "-f", "-K"], ",nodiscard", 4096),
}
SBIN = {**os.environ, "PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
CLONE_NEWNS, MS_PRIVATE, MS_REC, PR_SET_CHILD_SUBREAPER = 0x20000, 1 << 18, 1 << 14, 36


class Missing(Exception):
    """The machine lacks something."""


def run(*words, may_fail=False):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=SBIN, check=False)
    if done.returncode != 0 and not may_fail:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout.strip()}")
    return done


def enter_sandbox(top):
    """Mounts end with this process, and the processes of mounts are its children."""
    check(LIBC.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", "none", MS_PRIVATE | MS_REC)
    check(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    mount("crash", top, "tmpfs")


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return [*map(int, children.read().split())]
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has just ended


def family_of(pid):
    """A process, its children, theirs, and so on."""
    return [pid, *(member for child in children_of(pid) for member in family_of(child))]


def stop_family(pid):
    """Stops a process, and then its children: one that has stopped neither has new ones nor lets any go."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return
    while _state(pid) not in "TZX":
        os.sched_yield()
    for child in children_of(pid):
        stop_family(child)


def _state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def kill_family(pid):
    """Kills a child that stop_family() has stopped, with those below it, and returns when all have ended."""
    family = family_of(pid)
    # A PID namespace below ends with its first process.
    for member in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    for member in family:
        # With the end of those above it, it is a child of this process.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(member, 0)


def end_children():
    """Also those of others, which become this process' own."""
    while children := children_of(os.getpid()):
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def make_image(kind, path, mebibytes):
    least, mkfs, *_ = FILESYSTEMS[kind]
    if shutil.which(mkfs[0], path=SBIN["PATH"]) is None:
        raise Missing(f"no {mkfs[0]} here")
    if not os.path.exists("/dev/loop-control"):
        raise Missing("no loop devices here")
    with open(path, "wb") as image:
        image.truncate(max(mebibytes, least) << 20)
    run(*mkfs, path)


def mount_image(kind, image, directory):
    run("mount", "-t", kind, "-o", "loop" + FILESYSTEMS[kind][2], image, directory)


class Mount:
    """A mount whose directory `dir` has a class; of the class «plain»: the store itself."""

    def __init__(self, store, mnt, name, cached):
        self._mnt, self._plain = mnt, name == "plain"
        self.dir = os.path.join(store if self._plain else mnt, "dir")
        if self._plain:
            os.makedirs(self.dir, exist_ok=True)
            return
        options = f"{name}=dir,log=4m" + (",nopassthrough" if cached else "")
        run(os.environ["SHMAPFS"], store, mnt, "-o", options)
        self._keeper = json.loads(run(os.environ["SHMAPCTL"], "--json", "status", mnt).stdout)["keeper"]

    def kill(self):
        """Kills all its processes at one moment: none is to see another one die."""
        if self._plain:
            return
        os.kill(self._keeper, signal.SIGSTOP)
        family = [*children_of(self._keeper), self._keeper]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in family:
                os.kill(pid, number)
        for pid in reversed(family):
            os.waitpid(pid, 0)
        unmount(self._mnt, 2)

    def end(self):
        """The way a user ends it; returns when all is saved."""
        if not self._plain:
            run("umount", self._mnt)
            os.waitpid(self._keeper, 0)
            # The others may use the store for a moment longer; they are children of this process now.
            while children_of(os.getpid()):
                os.wait()
