# SPDX-License-Identifier: BSD-2-Clause
"""The disk of a guest: files of installed packages, of the build, and of the sources that programs name."""
import glob
import os
import re
import shlex
import shutil
import subprocess
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.normpath(os.path.join(HERE, "../.."))
BUILD = os.path.join(SOURCE, "build")
ASK = os.path.join(SOURCE, "tests/differences/ask")
PACKAGES = """acl attr bash coreutils dash diffutils e2fsprogs findutils fuse3 grep mount procps psmisc
              sed tar util-linux""".split()
# It makes further cases possible, where it is installed.
PACKAGES_MORE = ["git"]
BUILT = ["fs/shmapfs", "tools/shmapctl", "tools/shmapfs-broker", "tests/variants/shmapfs-*",
         "tests/mount/test_*", "tests/mount/any_attribute", "tests/differences/probe"]
COPIED = ["/lib64/ld-linux-x86-64.so.2", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/fuse.conf"]
DIRECTORIES = "proc sys dev tmp run etc root mnt var/tmp usr/bin usr/sbin usr/lib usr/lib64".split()
# Where the guest has them.
GUEST_BUILD, GUEST_SOURCE = "/build", "/source"


class Extra(NamedTuple):
    """More that a guest has: modules of its kernel, and files of installed packages and of /etc."""
    modules: tuple = ()
    packages: tuple = ()
    files: tuple = ()


NOTHING = Extra()


def guest_path(word):
    """Where the guest has a file of the build or of the sources. None: the word names no such file."""
    for here, there in (BUILD, GUEST_BUILD), (SOURCE, GUEST_SOURCE):
        if word.startswith(here + "/"):
            return there + word.removeprefix(here)
    return None


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def libraries_of(paths):
    """The shared libraries that programs need. ldd(1) takes some processes for each program."""
    places = dict(re.findall(r"^\s*(\S+) \(.*x86-64.*\) => (\S+)$", output("/sbin/ldconfig", "-p"), re.M))
    # The C library loads it for pthread_exit(3), and does not name it.
    found, left = {places["libgcc_s.so.1"]}, set(paths)
    while left:
        needed = re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", output("readelf", "-d", *left))
        left = {places[name] for name in needed if name in places} - found
        found |= left
    return found


def files_of(packages):
    listed = subprocess.run(["dpkg", "-L", *packages], check=True, stdout=subprocess.PIPE, text=True)
    return [path for path in listed.stdout.split("\n") if os.path.isfile(path)]


def tools(more):
    packages = [*PACKAGES, *more, *filter(shutil.which, PACKAGES_MORE)]
    return [path for path in files_of(packages) if re.match(r"/(usr/)?s?bin/|/usr/lib/python", path)]


def python(root):
    """The files of an interpreter that runs what takes no more than the smallest library."""
    name = os.path.basename(os.path.realpath("/usr/bin/python3"))
    library = [path for path in files_of([f"lib{name}-minimal"]) if path.endswith(".py")]
    # It complains where it has none, and needs nothing from there.
    os.makedirs(f"{root}/usr/lib/{name}/lib-dynload", exist_ok=True)
    return ["/usr/bin/python3", *library]


def put(root, source, target):
    """Copies a file, and what it is a link to. /bin and the like are links in the root, too."""
    target = os.path.join(os.path.realpath(os.path.dirname(target)), os.path.basename(target))
    os.makedirs(root + os.path.dirname(target), exist_ok=True)
    if not os.path.lexists(root + target):
        shutil.copy2(source, root + target, follow_symlinks=False)
    if os.path.islink(source):
        put(root, os.path.realpath(source), os.path.realpath(source))


def put_named(root, path):
    """Copies what a command names."""
    target = root + guest_path(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(path):
        shutil.copytree(path, target, dirs_exist_ok=True)
    elif not os.path.exists(target):
        shutil.copy2(path, target)


def make_root(root, programs, extra):
    for directory in DIRECTORIES:
        os.makedirs(os.path.join(root, directory))
    for name in "bin", "sbin", "lib", "lib64":
        os.symlink("usr/" + name, os.path.join(root, name))
    named = {path for program in programs for path in program.files}
    found = [path for pattern in BUILT for path in glob.glob(os.path.join(BUILD, pattern))]
    built = named.union(filter(os.path.isfile, found))
    binaries = [path for path in built if os.path.isfile(path) and os.access(path, os.X_OK)]
    installed = tools(extra.packages) + (python(root) if any(path.endswith(".py") for path in named) else [])
    for path in [*installed, *sorted(libraries_of(installed + binaries)), *filter(os.path.exists, [*COPIED, *extra.files])]:
        put(root, path, path)
    for path in built:
        put_named(root, path)
    for path in HERE + "/guest", ASK:
        shutil.copy2(path, root)
    os.symlink("/proc/mounts", root + "/etc/mtab")
    with open(f"{root}/programs", "w", encoding="utf-8") as file:
        for program in programs:
            file.write(f"{program.name}\t{program.seconds}\t{shlex.join(program.command)}\n")


def make_disk(place, programs, extra=NOTHING):
    root = os.path.join(place, "root")
    make_root(root, programs, extra)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-E", "root_owner=0:0", "-d", root,
                    os.path.join(place, "disk"), "4G"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
