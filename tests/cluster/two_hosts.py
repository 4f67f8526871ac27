#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""A store that two hosts share, with -o shared. Answers in TAP."""
import collections
import errno
import mmap
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

from cluster import requests, wait_until
from events import Mapping, see_all, seen
from hosts import NOBODY, Mounted, as_user, error_of, main, need_gluster, read, write

# The servers forget a host that does not ask for so long; hosts ask in less than half of it.
FORGET_SECONDS = 15
GROUP = 4711
ROUNDS = 20


def events_are_seen_at_once(one, other, cluster):
    with Mounted((one, other), "shared,timeout=0"):
        see_all(one, other, cluster)


def events_are_seen_after_a_second(one, other, cluster):
    with one, other:
        assert ",timeout=1," in one.status(), one.status()
        see_all(one, other, cluster)


def one_creates(one, other, _cluster):
    """Of two hosts that create the same name one succeeds, and the other is told."""
    def create(host, name, won):
        try:
            os.close(os.open(host.path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            won.append(host)
        except FileExistsError:
            pass

    with one, other:
        for number in range(ROUNDS):
            won = []
            threads = [threading.Thread(target=create, args=(host, f"lock{number}", won))
                       for host in (one, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(won) == 1, (number, won)


def users_have_their_groups(one, other, _cluster):
    with one, other:
        os.mkdir(one.path("group"))
        os.chown(one.path("group"), 0, GROUP)
        os.chmod(one.path("group"), 0o770)
        for host in one, other:
            seen(lambda host=host: error_of(os.stat, host.path("group")) == 0, "a directory")
            as_user("sh", "-c", "echo text >$0; mkdir $0.d", host.path(f"group/{host.name}"),
                    groups=[GROUP])
            assert os.stat(host.path(f"group/{host.name}")).st_uid == NOBODY
        ran = subprocess.run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", "ls",
                              other.path("group")], capture_output=True, check=False)
        assert ran.returncode != 0


def nobody_sees_what_is_stale(one, other, _cluster):
    """A path that leads to something is no error for a host that still has what was there before."""
    with one, other:
        for number in range(ROUNDS):
            write(one.path("new"), str(number))
            os.rename(one.path("new"), one.path("file"))
            os.mkdir(one.path("directory.new"))
            write(one.path("directory.new/file"), str(number))
            if number > 0:
                os.rename(one.path("directory"), one.path("directory.old"))
            os.rename(one.path("directory.new"), one.path("directory"))
            if number > 0:
                shutil.rmtree(one.path("directory.old"))
            else:
                seen(lambda: error_of(read, other.path("directory/file")) == 0, "a file")
            for name in "file", "directory/file":
                # The name is known, and the object has gone.
                assert int(read(other.path(name))) <= number
                os.chmod(other.path(name), 0o600 + number % 2 * 0o40)
                assert error_of(write, other.path(name + ".mine"), "") == 0
                assert read(other.path(name)) == str(number), (name, number)


def what_others_replace_is_closed(one, other, _cluster):
    """Nobody has to hear at the end that his file has lost its name."""
    with one, other:
        for flags in os.O_RDONLY, os.O_RDWR, os.O_WRONLY:
            write(one.path("file"), "old")
            seen(lambda: error_of(read, other.path("file")) == 0, "a file")
            fd = os.open(other.path("file"), flags)
            if flags != os.O_RDONLY:
                assert os.pwrite(fd, b"more", 3) == 4
            write(one.path("new"), "new")
            os.rename(one.path("new"), one.path("file"))
            assert error_of(os.close, fd) == 0, flags


def a_writer_costs_two_opens(one, _other, cluster):
    """One is the kernel's. The other finds out whether the file is there, and flushes it at the end."""
    need_gluster(cluster)
    sent = collections.Counter()
    with one:
        for name in (one.path(f"file{i}") for i in range(ROUNDS)):
            write(name, name)
            requests(one.store)
            os.close(os.open(name, os.O_RDWR))
            sent += requests(one.store)
            assert read(name) == name
    assert ROUNDS <= sent["FLUSH"] < 1.5 * ROUNDS, sent
    assert sent["OPEN"] < 2.5 * ROUNDS, sent


def names_of_others_lead_back(one, other, _cluster):
    """A host that keeps few descriptors finds what another one has moved."""
    with Mounted((one, other), "shared,descriptors=16"):
        names = [f"file{i}" for i in range(60)]
        for name in names:
            write(one.path(name), name)
        seen(lambda: error_of(os.stat, other.path(names[-1])) == 0, "files")
        for name in names:
            assert read(other.path(name)) == name
        for name in names:
            os.rename(one.path(name), one.path(name + ".moved"))
        for name in names:
            seen(lambda name=name: error_of(os.stat, other.path(name + ".moved")) == 0, "a name")
            assert read(other.path(name + ".moved")) == name
            os.chmod(other.path(name + ".moved"), 0o600)


def idle_mappings_are_told(one, other, cluster):
    """The servers do not forget a host that only has a file mapped."""
    need_gluster(cluster)
    with Mounted((one, other), f"shared,keepalive={FORGET_SECONDS // 2}"):
        write(one.path("idle"), "a" * mmap.PAGESIZE)
        seen(lambda: error_of(os.stat, other.path("idle")) == 0, "a file")
        with Mapping(other.path("idle")) as far:
            assert far[0] == ord("a")
            until = time.monotonic() + FORGET_SECONDS + 2
            wait_until(lambda: time.monotonic() > until, "the time after which hosts are forgotten")
            with Mapping(one.path("idle")) as near:
                near[0] = ord("b")
                near.flush()
            seen(lambda: far[0] == ord("b"), "a store")


def classes_follow(one, other, _cluster):
    """A directory that one host makes anonymous is so on the other, with files of its own."""
    def class_of(host):
        return os.getxattr(host.path("tmp"), "user.shmapfs.class")

    with one, other:
        os.mkdir(one.path("tmp"))
        seen(lambda: error_of(os.stat, other.path("tmp")) == 0, "a directory")
        assert class_of(other) == b"persist"
        os.setxattr(one.path("tmp"), "user.shmapfs.class", b"anon")
        seen(lambda: class_of(other) == b"anon", "a class")
        write(one.path("tmp/file"), "one")
        assert os.listdir(other.path("tmp")) == []
        write(other.path("tmp/file"), "other")
        assert read(one.path("tmp/file")) == "one"
        assert os.listdir(os.path.join(one.store, "tmp")) == []
        for host in one, other:
            assert error_of(os.setxattr, host.path("tmp"), "user.shmapfs.class", b"persist") \
                == errno.EBUSY
            os.unlink(host.path("tmp/file"))
            assert error_of(os.rmdir, host.path("tmp")) == errno.EBUSY
        for word in b"atomic", b"checkpoint", b"scratch":
            os.mkdir(one.path("plain"))
            assert error_of(os.setxattr, one.path("plain"), "user.shmapfs.class", word) \
                == errno.EOPNOTSUPP
            os.rmdir(one.path("plain"))
    with one:
        # Its class was noted in the store.
        assert class_of(one) == b"anon"


def hosts_are_told_of_each_other(one, other, cluster):
    with one, other:
        for host in one, other:
            status = host.status()
            told = f"shared; what mappings store is seen by other hosts: {cluster.mappings}"
            assert told in status, status
            for name in "one", "other":
                here = " (this one)" if name == host.name else ","
                assert f"host       {name}{here}" in status, status
        assert [name for name in os.listdir(one.mountpoint) if name.startswith(".shm")] == []
    with one:
        # Its record goes when its daemon has ended, which umount(8) does not wait for.
        wait_until(lambda: "host       other" not in one.status(), "the end of the other mount")


def whoever_does_not_share_is_refused(one, other, _cluster):
    with one:
        said = other.mount("noshared")
        assert "host one has it" in said and "add -o shared" in said and said.count("\n") == 1, said
    said = one.mount("noshared")
    assert said == "", said
    try:
        said = other.mount("shared")
        assert "host one has it" in said and "with shared, too" in said, said
        assert said.count("\n") == 1, said
        # Neither is changed while it is mounted.
        said = one.mount("remount,shared")
        assert "'shared' cannot be changed" in said and said.count("\n") == 1, said
        assert one.mount("remount,noshared") == ""
    finally:
        one.unmount()
    with other:
        assert other.mount("remount,shared,timeout=0") == ""


def what_cannot_be_shared_is_refused(one, _other, _cluster):
    for options, word in (("shared,nopassthrough", "'nopassthrough'"), ("shared,atomic=a", "'atomic'"),
                          ("shared,io_uring", "'io_uring'")):
        said = one.mount(options)
        assert word in said and said.count("\n") == 1, said


def a_store_of_one_host_has_several_mounts(one, other, cluster):
    stores = one.store, other.store
    one.store = other.store = os.path.join(cluster.top, "plain")
    os.mkdir(one.store)
    try:
        with one, other:
            write(one.path("file"), "one")
            assert read(other.path("file")) == "one"
            write(other.path("file"), "more", "a")
            assert read(one.path("file")) == "onemore"
    finally:
        one.store, other.store = stores


class Load(threading.Thread):
    """A program that works on a host, and what went wrong."""

    def __init__(self, host):
        super().__init__()
        self._host, self._stop_it = host, threading.Event()
        self.failed, self.rounds = None, 0

    def run(self):
        try:
            while not self._stop_it.is_set():
                path = self._host.path(f"load.{self._host.name}")
                write(path, str(self.rounds))
                assert read(path) == str(self.rounds)
                os.rename(path, path + ".old")
                self.rounds += 1
        except (AssertionError, OSError) as error:
            self.failed = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._stop_it.set()
        self.join()


def await_rounds(*loads):
    """Waits until each of the programs has got on."""
    before = [load.rounds for load in loads]
    wait_until(lambda: all(load.failed or load.rounds > count + 5
                           for load, count in zip(loads, before)), "the next rounds")


def worker_of(host):
    return int(host.status().split(", process ")[1].split(",")[0])


def a_server_may_die(one, other, cluster):
    need_gluster(cluster)
    with one, other, Load(one) as first, Load(other) as second:
        await_rounds(first, second)
        cluster.kill(1)
        await_rounds(first, second)
        cluster.start(1)
        await_rounds(first, second)
    assert first.failed is None and second.failed is None, (first.failed, second.failed)


def a_worker_may_die(one, other, _cluster):
    with one, other, Load(one) as first, Load(other) as second:
        for _ in range(3):
            await_rounds(first, second)
            os.kill(worker_of(one), signal.SIGKILL)
        await_rounds(first, second)
        assert "3 restarts" in one.status(), one.status()
        # It still has the store, and its own name.
        assert "host       one (this one)" in one.status(), one.status()
    assert first.failed is None and second.failed is None, (first.failed, second.failed)


CASES = [events_are_seen_at_once, events_are_seen_after_a_second, one_creates,
         users_have_their_groups, nobody_sees_what_is_stale, what_others_replace_is_closed,
         a_writer_costs_two_opens,
         names_of_others_lead_back, idle_mappings_are_told, classes_follow, hosts_are_told_of_each_other,
         whoever_does_not_share_is_refused, what_cannot_be_shared_is_refused,
         a_store_of_one_host_has_several_mounts, a_server_may_die, a_worker_may_die]

if __name__ == "__main__":
    sys.exit(main(__file__, CASES, "shared", FORGET_SECONDS))
