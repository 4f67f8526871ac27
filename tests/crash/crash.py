#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Cuts the power of disks while programs change files of the classes atomic and checkpoint.

  SHMAPFS=… SHMAPCTL=… tests/crash/crash.py [--filesystem ext4] [--class atomic] [--load pages]
                                            [--points 40] [--seed N] [--cached] [--sync]

A store lies on a disk that keeps a trace (disk.py). Programs work on a mount of it, then all processes are
killed. Points of the trace are chosen at random; of each the disk is made as a power cut there leaves it:
with all that was flushed, and with nothing, all or some of the rest. It is mounted, recovered by
`shmapctl recover` or by a mount, sometimes after a recovery that was killed itself, and what the programs
find must be whole, and none older than what they were told is saved. The class «plain» is the control: no shmapfs,
and torn files are expected. Needs root, and loop devices."""
import argparse
import os
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

from disk import Disk, unmount, unmount_in_time
from images import KEPT, Images, copy_sparse
from loads import LOADS
from system import (FILESYSTEMS, Missing, Mount, end_children, enter_sandbox, kill_family, make_image, mount_image,
                    run, stop_family)

ACKNOWLEDGED = struct.Struct("<QQQ")  # program, events until then, version
EVENTS = 1500  # that programs work for
SECONDS = 60   # at most
RECOVERY_SECONDS = 0.03


class Programs:
    """The processes of a load."""

    def __init__(self, load, directory, disk):
        self._reader, writer = os.pipe()
        self._children = []
        self.acknowledged = []  # events until then, version; of each program
        for number, program in enumerate(load):
            self.acknowledged.append([(0, 0)])
            child = os.fork()
            if child == 0:
                os.close(self._reader)
                _work(program, directory, lambda version, number=number: os.write(
                    writer, ACKNOWLEDGED.pack(number, disk.events, version)))
            self._children.append(child)
        os.close(writer)

    def watch(self, is_enough):
        """Until there is enough."""
        until = time.monotonic() + SECONDS
        while not is_enough() and time.monotonic() < until:
            if select.select([self._reader], [], [], 1)[0] and not self._hear():
                raise RuntimeError("all programs have ended")

    def _hear(self):
        answer = os.read(self._reader, ACKNOWLEDGED.size)
        if answer:
            number, events, version = ACKNOWLEDGED.unpack(answer)
            self.acknowledged[number].append((events, version))
        return bool(answer)

    def stop(self):
        """A program that is killed closes its files, and where the last close commits, that is half a version."""
        for child in self._children:
            if os.waitpid(child, os.WNOHANG)[0] != 0:
                raise RuntimeError("a program has ended")
            stop_family(child)

    def end(self):
        for child in self._children:
            kill_family(child)
        while self._hear():
            pass
        os.close(self._reader)


def _work(program, directory, acknowledge):
    try:
        program.work(directory, acknowledge)
    except BaseException as error:  # pylint: disable=broad-except
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(1)


def _judge(program, directory, acknowledged):
    try:
        return program.judge(directory, acknowledged)
    except FileNotFoundError as error:
        return f"there is no {error.filename}"


class Run:
    """A filesystem, a class and a load."""

    def __init__(self, options, top):
        self._options, self._top = options, top
        self._random = random.Random(options.seed)
        self._load = LOADS[options.load](options.seed)
        self._acknowledged = []
        self.points = self.dropped = 0
        self.wrong = []
        for name in ("store", "mnt"):
            os.mkdir(self._path(name))

    def _path(self, name):
        return os.path.join(self._top, name)

    def _mount(self):
        return Mount(self._path("store"), self._path("mnt"), self._options.kind, self._options.cached)

    def record(self):
        """Has the programs work. Returns between which events."""
        make_image(self._options.filesystem, self._path("image"), self._options.size)
        copy_sparse(self._path("image"), self._path("before"))
        disk = Disk(self._path("image"), self._path("disk"), self._path("trace"))
        mount_image(self._options.filesystem, self._path("disk"), self._path("store"))
        mount = self._mount()
        if self._options.sync:
            os.setxattr(mount.dir, "user.shmapfs.commit", b"sync")
        for program in self._load:
            program.prepare(mount.dir)
        run("sync", "-f", self._path("store"))
        begin = disk.events
        programs = Programs(self._load, mount.dir, disk)
        programs.watch(lambda: disk.events - begin >= self._options.events)
        programs.stop()
        for kill in (programs.end, mount.kill) if self._options.sync else (mount.kill, programs.end):
            kill()
        end = disk.events
        self._acknowledged = programs.acknowledged
        self._judge_killed(end)
        unmount_in_time(self._path("store"))
        disk.close()
        return begin, end

    def _judge_killed(self, end):
        """After the end of all processes, with all that the kernel has."""
        if self._options.kind != "plain":
            self._recover()
            self._judge(end, "killed")

    def _recover(self):
        run(os.environ["SHMAPCTL"], "recover", self._path("store"))
        for name in ("journal", "journal.damaged"):
            if os.path.exists(self._path(f"store/.shmapfs/{name}")):
                raise RuntimeError(f"there is a {name} after the recovery")

    def _judge(self, event, kept, directory=None):
        directory = directory or self._path("store/dir")
        self.points += 1
        for program, acknowledged in zip(self._load, self._acknowledged):
            last = max(version for events, version in acknowledged if events <= event)
            wrong = _judge(program, directory, last)
            if wrong:
                self.wrong.append(f"event {event}, {kept}: {wrong}")
                return

    def cut_power(self, begin, end):
        images = Images(self._path("before"), self._path("trace"), FILESYSTEMS[self._options.filesystem][3])
        for event in sorted(self._random.choices(range(begin, end + 1), k=self._options.points)):
            images.advance(event)
            kept = self._random.choice(KEPT)
            images.cut(self._path("cut"), kept, self._random)
            self.dropped += images.waiting if kept != "all" else 0
            mount_image(self._options.filesystem, self._path("cut"), self._path("store"))
            try:
                self._judge_cut(event, kept)
            except RuntimeError as error:
                self.wrong.append(f"event {event}, {kept}: {error}")
            unmount_in_time(self._path("store"))
        images.close()

    def _judge_cut(self, event, kept):
        way = self._random.choice(("recover", "recover", "killed", "mount"))
        if self._options.kind == "plain":
            way = "plain"
        if way == "killed":
            self._recover_a_little()
        if way in ("recover", "killed"):
            self._recover()
        if way == "mount":
            mount = self._mount()
            self._judge(event, f"{kept}, mount", mount.dir)
            self.points -= 1
            mount.end()
        self._judge(event, f"{kept}, {way}")

    def _recover_a_little(self):
        words = [os.environ["SHMAPCTL"], "recover", self._path("store")]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as recovery:
            try:
                recovery.wait(self._random.uniform(0, RECOVERY_SECONDS))
            except subprocess.TimeoutExpired:
                recovery.kill()


def parse():
    parser = argparse.ArgumentParser(description="Cuts the power of disks; see the head of this file.")
    parser.add_argument("--filesystem", choices=FILESYSTEMS, default="ext4")
    parser.add_argument("--class", dest="kind", choices=("atomic", "checkpoint", "plain"), default="atomic")
    parser.add_argument("--load", choices=LOADS, default="pages")
    parser.add_argument("--points", type=int, default=40, help="in time at which the power is cut")
    parser.add_argument("--events", type=int, default=EVENTS, help="writes and flushes of the disk to work for")
    parser.add_argument("--size", type=int, default=0, metavar="MIB", help="of the disk, if it is to be large")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of what is random, to have it again; "
                        "the programs still take turns as they will")
    parser.add_argument("--cached", action="store_true", help="a mount without passthrough")
    parser.add_argument("--sync", action="store_true", help="commit=sync: programs are killed before the mount is")
    return parser.parse_args()


def main():
    options = parse()
    started = time.monotonic()
    if options.kind != "plain" and not {"SHMAPFS", "SHMAPCTL"} <= os.environ.keys():
        sys.exit("crash: name the programs: SHMAPFS=PATH SHMAPCTL=PATH")
    if os.geteuid() != 0:
        raise Missing("only root has loop devices")
    top = tempfile.mkdtemp(dir="/var/tmp", prefix="crash.")
    try:
        enter_sandbox(top)
        it = Run(options, top)
        it.cut_power(*it.record())
    finally:
        end_children()
        unmount(top, 2)
        os.rmdir(top)
    for wrong in it.wrong[:5]:
        print(wrong)
    print(f"{options.filesystem} {options.kind} {options.load}: {it.points} points, {len(it.wrong)} wrong; "
          f"{it.dropped} writes that were not flushed; seed {options.seed}, {time.monotonic() - started:.0f} s")
    if options.kind == "plain":
        # Programs with a log of their own may be whole on any filesystem.
        return options.load == "pages" and not it.wrong
    return bool(it.wrong)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        sys.exit(1 if os.environ.get("SHMAPFS_NO_SKIP") == "1" else 77)
