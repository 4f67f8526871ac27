#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""A store that hangs, and comes back: the client of a cluster filesystem is stopped. Answers in TAP.

Needs root: the servers, their clients and the mounts live in mount and PID namespaces that end with
this program. $SHMAPFS and $SHMAPCTL are the programs under test.
"""
import json
import mmap
import os
import signal
import subprocess
import sys
import time

from cluster import wait_until
from hosts import SHMAPCTL, Host, as_user, main, read, write

# More than the daemon has threads, and more than the kernel lets wait in the background by default.
STUCK = 64
# Within that everything is answered that does not need the store, on a busy machine, too. The rest
# is not answered before the client goes on.
BOUND_SECONDS = 60
RAM_BYTES = 384 << 20


class Hung:
    """Stops the client of a host, which answers nothing until the end of the block."""

    def __init__(self, host):
        self._host = host
        self._children = []

    def __enter__(self):
        self._host.client.send_signal(signal.SIGSTOP)
        return self

    def wait_for(self, *calls):
        """Has a process for each call, which waits for the store."""
        for call in calls:
            child = os.fork()
            if child == 0:
                try:
                    call()
                except OSError:
                    pass
                os._exit(0)
            self._children.append(child)

    def thaw(self):
        self._host.client.send_signal(signal.SIGCONT)

    def __exit__(self, *_):
        self.thaw()
        for child in self._children:
            os.waitpid(child, 0)


def within_bound(call, *arguments):
    """Returns what a call returns, which must not take long."""
    begin = time.monotonic()
    value = call(*arguments)
    took = time.monotonic() - begin
    assert took < BOUND_SECONDS, f"{call} took {took:.1f} s"
    return value


def shmapctl(*arguments):
    return subprocess.run([SHMAPCTL, *arguments], capture_output=True, text=True, check=False,
                          timeout=BOUND_SECONDS)


def status_of(host):
    told = shmapctl("--json", "status", host.mountpoint)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def fill_store(store):
    """Makes what the processes wait for."""
    for number in range(STUCK):
        write(os.path.join(store, f"file{number}"), "content")


def wait_for_all(host, hung):
    """Has processes look, read, write, make and remove."""
    calls = [lambda n=number: os.stat(host.path(f"new{n}")) for number in range(STUCK // 4)]
    calls += [lambda n=number: read(host.path(f"file{n}")) for number in range(STUCK // 4)]
    calls += [lambda n=number: write(host.path(f"file{n + STUCK // 2}"), "other")
              for number in range(STUCK // 4)]
    calls += [lambda n=number: os.unlink(host.path(f"file{n + STUCK * 3 // 4}"))
              for number in range(STUCK // 4)]
    hung.wait_for(*calls)


def status_is_told(one, _other, _cluster):
    """The state of the mount is told in bounded time, and since when the store does not answer."""
    with one:
        wait_until(lambda: status_of(one)["store_silent_since"] == 0, "an answer of the store")
        os.mkdir(one.path("directory"))
        with Hung(one):
            before = int(time.time())
            status = within_bound(status_of, one)
            assert before - 1 <= status["store_silent_since"] <= time.time(), status
            assert status["store_area"]["size"] > 0, status
            told = within_bound(shmapctl, "status", one.mountpoint).stdout
            assert "does not answer since" in told, told
            told = within_bound(shmapctl, "list").stdout
            assert f"{one.mountpoint} " in told and "its store does not answer" in told, told
            told = within_bound(shmapctl, "ls", one.mountpoint)
            assert told.returncode == 1 and "does not answer" in told.stderr, told
            told = within_bound(shmapctl, "metrics", one.mountpoint).stdout
            assert "shmapfs_store_answers{" in told, told
            assert within_bound(os.stat, one.mountpoint).st_ino == 1
            assert within_bound(os.statvfs, one.mountpoint).f_blocks > 0
        wait_until(lambda: status_of(one)["store_silent_since"] == 0, "the answer of the store")


def use_ram(one, mapping, held):
    """Works in the anonymous directory, by paths and by descriptors that were open before."""
    for number in range(50):
        path = one.path(f"ram/file{number}")
        write(path, str(number))
        assert read(path) == str(number)
        os.rename(path, path + ".moved")
        assert os.stat(path + ".moved").st_size == len(str(number))
        os.unlink(path + ".moved")
        mapping[:8] = b"%8d" % number
        assert os.pread(held, 8, 0) == b"%8d" % number
        os.pwrite(held, b"written", 4096 + number)
    assert os.listdir(one.path("ram")) == ["held"]
    as_user("sh", "-c", "echo text >$0; cat $0; rm $0", one.path("ram/users"))


def ram_goes_on(one, other, options, then=lambda: None):
    # The attributes and pages of what another host makes nobody has here.
    fill_store(other.store)
    said = one.mount("noshared,anon=ram," + options)
    assert said == "", said
    try:
        os.chmod(one.path("ram"), 0o1777)
        write(one.path("ram/held"), "x" * 65536)
        with open(one.path("ram/held"), "r+b") as file, mmap.mmap(file.fileno(), 65536) as mapping:
            with Hung(one) as hung:
                wait_for_all(one, hung)
                within_bound(use_ram, one, mapping, file.fileno())
                then()
                within_bound(use_ram, one, mapping, file.fileno())
        wait_until(lambda: status_of(one)["store_silent_since"] == 0, "the answer of the store")
        assert read(one.path(f"file{STUCK // 2}")) == "other"
        assert not os.path.exists(one.path(f"file{STUCK - 1}"))
        assert status_of(one)["restarts"] == (1 if then.__name__ == "kill_worker" else 0)
    finally:
        subprocess.run(["umount", one.mountpoint], check=True)


def anonymous_directories_go_on(one, other, _cluster):
    ram_goes_on(one, other, "timeout=86400")


def also_where_names_are_asked_for(one, other, _cluster):
    ram_goes_on(one, other, "timeout=1")


def also_where_nothing_passes_through(one, other, _cluster):
    ram_goes_on(one, other, "nopassthrough")


def also_when_the_worker_dies(one, other, _cluster):
    def kill_worker():
        os.kill(status_of(one)["pid"], signal.SIGKILL)

    ram_goes_on(one, other, "timeout=1", kill_worker)


def shmem():
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        return next(int(line.split()[1]) << 10 for line in meminfo if line.startswith("Shmem:"))


def has_ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def it_ends(one, end, used=True):
    said = one.mount("noshared,anon=ram")
    assert said == "", said
    fill_store(one.mountpoint)
    with open(one.path("ram/large"), "wb") as file:
        os.posix_fallocate(file.fileno(), 0, RAM_BYTES)
    keeper = status_of(one)["keeper"]
    with Hung(one) as hung:
        if used:
            wait_for_all(one, hung)
        full = shmem()
        end(keeper)
        within_bound(wait_until, lambda: not os.path.ismount(one.mountpoint), "the end of the mount")
        if not used:
            within_bound(wait_until, lambda: full - shmem() > RAM_BYTES // 2, "the return of the RAM")
        assert not has_ended(keeper), "the store must stay locked"
    wait_until(lambda: has_ended(keeper), "the end of the daemon")
    with one:
        assert read(one.path("file0")) == "content"


def umount(one, *options, check):
    subprocess.run(["umount", *options, one.mountpoint], check=check, timeout=BOUND_SECONDS,
                   stderr=subprocess.DEVNULL)


def a_signal_ends_the_mount(one, _other, _cluster):
    it_ends(one, lambda keeper: os.kill(keeper, signal.SIGTERM))


def a_forced_umount_ends_the_mount(one, _other, _cluster):
    it_ends(one, lambda _: umount(one, "-f", check=False))


def an_umount_ends_what_nobody_uses(one, _other, _cluster):
    it_ends(one, lambda _: umount(one, check=True), used=False)


CASES = [status_is_told, anonymous_directories_go_on, also_where_names_are_asked_for,
         also_where_nothing_passes_through, also_when_the_worker_dies, a_signal_ends_the_mount,
         a_forced_umount_ends_the_mount, an_umount_ends_what_nobody_uses]


if __name__ == "__main__":
    sys.exit(main(__file__, CASES, "noshared"))
