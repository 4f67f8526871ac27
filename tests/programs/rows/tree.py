# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: tar and rsync, which carry all that a file has."""
import errno
import os

from failure import Failure, expect
from row import Row

HOLE = 1 << 20
SMALL, LARGE = 10000, 50000
SAME = ("-aHXA", "--checksum", "--delete")
TAR = ("--sparse", "--acls", "--xattrs", "--xattrs-include=user.*", "--numeric-owner")


def has_user_attributes(path):
    """Tmpfs has them since Linux 6.6."""
    try:
        os.getxattr(path, "user.any")
    except OSError as error:
        return error.errno != errno.EOPNOTSUPP
    return True


def make_tree(top, with_attributes):
    """Something of everything: holes, links, modes, times, attributes; for root, owners too."""
    os.makedirs(f"{top}/deep/er")
    with open(f"{top}/holes", "wb") as file:
        for number in range(4):
            file.seek(number * HOLE)
            file.write(b"between holes")
        file.truncate(5 * HOLE)
    for number in range(200):
        with open(f"{top}/deep/file{number}", "w", encoding="utf-8") as file:
            file.write(f"{number}\n" * number)
    os.link(f"{top}/deep/file7", f"{top}/deep/er/link7")
    os.symlink("../deep/file7", f"{top}/deep/symbolic")
    os.symlink("nowhere", f"{top}/dangling")
    os.mkfifo(f"{top}/fifo", 0o640)
    if with_attributes:
        os.setxattr(f"{top}/deep/file9", "user.colour", b"green")
        os.setxattr(f"{top}/deep", "user.kind", b"directory")
    os.chmod(f"{top}/deep/file1", 0o4751)
    os.chmod(f"{top}/deep/er", 0o1770)
    os.chmod(f"{top}/deep/file2", 0o400)
    if os.geteuid() == 0:
        os.chown(f"{top}/deep/file3", 1234, 5678)
        os.lchown(f"{top}/deep/symbolic", 1234, 5678)
    for number, path in enumerate(("deep/file1", "deep/er", "deep", "")):
        os.utime(f"{top}/{path}", ns=(10 ** 18 + number, 10 ** 18 + 123456789 * number))


class Tree(Row):
    """A tree that goes through the mount and out again is what it was; and rsync writes into a file
    that another process has mapped."""

    slug, name = "tar-rsync", "tar, rsync"
    needs = {"rsync": "rsync", "tar": "tar", "acl": "setfacl", "gcc": "gcc"}
    proves = "holes, hard links, owners, modes, times, attributes, ACLs; rsync --inplace"

    def prepare(self, shop):
        shop.build_partner()

    def exchange(self, place):
        origin = place.aside("tree")
        make_tree(origin, has_user_attributes(place.dir))
        self._give_acls(place, origin)
        self._pack(place, origin, place.path("archive"), place.path("extracted"))
        self._pack(place, place.path("extracted"), place.aside("archive"), place.aside("back"))
        place.run("rsync", *SAME, "--sparse", f"{origin}/", place.path("copied"))
        self._expect_same(place)
        self._expect_same_tree(place, place.aside("back"))
        self._write_in_place(place)

    def _give_acls(self, place, tree):
        user, group = 1, 2
        if place.setting.is_users and place.area == "anon":
            # The RAM area of a user's mount knows that user alone (docs/architecture.md).
            user, group = os.geteuid(), os.getegid()
        place.run("setfacl", "-m", f"u:{user}:r,g:{group}:rw", f"{tree}/deep/file4")
        place.run("setfacl", "-d", "-m", f"u:{user}:rwx", f"{tree}/deep/er")

    def _pack(self, place, tree, archive, target):
        os.mkdir(target)
        place.run("tar", *TAR, "-C", tree, "-cf", archive, ".")
        place.run("tar", *TAR, "-C", target, "--preserve-permissions", "-xf", archive)

    def _expect_same(self, place):
        for name in "extracted", "copied":
            self._expect_same_tree(place, place.path(name))
            holes = os.stat(place.path(f"{name}/holes"))
            if holes.st_blocks * 512 > HOLE:
                raise Failure(f"{name}/holes has {holes.st_blocks * 512} bytes allocated")
            if not os.path.samefile(place.path(f"{name}/deep/file7"),
                                    place.path(f"{name}/deep/er/link7")):
                raise Failure(f"{name}/deep/er/link7 is no link")
        expect("the time", os.stat(place.path("copied/deep")).st_mtime_ns,
               os.stat(place.aside("tree/deep")).st_mtime_ns)

    def _expect_same_tree(self, place, tree):
        said = place.run("rsync", *SAME, "--dry-run", "--itemize-changes",
                         f"{place.aside('tree')}/", tree)
        expect(f"differences of {os.path.basename(tree)}", said, "")

    def _write_in_place(self, place):
        path, update = place.path("mapped"), place.aside("update")
        one = place.talk(f"{place.shop}/partner")
        try:
            one.ask("make", path, SMALL)
            one.ask("store", 4000, "ours")
            before = os.stat(path).st_ino
            with open(update, "wb") as file:
                file.write(b"u" * LARGE)
            place.run("rsync", "--inplace", "--no-whole-file", "--ignore-times", update, path)
            expect("the inode", os.stat(path).st_ino, before)
            expect("rsync's bytes, mapped", one.ask("load", 4000, 4), "uuuu")
            expect("the size", one.ask("remap"), str(LARGE))
            one.ask("store", LARGE - 4, "last")
            place.run("rsync", "--ignore-times", path, update)
            one.end()
        finally:
            one.stop()
        with open(update, "rb") as file:
            expect("our bytes, by rsync", file.read()[-5:], b"ulast")

    def again(self, place):
        self._expect_same(place)
        place.expect_bytes("mapped", {4000: "uuuu", LARGE - 4: "last"}, LARGE)


ROWS = [Tree()]
