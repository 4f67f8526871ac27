#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Locks of files on a store that two hosts mount. Answers in TAP; hosts.py says what it needs."""
import contextlib
import errno
import fcntl
import itertools
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import time
import traceback

from cluster import BRICKS, reaches, wait_until
from hosts import SHMAPCTL, error_of, main, read

# Processes of each host, and how often each of them adds to a counter.
COUNTERS = 2
TIMES = 8

FLOCK_FORMAT = "hhqqi4x"


def flock(fd, kind, wait=True):
    operation = {fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_RDLCK: fcntl.LOCK_SH,
                 fcntl.F_UNLCK: fcntl.LOCK_UN}
    fcntl.flock(fd, operation[kind] | (0 if wait else fcntl.LOCK_NB))


def posix(fd, kind, wait=True):
    lock = struct.pack(FLOCK_FORMAT, kind, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(fd, fcntl.F_SETLKW if wait else fcntl.F_SETLK, lock)


def description(fd, kind, wait=True):
    lock = struct.pack(FLOCK_FORMAT, kind, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(fd, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, lock)


KINDS = [flock, posix, description]


def is_locked(path, lock):
    """Returns whether nobody can have the lock now who comes by this path."""
    fd = os.open(path, os.O_RDWR)
    try:
        lock(fd, fcntl.F_WRLCK, wait=False)
        return False
    except OSError as error:
        assert error.errno == errno.EAGAIN, error
        return True
    finally:
        os.close(fd)


def status_of(host):
    said = subprocess.run([SHMAPCTL, "status", "--json", host.mountpoint], capture_output=True,
                          check=True).stdout
    status = json.loads(said)
    return status[0] if isinstance(status, list) else status


def await_waiters(host, count):
    wait_until(lambda: status_of(host)["lock_waiters"] == count, f"{count} waiting for locks")


class Process:
    """A process that does something with a file, and says so."""

    def __init__(self, work, *arguments):
        self._hear, say = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self._hear)
                work(lambda text: os.write(say, text.encode() + b"\n"), *arguments)
                status = 0
            except Exception:  # pylint: disable=broad-except
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(say)
        os.set_blocking(self._hear, False)

    def has_said(self):
        try:
            return os.read(self._hear, 4096).decode().split()
        except BlockingIOError:
            return []

    def hear(self):
        return wait_until(self.has_said, "a word of another process")

    def end(self):
        os.close(self._hear)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)


def hold(say, path, lock, kind=fcntl.F_WRLCK):
    """Gets the lock, says so, and has it until somebody ends the process."""
    fd = os.open(path, os.O_RDWR)
    lock(fd, kind)
    say("locked")
    while True:
        signal.pause()


def hold_until_told(say, path, lock, kind=fcntl.F_WRLCK, then=fcntl.F_UNLCK):
    """Does the same, changes the lock upon SIGUSR1, and says when."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    fd = os.open(path, os.O_RDWR)
    lock(fd, kind)
    say("locked")
    signal.sigwait([signal.SIGUSR1])
    lock(fd, then)
    say("changed")
    signal.pause()


def add_by_mapping(fd):
    with mmap.mmap(fd, 4096) as mapping:
        (value,) = struct.unpack_from("q", mapping)
        struct.pack_into("q", mapping, 0, value + 1)
        mapping.flush()


def add_by_writing(fd):
    (value,) = struct.unpack("q", os.pread(fd, 8, 0))
    os.pwrite(fd, struct.pack("q", value + 1), 0)


def count_up(_say, path, lock, add):
    fd = os.open(path, os.O_RDWR)
    for _ in range(TIMES):
        lock(fd, fcntl.F_WRLCK)
        add(fd)
        lock(fd, fcntl.F_UNLCK)


def count_with(hosts, lock, add):
    with open(hosts[0].path("counter"), "wb") as file:
        file.write(bytes(4096))
    processes = [Process(count_up, host.path("counter"), lock, add)
                 for host in hosts for _ in range(COUNTERS)]
    begin = time.monotonic()
    assert [process.end() for process in processes] == [0] * len(processes)
    took = time.monotonic() - begin
    for host in hosts:
        # Without the lock a host may read what was there a moment ago.
        fd = os.open(host.path("counter"), os.O_RDWR)
        lock(fd, fcntl.F_WRLCK)
        (value,) = struct.unpack("q", os.pread(fd, 8, 0))
        os.close(fd)
        assert value == TIMES * len(processes), (lock.__name__, add.__name__, value)
    print(f"# {lock.__name__}, {add.__name__}: {value} in {took:.2f} s", flush=True)


def no_increment_is_lost(one, other):
    for lock, add in itertools.product(KINDS, (add_by_mapping, add_by_writing)):
        count_with((one, other), lock, add)


def make(host):
    with open(host.path("file"), "wb") as file:
        file.write(bytes(4096))


def a_waiter_gets_the_lock(one, other):
    """When it is given up, and when the process that has it is killed."""
    make(one)
    for lock in KINDS:
        holder = Process(hold_until_told, one.path("file"), lock)
        assert holder.hear() == ["locked"]
        assert is_locked(other.path("file"), lock)
        waiter = Process(hold, other.path("file"), lock)
        await_waiters(other, 1)
        begin = time.monotonic()
        holder.kill(signal.SIGUSR1)
        assert waiter.hear() == ["locked"]
        unlocked = time.monotonic() - begin
        assert is_locked(one.path("file"), lock)
        holder.kill()
        assert holder.end() == -signal.SIGKILL
        last = Process(hold, one.path("file"), lock)
        await_waiters(one, 1)
        begin = time.monotonic()
        waiter.kill()
        assert last.hear() == ["locked"]
        killed = time.monotonic() - begin
        assert waiter.end() == -signal.SIGKILL
        assert is_locked(other.path("file"), lock)
        last.kill()
        last.end()
        wait_until(lambda: not is_locked(other.path("file"), lock), "the end of the lock")
        print(f"# {lock.__name__}: {unlocked * 1000:.1f} ms after it was given up, "
              f"{killed * 1000:.1f} ms after a kill", flush=True)


def the_lock_of_another_host_is_told(one, other):
    make(one)
    fd = os.open(one.path("file"), os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX, 20, 10)
    asked = os.open(other.path("file"), os.O_RDWR)
    lock = struct.pack(FLOCK_FORMAT, fcntl.F_RDLCK, os.SEEK_SET, 0, 100, 0)
    kind, _, start, length, _ = struct.unpack(FLOCK_FORMAT, fcntl.fcntl(asked, fcntl.F_GETLK, lock))
    assert (kind, start, length) == (fcntl.F_WRLCK, 10, 20), (kind, start, length)
    # Other ranges are free.
    fcntl.lockf(asked, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)
    fcntl.lockf(asked, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 30)
    os.close(fd)
    fcntl.lockf(asked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(asked)


def wait_in_vain(say, path, lock):
    """Is interrupted while it waits."""
    def on_signal(_number, _frame):
        raise InterruptedError

    signal.signal(signal.SIGUSR1, on_signal)
    fd = os.open(path, os.O_RDWR)
    try:
        lock(fd, fcntl.F_WRLCK)
    except InterruptedError:
        say("interrupted")


def a_signal_ends_the_wait(one, other):
    make(one)
    for lock in KINDS:
        holder = Process(hold, one.path("file"), lock)
        assert holder.hear() == ["locked"]
        waiter = Process(wait_in_vain, other.path("file"), lock)
        await_waiters(other, 1)
        waiter.kill(signal.SIGUSR1)
        assert waiter.hear() == ["interrupted"]
        assert waiter.end() == 0
        waiter = Process(hold, other.path("file"), lock)
        await_waiters(other, 1)
        waiter.kill()
        assert waiter.end() == -signal.SIGKILL
        holder.kill()
        holder.end()
        wait_until(lambda: not is_locked(other.path("file"), lock), "the end of the lock")


def replaced_worker(host, replace):
    before = status_of(host)["pid"]
    replace(host, before)
    wait_until(lambda: status_of(host)["pid"] != before, "another worker")


def locks_outlive_workers(one, other):
    """On both hosts another worker serves, while one has a lock and the other waits for it."""
    ways = (lambda host, worker: os.kill(worker, signal.SIGKILL),
            lambda host, worker: subprocess.run([SHMAPCTL, "upgrade", host.mountpoint], check=True,
                                                stdout=sys.stderr))
    make(one)
    for lock, replace in itertools.product(KINDS, ways):
        holder = Process(hold, one.path("file"), lock)
        assert holder.hear() == ["locked"]
        waiter = Process(hold, other.path("file"), lock)
        await_waiters(other, 1)
        for host in (one, other):
            replaced_worker(host, replace)
        await_waiters(other, 1)
        assert is_locked(other.path("file"), lock)
        holder.kill()
        holder.end()
        assert waiter.hear() == ["locked"]
        assert is_locked(one.path("file"), lock)
        assert status_of(other)["lock_waiters"] == 0
        waiter.kill()
        waiter.end()
        wait_until(lambda: not is_locked(one.path("file"), lock), "the end of the lock")


def hold_twice(say, path, lock):
    """Gets the lock, gives it up upon SIGUSR1, and does so once more after the next one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    fd = os.open(path, os.O_RDWR)
    for _ in range(2):
        lock(fd, fcntl.F_WRLCK)
        say("locked")
        signal.sigwait([signal.SIGUSR1])
        lock(fd, fcntl.F_UNLCK)
        say("unlocked")
        signal.sigwait([signal.SIGUSR1])


def servers_come_and_go(one, other, cluster):
    """A lock is taken while a server is away, and again while another one is: GlusterFS' client has
    not opened the file at the first of them meanwhile."""
    with one, other:
        make(one)
        for lock in KINDS:
            cluster.kill(1)
            holder = Process(hold_twice, one.path("file"), lock)
            assert holder.hear() == ["locked"]
            cluster.start(1)
            for host in one, other:
                wait_until(lambda host=host: reaches(host.store, 1), f"{host.name}'s connection")
            assert is_locked(other.path("file"), lock)
            holder.kill(signal.SIGUSR1)
            assert holder.hear() == ["unlocked"]
            cluster.kill(2)
            holder.kill(signal.SIGUSR1)
            assert holder.hear() == ["locked"]
            assert is_locked(other.path("file"), lock)
            holder.kill(signal.SIGUSR1)
            assert holder.hear() == ["unlocked"]
            assert not is_locked(other.path("file"), lock)
            cluster.start(2)
            for host in one, other:
                wait_until(lambda host=host: reaches(host.store, 2), f"{host.name}'s connection")
            holder.kill(signal.SIGUSR1)
            assert holder.end() == 0


def waits_for_store(pid):
    """Returns whether a thread of a process waits for a FUSE filesystem."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(f"/proc/{pid}/task/{thread}/wchan", encoding="ascii") as waits:
            if waits.read() == "request_wait_answer":
                return True
    return False


def lock_when_told(say, path, lock):
    """Asks for the lock upon SIGUSR1, and says what came of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    fd = os.open(path, os.O_RDWR)
    say("open")
    signal.sigwait([signal.SIGUSR1])
    say(str(error_of(lock, fd, fcntl.F_WRLCK)))


def without_servers_a_wait_ends(one, _other, cluster):
    with one:
        make(one)
        for lock in KINDS:
            waiters = [Process(lock_when_told, one.path("file"), lock) for _ in range(3)]
            for waiter in waiters:
                assert waiter.hear() == ["open"]
            for number in 1, 2:
                cluster.kill(number)
            begun = time.monotonic()
            for waiter in waiters:
                waiter.kill(signal.SIGUSR1)
            for waiter in waiters:
                assert waiter.hear() == [str(errno.EIO)]
                assert waiter.end() == 0
            assert time.monotonic() - begun > 1
            for number in 1, 2:
                cluster.start(number)
            for number in 1, 2:
                wait_until(lambda number=number: reaches(one.store, number), "the connection")
            wait_until(lambda: error_of(read, one.path("file")) == 0, "the return of the servers")


def a_holder_comes_before_who_waits_for_it(one, _other, _cluster):
    with one:
        make(one)
        for lock in posix, description:
            holder = Process(hold_until_told, one.path("file"), lock, fcntl.F_RDLCK, fcntl.F_WRLCK)
            assert holder.hear() == ["locked"]
            reader = Process(hold, one.path("file"), lock, fcntl.F_RDLCK)
            assert reader.hear() == ["locked"]
            waiter = Process(hold, one.path("file"), lock)
            await_waiters(one, 1)
            holder.kill(signal.SIGUSR1)
            await_waiters(one, 2)
            reader.kill()
            assert holder.hear() == ["changed"]
            holder.kill()
            assert waiter.hear() == ["locked"]
            waiter.kill()
            for process in holder, reader, waiter:
                process.end()


def a_server_goes_in_the_midst(one, other, cluster):
    """As before, but the second server goes while it is being asked for the lock. The client has
    another word for that."""
    with one, other:
        make(one)
        for lock in KINDS:
            cluster.kill(1)
            holder = Process(hold_twice, one.path("file"), lock)
            assert holder.hear() == ["locked"]
            cluster.start(1)
            for host in one, other:
                wait_until(lambda host=host: reaches(host.store, 1), f"{host.name}'s connection")
            holder.kill(signal.SIGUSR1)
            assert holder.hear() == ["unlocked"]
            worker = status_of(one)["pid"]
            cluster.stop(2)
            holder.kill(signal.SIGUSR1)
            wait_until(lambda pid=worker: waits_for_store(pid), "the lock that is asked for")
            cluster.kill(2)
            assert holder.hear() == ["locked"]
            assert is_locked(other.path("file"), lock)
            cluster.start(2)
            for host in one, other:
                wait_until(lambda host=host: reaches(host.store, 2), f"{host.name}'s connection")
            holder.kill(signal.SIGUSR1)
            assert holder.hear() == ["unlocked"]
            holder.kill(signal.SIGUSR1)
            assert holder.end() == 0


def locks_go_with_their_mount(one, other, _cluster):
    """The processes of a host's mount are killed, all of them."""
    with other:
        assert one.mount(one.options) == ""
        make(one)
        holder = Process(hold, one.path("file"), posix)
        assert holder.hear() == ["locked"]
        waiter = Process(hold, other.path("file"), posix)
        await_waiters(other, 1)
        status = status_of(one)
        os.kill(status["keeper"], signal.SIGKILL)
        os.kill(status["pid"], signal.SIGKILL)
        assert waiter.hear() == ["locked"]
        for process in (holder, waiter):
            process.kill()
            process.end()
        subprocess.run(["umount", "-l", one.mountpoint], check=False, stderr=subprocess.DEVNULL)


def with_mounts(case):
    """A case on a store that both hosts have mounted."""
    def mounted(one, other, _cluster):
        with one, other:
            case(one, other)

    mounted.__name__ = case.__name__
    return mounted


CASES = [with_mounts(case) for case in (
    no_increment_is_lost, a_waiter_gets_the_lock, the_lock_of_another_host_is_told,
    a_signal_ends_the_wait, locks_outlive_workers)] + [
        servers_come_and_go, a_server_goes_in_the_midst, without_servers_a_wait_ends,
        a_holder_comes_before_who_waits_for_it, locks_go_with_their_mount]

if __name__ == "__main__":
    sys.exit(main(__file__, CASES, "shared,timeout=0"))
