# SPDX-License-Identifier: BSD-2-Clause
"""Hosts of a cluster on this machine, and the cases that are tried with two of them.

Needs root: servers, their clients and the mounts live in mount and PID namespaces that end with
the program, but for servers in the kernel, which the engine ends. $SHMAPFS and $SHMAPCTL are the programs under test.
"""
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

from cluster import Cluster
from nfs import Nfs

SKIP = 77
# The ways to share a store, and the program that each takes.
ENGINES = {"gluster": (Cluster, "glusterfsd"), "nfs": (Nfs, "rpc.nfsd")}
ENGINE, SERVER = ENGINES[os.environ.get("SHMAPFS_ENGINE", "gluster")]
SHMAPFS = os.environ.get("SHMAPFS")
SHMAPCTL = os.environ.get("SHMAPCTL")
NOBODY = 65534
# Each host has a name of its own.
NAMED = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"']


class Skipped(Exception):
    """Something that this machine lacks for a case."""


def need_passthrough():
    """Skips what takes passthrough, as -o shared does, where the kernel has none."""
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 9):
        raise Skipped("this kernel has no FUSE passthrough (Linux 6.9 has)")


class Host:
    """A host: its mount of the cluster, and a directory for the mount under test."""

    def __init__(self, cluster, name, options):
        self.name = name
        self.options = options
        self.store, self.client = cluster.mount(name)
        self.mountpoint = self.store + ".mnt"
        os.mkdir(self.mountpoint)

    def mount(self, options, program=SHMAPFS):
        """Mounts the store, and returns what the program has said."""
        if "shared" in options.split(","):
            need_passthrough()
        said = subprocess.run([*NAMED, self.name, program, self.store, self.mountpoint,
                               *(["-o", options] * bool(options))],
                              capture_output=True, text=True, check=False)
        return said.stderr if said.returncode else ""

    def status(self):
        return subprocess.run([SHMAPCTL, "status", self.mountpoint], capture_output=True, text=True,
                              check=True).stdout

    def unmount(self):
        subprocess.run(["umount", self.mountpoint], check=True)

    def __enter__(self):
        said = self.mount(self.options)
        assert said == "", said
        return self

    def __exit__(self, *_):
        self.unmount()

    def path(self, name):
        return os.path.join(self.mountpoint, name)


class Mounted:
    """Hosts mount with such options, which may be others than their own."""

    def __init__(self, hosts, options):
        self._hosts, self._options = hosts, options

    def __enter__(self):
        for host in self._hosts:
            said = host.mount(self._options)
            assert said == "", said

    def __exit__(self, *_):
        for host in self._hosts:
            host.unmount()


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


def run_cases(cases, one, other, cluster):
    failures = 0
    print(f"1..{len(cases)}", flush=True)
    for number, case in enumerate(cases, 1):
        try:
            case(one, other, cluster)
            print(f"ok {number} - {case.__name__}", flush=True)
        except Skipped as reason:
            print(f"ok {number} - {case.__name__} # SKIP {reason}", flush=True)
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError, TimeoutError):
            failures += 1
            print(f"not ok {number} - {case.__name__}", flush=True)
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), flush=True)
    return failures


def run(top, cases, options, forget):
    wanted = os.environ.get("SHMAPFS_TEST_FILTER", "*")
    cases = [case for case in cases if fnmatch.fnmatch(case.__name__, wanted)]
    cluster = ENGINE(top, forget)
    try:
        return run_cases(cases, Host(cluster, "one", options), Host(cluster, "other", options), cluster)
    finally:
        cluster.end()


def need_gluster(cluster):
    """Skips a case that looks into the servers."""
    if not isinstance(cluster, Cluster):
        raise Skipped("the servers are not GlusterFS'")


def lacking(*programs):
    """Returns whether something is missing that hosts take."""
    return os.geteuid() != 0 or not all(shutil.which(program) for program in programs)


def run_inside(program, *arguments, network=False):
    """Runs a program in namespaces that end with it, and returns its status. Before its arguments it
    finds «inside» and a directory, which goes when all that ran in there has ended."""
    with tempfile.TemporaryDirectory(prefix="shmapfs-cluster-", dir="/var/tmp") as top:
        os.chmod(top, 0o755)
        return subprocess.run(["unshare", "--mount", "--pid", *["--net"] * network, "--fork",
                               "--kill-child", "--mount-proc", sys.executable, "-B", program,
                               "inside", top, *arguments], check=False).returncode


def main(program, cases, options, forget=60):
    """Tries the cases of a program, each with two hosts and the cluster, and exits. The hosts mount
    with such options."""
    if lacking(SERVER):
        print(f"1..0 # SKIP these cases need root, and {SERVER}")
        return SKIP
    if sys.argv[1:2] != ["inside"]:
        return run_inside(program)
    return 1 if run(sys.argv[2], cases, options, forget) else 0
