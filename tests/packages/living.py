#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""shmapfs-upgrade, as packages run it when they have replaced the binary, on living mounts. Answers in
TAP.

    living.py BUILD

Needs root: all lives in a mount and a PID namespace that end with this program. The files installed
there cover the prefix of the build directory.
"""
import json
import mmap
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

SKIPPED = 77


def run(*command):
    """Runs a command that is to succeed. Returns what it prints."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def replace(path):
    """Puts another file of the same contents at a path, as a package manager does."""
    shutil.copy2(path, path + ".new")
    os.rename(path + ".new", path)


class Mount:
    def __init__(self, installed, directory, *options):
        self.directory, self.installed = directory, installed
        os.mkdir(directory)
        run(installed.shmapfs, directory, "-o", ",".join(("size=8m", *options)))

    def served_by(self):
        """Returns the paths of the binaries of its processes."""
        status = json.loads(run(self.installed.shmapctl, "status", "--json", self.directory))
        return {os.readlink(f"/proc/{status[key]}/exe") for key in ("pid", "keeper") if status[key]}


class Installed:
    """A prefix that has what was built, and mounts below a directory that it serves."""

    def __init__(self, build, top):
        script = os.path.join(build, "packaging", "shmapfs-upgrade")
        with open(script, encoding="utf-8") as file:
            bindir = re.search(r"^binary=(.*)/shmapfs$", file.read(), re.M).group(1)
        self.prefix = os.path.dirname(bindir)
        if self.prefix in ("/usr", "/"):
            print("the build directory is one for the system's own prefix, which this cannot cover")
            sys.exit(SKIPPED)
        run("meson", "install", "-C", build, "--no-rebuild", "--skip-subprojects", "--quiet",
            "--destdir", os.path.join(top, "installed"))
        run("mount", "--bind", os.path.join(top, "installed") + self.prefix, self.prefix)
        self.shmapfs = os.path.join(bindir, "shmapfs")
        self.shmapctl = os.path.join(bindir, "shmapctl")
        self.script = os.path.join(self.prefix, "libexec", "shmapfs-upgrade")

    def upgrade(self):
        """Returns the exit status, and the lines."""
        ran = subprocess.run([self.script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
        return ran.returncode, ran.stdout.splitlines()


def a_mount_is_served_by_what_is_installed_now(installed, top):
    mount = Mount(installed, os.path.join(top, "with blank\\"))
    with open(os.path.join(mount.directory, "file"), "w+b") as file:
        file.truncate(4096)
        with mmap.mmap(file.fileno(), 4096) as mapping:
            replace(installed.shmapfs)
            assert mount.served_by() == {installed.shmapfs + " (deleted)"}, mount.served_by()
            status, lines = installed.upgrade()
            assert status == 0 and len(lines) == 1, lines
            assert lines[0].startswith(f"{mount.directory}: upgraded from "), lines
            mapping[:5] = b"still"
            assert os.pread(file.fileno(), 5, 0) == b"still"
    assert mount.served_by() == {installed.shmapfs}, mount.served_by()
    assert installed.upgrade() == (0, [])
    run("umount", mount.directory)


def another_binary_goes_on(installed, top):
    another = os.path.join(top, "another")
    shutil.copy2(installed.shmapfs, another)
    directory = os.path.join(top, "others")
    os.mkdir(directory)
    run(another, directory, "-o", "size=8m")
    replace(installed.shmapfs)
    assert installed.upgrade() == (0, [])
    run("umount", directory)


def a_mount_that_cannot_is_named(installed, top):
    mount = Mount(installed, os.path.join(top, "alone"), "nokeeper")
    replace(installed.shmapfs)
    status, lines = installed.upgrade()
    assert status == 1 and len(lines) == 1 and "cannot be upgraded" in lines[0], lines
    assert mount.served_by() == {installed.shmapfs + " (deleted)"}
    run("umount", mount.directory)


def those_of_users_are_counted(installed, top):
    directory = os.path.join(top, "user's")
    os.mkdir(directory)
    os.chown(directory, 65534, 65534)
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    run(*user, installed.shmapfs, directory, "-o", "size=8m")
    replace(installed.shmapfs)
    status, lines = installed.upgrade()
    assert status == 0 and len(lines) == 1 and lines[0].startswith("1 of users"), lines
    run(*user, installed.shmapctl, "upgrade", directory, installed.shmapfs)
    run(*user, "fusermount3", "-u", directory)


def let_users_mount(top):
    """Lets every user open /dev/fuse, where the machine lets only root."""
    node = os.path.join(top, "fuse")
    os.mknod(node, stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
    os.chmod(node, 0o666)
    run("mount", "--bind", node, "/dev/fuse")


CASES = [a_mount_is_served_by_what_is_installed_now, another_binary_goes_on, a_mount_that_cannot_is_named,
         those_of_users_are_counted]


def run_cases(build, top):
    os.chmod(top, 0o755)
    let_users_mount(top)
    installed = Installed(build, top)
    failures = 0
    print(f"1..{len(CASES)}", flush=True)
    for number, case in enumerate(CASES, 1):
        try:
            case(installed, top)
            print(f"ok {number} - {case.__name__}", flush=True)
        except (AssertionError, OSError) as failure:
            failures += 1
            print(f"not ok {number} - {case.__name__}\n# {failure}", flush=True)
    return failures


def main():
    if len(sys.argv) == 2:
        with tempfile.TemporaryDirectory(prefix="shmapfs-living-", dir="/var/tmp") as top:
            return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                                   sys.executable, "-B", __file__, sys.argv[1], top],
                                  check=False).returncode
    return 1 if run_cases(sys.argv[1], sys.argv[2]) else 0


if __name__ == "__main__":
    sys.exit(main())
