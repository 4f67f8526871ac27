#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""A store whose client has died, and is mounted again: the mount goes over to it. Answers in TAP.

Needs root: the servers, their clients and the mounts live in mount and PID namespaces that end with
this program. $SHMAPFS and $SHMAPCTL are the programs under test, $SHMAPFS_FAULTS one whose worker
stops at chosen points.
"""
import contextlib
import errno
import mmap
import os
import signal
import subprocess
import sys
import tempfile

from cluster import wait_until
from hung_store import shmapctl, status_of, within_bound
from hosts import SHMAPCTL, SHMAPFS, error_of, main, read, write

FAULTS = os.environ.get("SHMAPFS_FAULTS")
FILES = 30


def fails(one):
    return status_of(one)["store_error"] != ""


def kill_client(one):
    one.client.kill()
    one.client.wait()
    wait_until(lambda: fails(one), "the failure of the store")


def mount_again(one, cluster):
    subprocess.run(["umount", "-l", one.store], check=True)
    _, one.client = cluster.mount(os.path.basename(one.store))


def reattach(one):
    told = within_bound(shmapctl, "reattach", one.mountpoint)
    assert told.returncode == 0, told.stderr
    return told.stdout


@contextlib.contextmanager
def mounted(one, options, program=SHMAPFS, halt=""):
    os.environ["SHMAPFS_HALT"] = halt
    said = one.mount("noshared,anon=ram" + options, program)
    assert said == "", said
    try:
        os.makedirs(one.path("directory/below"), exist_ok=True)
        for number in range(FILES):
            write(one.path(f"directory/below/file{number}"), str(number))
        yield
    finally:
        subprocess.run(["umount", "-l", one.mountpoint], check=True)


def check_all(one):
    """Finds everything as it was, and makes more."""
    for number in range(FILES):
        path = one.path(f"directory/below/file{number}")
        assert read(path) == str(number)
        os.chmod(path, 0o600)
    assert len(os.listdir(one.path("directory/below"))) == FILES
    write(one.path("new"), "text")
    os.rename(one.path("new"), one.path("directory/renamed"))
    assert read(one.path("directory/renamed")) == "text"
    os.unlink(one.path("directory/renamed"))


def use_ram(one, mapping):
    write(one.path("ram/file"), "text")
    assert read(one.path("ram/file")) == "text"
    os.unlink(one.path("ram/file"))
    mapping[:4] = bytes(reversed(mapping[:4]))


def it_goes_over(one, cluster, options):
    with mounted(one, options):
        write(one.path("ram/held"), "held")
        with open(one.path("ram/held"), "r+b") as held, mmap.mmap(held.fileno(), 4) as mapping:
            kill_client(one)
            assert error_of(os.stat, one.path("unknown")) == errno.EIO
            within_bound(use_ram, one, mapping)
            told = shmapctl("status", one.mountpoint).stdout
            assert "shmapctl reattach" in told, told
            mount_again(one, cluster)
            told = reattach(one)
            assert "reattached to" in told and ", 0 do not" in told, told
            assert not fails(one)
            check_all(one)
            within_bound(use_ram, one, mapping)
            assert read(one.path("ram/held")) == "held"
        status = status_of(one)
        assert (status["restarts"], status["upgrades"]) == (0, 0), status
    with one:
        check_all(one)


def all_is_found_again(one, _other, cluster):
    it_goes_over(one, cluster, "")


def with_few_descriptors(one, _other, cluster):
    it_goes_over(one, cluster, ",descriptors=16")


def open_files_go_on(one, _other, cluster):
    """The daemon reads and writes them; who has written hears that it may be lost, the others do
    not."""
    with mounted(one, ",nopassthrough"):
        path = one.path("directory/below/file1")
        reader = os.open(path, os.O_RDONLY)
        writer = os.open(path, os.O_RDWR)
        os.pwrite(writer, b"more", 0)
        kill_client(one)
        mount_again(one, cluster)
        reattach(one)
        os.pwrite(writer, b"last", 0)
        assert error_of(os.fsync, writer) == errno.EIO
        os.close(writer)
        assert os.pread(reader, 4, 0) == b"last"
        os.close(reader)
        again = os.open(path, os.O_RDWR)
        os.fsync(again)
        os.close(again)
        assert read(os.path.join(one.store, "directory/below/file1")) == "last"


def another_store_is_refused(one, _other, cluster):
    with mounted(one, ""):
        kill_client(one)
        subprocess.run(["umount", "-l", one.store], check=True)
        told = within_bound(shmapctl, "reattach", one.mountpoint)
        assert told.returncode == 1 and "is not the store" in told.stderr, told
        assert told.stderr.count("\n") == 1, told
        assert os.listdir(one.store) == []
        _, one.client = cluster.mount(os.path.basename(one.store))
        reattach(one)
        check_all(one)


def one_that_works_is_left_alone(one, _other, _cluster):
    with mounted(one, ""):
        assert "nothing was to be done" in reattach(one)
        told = shmapctl("--json", "reattach").stdout
        assert told == '{"reattached":[]}\n', told
        check_all(one)


def records_of(one):
    return [name for name in os.listdir(os.path.join(one.store, ".shmapfs"))
            if name.startswith("host.")]


def other_hosts_are_told(one, other, cluster):
    """By the record that the host has in the store as long as its mount lives."""
    with mounted(one, ""):
        for _ in range(2):
            kill_client(one)
            mount_again(one, cluster)
            reattach(one)
            assert one.status().count("host       one (this one)") == 1, one.status()
            said = other.mount("noshared")
            assert "host one has it" in said, said
        assert len(records_of(one)) == 1
    wait_until(lambda: not records_of(one), "the end of the record")


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def standby_of(keeper):
    """Returns the child of the keeper that waits for its turn; 0: there is none yet."""
    with open(f"/proc/{keeper}/task/{keeper}/children", encoding="ascii") as children:
        for child in children.read().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                    open(f"/proc/{child}/cmdline", encoding="utf-8") as title:
                if " waits " in title.read():
                    return int(child)
    return 0


def workers_may_die_in_it(one, _other, cluster):
    """One that has opened the store, and the next, which has replaced descriptors."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(one.store)) as halt:
        os.chmod(halt, 0o777)
        with mounted(one, "", FAULTS, halt):
            status = status_of(one)
            worker, keeper = status["pid"], status["keeper"]
            kill_client(one)
            mount_again(one, cluster)
            write(os.path.join(halt, "in-reattach"), "")
            with subprocess.Popen([SHMAPCTL, "reattach", one.mountpoint],
                                  stdout=sys.stderr) as asking:
                wait_until(lambda: is_stopped(worker), "the worker that stops")
                write(os.path.join(halt, "in-reattach"), "")
                standby = wait_until(lambda: standby_of(keeper), "the next worker")
                os.kill(worker, signal.SIGKILL)
                wait_until(lambda: is_stopped(standby), "the next worker that stops")
                os.kill(standby, signal.SIGKILL)
            assert asking.returncode == 0
            check_all(one)
            assert status_of(one)["restarts"] == 2, status_of(one)


CASES = [all_is_found_again, with_few_descriptors, open_files_go_on, another_store_is_refused,
         one_that_works_is_left_alone, other_hosts_are_told, workers_may_die_in_it]


if __name__ == "__main__":
    sys.exit(main(__file__, CASES, "noshared"))
