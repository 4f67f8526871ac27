# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: git, which maps its index and its packs."""
import glob
import os

from failure import Failure, expect
from row import Row

COMMITS = 120
CONFIG = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.autoDetach=false",
          "-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false")


def _stream():
    """A history for git fast-import: each commit changes one file of twelve."""
    for number in range(COMMITS):
        text = "".join(f"{number} {line}\n" for line in range(number % 50 + 20))
        yield (f"commit refs/heads/main\ncommitter A <a@example.org> {1600000000 + number} +0000\n"
               f"data <<END\ncommit {number}\nEND\n"
               f"M 100644 inline part{number % 3}/file{number % 12}\n"
               f"data {len(text)}\n{text}\n")


class Git(Row):
    """One git reads objects for long, while others replace the packs under it."""

    slug, name = "git", "git"
    needs = {"git": "git"}
    proves = "import, commit, gc under a reader, clones with hard links, fsck, clean status"

    def _git(self, place, *words, at="repository", **options):
        return place.run("git", *CONFIG, "-C", place.path(at), *words, **options).strip()

    def exchange(self, place):
        place.run("git", *CONFIG, "init", "-q", "repository")
        self._git(place, "fast-import", "--quiet", stdin="".join(_stream()))
        self._git(place, "reset", "-q", "--hard")
        self._read_while_packed(place)
        self._clone(place)
        self._expect_clean(place)

    def _read_while_packed(self, place):
        self._git(place, "gc", "-q")
        reader = place.talk("git", "-C", place.path("repository"), "cat-file",
                            "--batch-check=ok %(objecttype) %(objectsize)")
        try:
            expect("an object", reader.ask("HEAD~50:part0/file0").split()[0], "blob")
            [old] = glob.glob(place.path("repository/.git/objects/pack/*.idx"))
            reader.expect_mapped(old)
            place.run("sh", "-c", "printf answer > part0/new", directory=place.path("repository"))
            self._git(place, "add", "-A")
            self._git(place, "commit", "-q", "-m", "answer")
            self._git(place, "gc", "-q", "--prune=now", "--aggressive")
            if os.path.exists(old):
                raise Failure("git gc has not replaced the pack")
            expect("an old object", reader.ask(f"HEAD~{COMMITS}^{{tree}}").split()[0], "tree")
            expect("a new object", reader.ask("HEAD:part0/new"), "blob 6")
            reader.end()
        finally:
            reader.stop()

    def _clone(self, place):
        for kind in "local", "shared":
            place.run("git", *CONFIG, "clone", "-q", f"--{kind}", "repository", kind)
            expect(kind, self._git(place, "rev-parse", "HEAD", at=kind),
                   self._git(place, "rev-parse", "HEAD"))
        [pack] = glob.glob(place.path("repository/.git/objects/pack/*.pack"))
        twin = place.path("local/.git/objects/pack/" + os.path.basename(pack))
        if not os.path.samefile(pack, twin) or os.stat(twin).st_nlink != 2:
            raise Failure("the local clone has no hard link of the pack")
        self._git(place, "commit", "-q", "--allow-empty", "-m", "back", at="shared")
        self._git(place, "pull", "-q", "--ff-only", place.path("shared"))

    def _expect_clean(self, place):
        for at in "repository", "local", "shared":
            # Not «status»: that would look into a file whose attributes are not the index's.
            expect(f"differences in {at}", self._git(place, "diff-files", "--name-only", at=at), "")
            expect(f"status of {at}", self._git(place, "status", "--porcelain", at=at), "")
            said = self._git(place, "fsck", "--full", "--strict", "--no-dangling", at=at,
                             LC_ALL="C")
            expect(f"fsck of {at}", [line for line in said.splitlines()
                                     if not line.startswith("Checking")], [])

    def again(self, place):
        self._expect_clean(place)
        expect("commits", self._git(place, "rev-list", "--count", "HEAD"), str(COMMITS + 2))
        self._git(place, "gc", "-q", "--prune=now")
        expect("the new file", self._git(place, "show", "HEAD:part0/new"), "answer")


ROWS = [Git()]
