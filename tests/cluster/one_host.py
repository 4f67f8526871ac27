#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""A store on a filesystem that other hosts reach, and that one host uses. Answers in TAP."""
import errno
import mmap
import os
import shutil
import subprocess
import sys

from cluster import BRICKS, requests, wait_until
from hosts import NOBODY, Mounted, as_user, error_of, main, need_passthrough, read, write

GROUP = 4711


def it_takes_a_word(one, _other, _cluster):
    """Without the word the mount is refused, in a line that names it, and leaves nothing."""
    said = one.mount("")
    assert "fuse.glusterfs" in said and "-o shared" in said and "noshared" in said, said
    assert said.count("\n") == 1, said
    assert os.listdir(one.store) == [], os.listdir(one.store)


def root_does_everything(one, _other, _cluster):
    with one:
        write(one.path("file"), "one")
        write(one.path("file"), "two", "a")
        assert read(one.path("file")) == "onetwo"
        os.chmod(one.path("file"), 0o640)
        os.chown(one.path("file"), NOBODY, NOBODY)
        os.rename(one.path("file"), one.path("renamed"))
        os.link(one.path("renamed"), one.path("link"))
        os.unlink(one.path("link"))
        os.setxattr(one.path("renamed"), "user.colour", b"blue")
        assert os.getxattr(one.path("renamed"), "user.colour") == b"blue"
        os.truncate(one.path("renamed"), 3)
        assert (os.stat(one.path("renamed")).st_size, os.stat(one.path("renamed")).st_uid) == (3, NOBODY)
        os.symlink("renamed", one.path("symlink"))
        os.mkdir(one.path("directory"))
        write(one.path("directory/file"), "")
        assert sorted(os.listdir(one.mountpoint)) == ["directory", "renamed", "symlink"]
        shutil.rmtree(one.path("directory"))
        os.unlink(one.path("symlink"))
    assert read(os.path.join(one.store, "renamed")) == "one"


def others_have_their_rights(one, _other, _cluster):
    """Users make and read what the modes allow, also by a group that is not their first."""
    with one:
        os.mkdir(one.path("open"))
        os.chmod(one.path("open"), 0o1777)
        as_user("sh", "-c", "echo text >$0", one.path("open/file"))
        assert as_user("cat", one.path("open/file")) == "text\n"
        assert os.stat(one.path("open/file")).st_uid == NOBODY
        os.mkdir(one.path("group"))
        os.chown(one.path("group"), 0, GROUP)
        os.chmod(one.path("group"), 0o770)
        as_user("sh", "-c", "echo text >$0; mkdir $0.d; ln -s x $0.l", one.path("group/file"),
                groups=[GROUP])
        assert os.stat(one.path("group/file")).st_uid == NOBODY
        write(one.path("private"), "secret")
        os.chmod(one.path("private"), 0o600)
        ran = subprocess.run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", "cat",
                              one.path("private")], capture_output=True, text=True, check=False)
        assert ran.returncode != 0 and ran.stdout == "", ran


def mappings_pass_through(one, _other, _cluster):
    need_passthrough()
    with one:
        status = one.status()
        assert "fuse.glusterfs" in status and "; passthrough" in status, status
        write(one.path("mapped"), "x" * 8192)
        with open(one.path("mapped"), "r+b") as file, mmap.mmap(file.fileno(), 8192) as mapping:
            mapping[0:6] = b"stored"
            mapping.flush()
        assert read(one.path("mapped")).startswith("stored")


def what_was_written_goes_without_an_open(one, _other, _cluster):
    """Nobody need know whether a file is still mapped that is about to be removed."""
    need_passthrough()
    with Mounted((one,), "shared,timeout=0"):
        names = [one.path(f"file{i}") for i in range(100)]
        for name in names:
            write(name, name)
        requests(one.store)
        for name in names:
            os.unlink(name)
        sent = requests(one.store)
        assert sent["UNLINK"] == 100 and sent["OPEN"] < 10, sent


def use_without_name(path, new, unlink_first):
    """A program goes on with a file that has lost its name, after a close of a copy, which is what a
    child that ends does, too."""
    if not new:
        write(path, "")
    fd = os.open(path, os.O_RDWR | (os.O_CREAT | os.O_EXCL if new else 0), 0o600)
    try:
        for step in (os.unlink, None) if unlink_first else (None, os.unlink):
            if step:
                step(path)
            else:
                assert os.pwrite(fd, b"before", 0) == 6
                os.close(os.dup(fd))
        assert os.pwrite(fd, b"after", 6) == 5
        os.ftruncate(fd, 9)
        os.fsync(fd)
        assert os.pread(fd, 100, 0) == b"beforeaft"
    finally:
        os.close(fd)


def use_after_two_names(path):
    with open(path, "w+b", buffering=0) as file:
        os.link(path, path + ".link")
        os.close(os.dup(file.fileno()))
        os.unlink(path)
        os.unlink(path + ".link")
        os.close(os.dup(file.fileno()))
        assert file.write(b"after") == 5
        assert file.truncate(3) == 3
        os.fsync(file.fileno())


def files_without_names_are_used(one, _other, _cluster):
    need_passthrough()
    for options in "noshared", "noshared,nopassthrough", "shared":
        with Mounted((one,), options):
            assert ("; passthrough" in one.status()) == ("nopass" not in options), one.status()
            for new in True, False:
                for unlink_first in True, False:
                    use_without_name(one.path("file"), new, unlink_first)
            use_after_two_names(one.path("file"))


def few_descriptors_do(one, _other, _cluster):
    """Handles of such a filesystem do not last, so each object is found again by its name."""
    with Mounted((one,), "noshared,descriptors=16"):
        names = [one.path(f"file{i}") for i in range(100)]
        for name in names:
            write(name, name)
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as caches:
            caches.write("2")
        for name in names:
            assert read(name) == name
            os.chmod(name, 0o600)
            os.unlink(name)


def one_host_at_a_time(one, other, _cluster):
    with one:
        said = other.mount("noshared")
        assert "in use: host one has it" in said and said.count("\n") == 1, said
    with other:
        pass


def reads(path, text):
    """Returns whether a file can be read, and has this text: servers come back one after the other."""
    try:
        return read(path) == text
    except OSError:
        return False


def servers_come_and_go(one, _other, cluster):
    """While they are away calls fail, and neither those who use the mount nor a service that is
    started again take it for dead."""
    with one:
        write(one.path("file"), "before")
        cluster.kill(1)
        write(one.path("file"), "with two")
        cluster.kill(2)
        cluster.kill(3)
        failed = wait_until(lambda: error_of(write, one.path("other"), "text"), "an error")
        assert failed != errno.ENOTCONN, failed
        said = one.mount("noshared,takeover")
        assert os.path.ismount(one.mountpoint) and "dead" not in said, said
        for number in BRICKS:
            cluster.start(number)
        wait_until(lambda: reads(one.path("file"), "with two"), "the return of the servers")


CASES = [it_takes_a_word, root_does_everything, others_have_their_rights, mappings_pass_through,
         files_without_names_are_used, few_descriptors_do,
         what_was_written_goes_without_an_open, one_host_at_a_time,
         servers_come_and_go]


if __name__ == "__main__":
    sys.exit(main(__file__, CASES, "noshared"))
