# SPDX-License-Identifier: BSD-2-Clause
"""stress.py DIRECTORY COMMAND...: runs a test beside CPU, I/O and memory load.

Meson calls it for each test (meson test --setup stress). All tests that run at the same time share
one load. It ends when no test is left, however the tests end, and leaves no file behind.
"""
import ctypes
import fcntl
import mmap
import os
import signal
import subprocess
import sys

# Together a load average of 30.
BURNERS, WRITERS, TOUCHERS = 14, 10, 6
FILE_SIZE, CHUNK, MEMORY = 4 << 20, 64 << 10, 32 << 20
DISK = "/var/tmp"  # where the tests have their stores
LONGEST_SECONDS = 4 * 3600
PR_SET_PDEATHSIG = 1


def burn():
    while True:
        pass


def write():
    """Writes and syncs files that never have a name: the kernel deletes them at the close."""
    data = os.urandom(CHUNK)
    while True:
        fd = os.open(DISK, os.O_TMPFILE | os.O_WRONLY, 0o600)
        for _ in range(FILE_SIZE // CHUNK):
            os.write(fd, data)
        os.fsync(fd)
        os.close(fd)


def touch():
    """Writes to each page of some memory that it has just got."""
    while True:
        with mmap.mmap(-1, MEMORY) as memory:
            for _ in range(8):
                for offset in range(0, MEMORY, mmap.PAGESIZE):
                    memory[offset] = 1


def start(work):
    """Starts a process of the load, which ends with its parent."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            work()
        os._exit(0)
    return pid


def open_lock(directory, name):
    return os.open(os.path.join(directory, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def keep_load(directory):
    """Keeps the load up until no test runs any more."""
    signal.alarm(LONGEST_SECONDS)
    tests = open_lock(directory, "tests.lock")
    works = [burn] * BURNERS + [write] * WRITERS + [touch] * TOUCHERS
    pids = [start(work) for work in works]
    # Every test holds a shared lock. One that waits for the other kind of lock keeps no test out.
    fcntl.flock(tests, fcntl.LOCK_EX)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


def ensure_load(directory):
    """Starts the load unless another test has done that, in a process that outlives this one."""
    load = open_lock(directory, "load.lock")
    try:
        fcntl.flock(load, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(load)
        return
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        os.closerange(3, load)
        os.closerange(load + 1, 256)
        keep_load(directory)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(load)


def main(directory, command):
    tests = open_lock(directory, "tests.lock")
    fcntl.flock(tests, fcntl.LOCK_SH)
    ensure_load(directory)
    # Meson sends these to the test, too, which ends in its own way.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    status = subprocess.run(command, check=False).returncode
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
