# SPDX-License-Identifier: BSD-2-Clause
"""A row of the table."""
import fcntl
import glob
import os
import platform
import shutil
import subprocess

from failure import Failure, Gone, Missing
from process import PATH

HERE = os.path.dirname(os.path.abspath(__file__))


class Row:
    """A program or library of somebody else's, and the proof that it works on a mount.

    name      as the table shows it
    slug      as paths and logs name it: no spaces
    tier      1: part of ./check; 2: of ./check --all; 3: by hand
    needs     {Debian package: what shows that it is there (a tool in PATH, or a pattern of paths)};
              the first is the one whose version the table shows
    until     the last release of Debian that has all of these; None: all later ones do, too
    proves    what the exchange proves, in a few words, for the table
    alone     whether it wants the machine for itself
    areas     where it is run: «anon», «persist», or both
    private   whether its data are in the /dev/shm of `shmapctl run`, and not on the mount
    """

    name = slug = proves = None
    tier = 1
    needs = {}
    until = None
    areas = ("anon", "persist")
    alone = private = False

    def prepare(self, shop):
        """Builds what has to be built, into a directory that later runs find again."""

    def exchange(self, place):
        """The proof, in place.dir. Raises Failure."""
        raise NotImplementedError

    def again(self, place):
        """After a remount, on persist: that what exchange() left is there and still of use."""
        raise NotImplementedError

    def check_needs(self):
        """Raises Missing with the packages to install, or Gone if they cannot be."""
        missing = [package for package, sign in self.needs.items() if not find(sign)]
        if missing and self.until and debian_release() > self.until:
            raise Gone(f"{self.name} needs {', '.join(missing)}, "
                       f"which Debian has no more after release {self.until}")
        if missing:
            raise Missing(f"{self.name} needs {', '.join(missing)}")

    def version(self):
        """Package and version of what was tried."""
        sign = next(iter(self.needs.values()))
        return package_of(os.path.realpath(find(sign)))


def debian_release():
    """Its number: beyond all numbers before it has one, and 0 on other distributions."""
    found = platform.freedesktop_os_release()
    return float(found.get("VERSION_ID", "inf")) if found["ID"] == "debian" else 0


def find(sign):
    """The path of a tool, or of the first file of a pattern; None if there is none."""
    if "/" not in sign:
        return shutil.which(sign, path=PATH)
    return next(iter(sorted(glob.glob(sign))), None)


def package_of(path):
    """(name, version) of the Debian package that a file is from."""
    if not shutil.which("dpkg-query"):
        return os.path.basename(path), ""
    query = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True)
    if query.returncode != 0:
        return os.path.basename(path), ""
    name = query.stdout.split(":")[0].split(",")[0]
    query = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], check=True,
                           capture_output=True, text=True)
    return name, query.stdout


class Shop:
    """Where a row's programs are built: once, for all settings that run at the same time."""

    def __init__(self, top, slug):
        self.path = os.path.join(top, slug)

    def __enter__(self):
        os.makedirs(self.path, exist_ok=True)
        os.chmod(self.path, 0o755)
        self._lock = open(os.path.join(self.path, ".lock"), "w", encoding="utf-8")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self._lock.close()

    def file(self, name):
        """A file in the shop."""
        return os.path.join(self.path, name)

    def build(self, output, sources, *words):
        """Runs a command that makes `output`, unless that is newer than its sources."""
        target = self.file(output)
        sources = [os.path.join(HERE, source) for source in sources]
        if os.path.exists(target) and all(
                os.path.getmtime(source) <= os.path.getmtime(target) for source in sources):
            return target
        made = subprocess.run([str(word) for word in words], cwd=self.path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)
        if made.returncode != 0:
            raise Failure(f"{words[0]}: {' | '.join(made.stdout.strip().splitlines()[:6])}")
        os.utime(target)
        return target

    def build_partner(self):
        """The C participant, for rows that meet it."""
        return self.build("partner", ["languages/mapping.c"], "gcc", "-O2", "-D_GNU_SOURCE", "-o",
                          "partner", source("languages/mapping.c"))


def source(name):
    """The path of a file below tests/programs."""
    return os.path.join(HERE, name)
