#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""A store on a filesystem that other hosts reach, and that one host uses. Answers in TAP.

Needs root: the servers, their clients and the mounts live in mount and PID namespaces that end with
this program. $SHMAPFS and $SHMAPCTL are the programs under test.
"""
import errno
import fnmatch
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

from cluster import BRICKS, Cluster, wait_until

SKIP = 77
SHMAPFS = os.environ.get("SHMAPFS")
SHMAPCTL = os.environ.get("SHMAPCTL")
NOBODY = 65534
GROUP = 4711


class Host:
    """A host: its mount of the cluster, and a directory for the mount under test."""

    def __init__(self, cluster, name):
        self.store, self.client = cluster.mount(name)
        self.mountpoint = self.store + ".mnt"
        os.mkdir(self.mountpoint)

    def mount(self, options, program=SHMAPFS):
        """Mounts the store, and returns what the program has said."""
        said = subprocess.run([program, self.store, self.mountpoint, *(["-o", options] * bool(options))],
                              capture_output=True, text=True, check=False)
        return said.stderr if said.returncode else ""

    def __enter__(self):
        said = self.mount("noshared")
        assert said == "", said
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.mountpoint], check=True)

    def path(self, name):
        return os.path.join(self.mountpoint, name)


def write(path, text, mode="w"):
    with open(path, mode, encoding="ascii") as file:
        file.write(text)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def as_user(*command, groups=()):
    """Runs a command as an ordinary user, and returns what it prints."""
    wanted = [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
    ran = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", *wanted, *command],
                         capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def error_of(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0


def it_takes_a_word(one, _other, _cluster):
    """Without the word the mount is refused, in a line that names it, and leaves nothing."""
    said = one.mount("")
    assert "fuse.glusterfs" in said and "noshared" in said and said.count("\n") == 1, said
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
    with one:
        status = subprocess.run([SHMAPCTL, "status", one.mountpoint], capture_output=True, text=True,
                                check=True).stdout
        assert "fuse.glusterfs" in status and "; passthrough" in status, status
        write(one.path("mapped"), "x" * 8192)
        with open(one.path("mapped"), "r+b") as file, mmap.mmap(file.fileno(), 8192) as mapping:
            mapping[0:6] = b"stored"
            mapping.flush()
        assert read(one.path("mapped")).startswith("stored")


def few_descriptors_do(one, _other, _cluster):
    """Handles of such a filesystem do not last, so each object is found again by its name."""
    said = one.mount("noshared,descriptors=16")
    assert said == "", said
    try:
        names = [one.path(f"file{i}") for i in range(100)]
        for name in names:
            write(name, name)
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as caches:
            caches.write("2")
        for name in names:
            assert read(name) == name
            os.chmod(name, 0o600)
            os.unlink(name)
    finally:
        subprocess.run(["umount", one.mountpoint], check=True)


def one_host_at_a_time(one, other, _cluster):
    with one:
        said = other.mount("noshared")
        assert "in use" in said, said
    with other:
        pass


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
        wait_until(lambda: error_of(os.stat, one.path("file")) == 0, "the return of the servers")

        wait_until(lambda: read(one.path("file")) == "with two", "the file as it was")


CASES = [it_takes_a_word, root_does_everything, others_have_their_rights, mappings_pass_through,
         few_descriptors_do, one_host_at_a_time, servers_come_and_go]


def run(top, cases):
    wanted = os.environ.get("SHMAPFS_TEST_FILTER", "*")
    cluster = Cluster(top)
    one, other = Host(cluster, "one"), Host(cluster, "other")
    failures = 0
    cases = [case for case in cases if fnmatch.fnmatch(case.__name__, wanted)]
    print(f"1..{len(cases)}", flush=True)
    for number, case in enumerate(cases, 1):
        try:
            case(one, other, cluster)
            print(f"ok {number} - {case.__name__}", flush=True)
        except (AssertionError, OSError, subprocess.SubprocessError, TimeoutError):
            failures += 1
            print(f"not ok {number} - {case.__name__}", flush=True)
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), flush=True)
    return failures


def main_of(cases, program):
    """Runs cases in namespaces of their own, and ends the program with the result."""
    sys.exit(run_inside(cases, program))


def run_inside(cases, program):
    if os.geteuid() != 0 or not shutil.which("glusterfsd"):
        print("1..0 # SKIP these cases need root, and glusterfsd")
        return SKIP
    if sys.argv[1:] != ["inside"]:
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                               sys.executable, "-B", program, "inside"], check=False).returncode
    with tempfile.TemporaryDirectory(prefix="shmapfs-cluster-", dir="/var/tmp",
                                     ignore_cleanup_errors=True) as top:
        os.chmod(top, 0o755)
        failures = run(top, cases)
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            below = [line.split()[1] for line in mounts if top in line.split()[1]]
        for directory in reversed(below):
            subprocess.run(["umount", "-l", directory], check=False)
    return 1 if failures else 0


if __name__ == "__main__":
    main_of(CASES, __file__)
