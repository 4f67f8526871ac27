# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: Boost.Interprocess, whose containers, mutexes and conditions lie in what is mapped."""
import os

from failure import expect
from row import Row, source

HEADERS = "/usr/include/boost/interprocess"
TURNS = 1000
SMALL, MORE = 1 << 16, 1 << 20
FEW, MANY = 100, 100000


def build(shop, name):
    """A program of languages/."""
    shop.build(name, [f"languages/{name}.cpp", "languages/meeting.hpp"], "g++", "-O1", "-o", name,
               source(f"languages/{name}.cpp"), "-pthread")


class ManagedFile(Row):
    """Two processes in one segment. Boost lets a segment grow and shrink only while nobody has it
    open; the C participant may, and sees it."""

    slug, name, tier = "boost-managed-file", "Boost.Interprocess, managed_mapped_file", 2
    needs = {"libboost-dev": f"{HEADERS}/managed_mapped_file.hpp", "g++": "g++"}
    proves = "named objects, interprocess_mutex and _condition, grow, shrink_to_fit"

    def prepare(self, shop):
        build(shop, "managed_mapped_file")
        shop.build_partner()

    def exchange(self, place):
        words = [f"{place.shop}/managed_mapped_file"]
        one, other, partner = (place.talk(*each) for each in
                               (words, words, [f"{place.shop}/partner"]))
        try:
            self._share(place, one, other)
            partner.ask("open", place.path("segment"))
            self._grow(place, one, other)
            expect("the file", partner.ask("remap"), str(SMALL + MORE))
            for process in one, other, partner:
                process.ask("close")
            self._shrink(place, one, other)
            for process in one, other, partner:
                process.end()
        finally:
            for process in one, other, partner:
                process.stop()

    def _share(self, place, one, other):
        one.ask("make", place.path("segment"), SMALL)
        other.ask("open", place.path("segment"))
        other.expect_mapped(place.path("segment"))
        one.ask("put", "greeting", "alpha")
        expect("the greeting", other.ask("get", "greeting"), "alpha")
        other.ask("put", "greeting", "x" * 100)  # of the allocator, no more within the object
        other.ask("put", "reply", "beta")
        expect("the greeting", one.ask("get", "greeting"), "x" * 100)
        expect("the reply", one.ask("get", "reply"), "beta")
        one.ask("fill", FEW)
        expect("the sum", other.ask("sum"), str(sum(range(FEW))))
        self._take_turns(one, other, 2 * TURNS)

    def _take_turns(self, one, other, total):
        """Turns since the file was made; the first of two ends one before the second."""
        one.tell("turns", 0, TURNS)
        other.tell("turns", 1, TURNS)
        expect("the first's turns", one.answer(), str(total - 1))
        expect("the second's turns", other.answer(), str(total))

    def _grow(self, place, one, other):
        one.ask_in_vain("fill", MANY, reason="max size reached")
        one.ask("close")
        other.ask("close")
        other.ask("grow", place.path("segment"), MORE)
        one.ask("open", place.path("segment"))
        other.ask("open", place.path("segment"))
        expect("the size", one.ask("size"), str(SMALL + MORE))
        one.ask("fill", MANY)
        expect("the sum", other.ask("sum"), str(sum(range(MANY))))
        expect("the reply", other.ask("get", "reply"), "beta")

    def _shrink(self, place, one, other):
        one.ask("shrink", place.path("segment"))
        size = os.path.getsize(place.path("segment"))
        expect("that it shrank", 8 * MANY < size < SMALL + MORE, True)
        other.ask("open", place.path("segment"))
        expect("the size", other.ask("size"), str(size))
        expect("the sum", other.ask("sum"), str(sum(range(MANY))))
        other.ask("close")

    def again(self, place):
        one, other = (place.talk(f"{place.shop}/managed_mapped_file") for _ in range(2))
        try:
            for process in one, other:
                process.ask("open", place.path("segment"))
                expect("the greeting", process.ask("get", "greeting"), "x" * 100)
                expect("the sum", process.ask("sum"), str(sum(range(MANY))))
            one.ask("put", "greeting", "gamma")  # finds the string, and does not construct it
            expect("the greeting", other.ask("get", "greeting"), "gamma")
            self._take_turns(one, other, 4 * TURNS)
            one.end()
            other.end()
        finally:
            one.stop()
            other.stop()


class SharedMemory(Row):
    """Two processes that know but names, under `shmapctl run`; kept in a store or not."""

    private = True
    slug, name, tier = "boost-shared-memory", "Boost.Interprocess, managed_shared_memory", 2
    needs = {"libboost-dev": f"{HEADERS}/managed_shared_memory.hpp", "g++": "g++"}
    proves = "shm_open, named_mutex, named_condition, grow; found again in the next run"

    SCRIPT = """\
stat --file-system --format=%T /dev/shm
"$0" turns 0 {turns} > "$HOME/first" &
"$0" turns 1 {turns} && wait $! && cat "$HOME/first" && "$0" grow {more}
"""

    def prepare(self, shop):
        build(shop, "managed_shared_memory")

    def exchange(self, place):
        self._meet(place, 1)
        self._meet(place, 2 if place.area == "persist" else 1)

    def again(self, place):
        self._meet(place, 3)

    def _meet(self, place, time):
        """The two meet for that many-th time, of what is in the store."""
        store = "store" if place.area == "persist" else None
        script = self.SCRIPT.format(turns=TURNS, more=MORE)
        said = place.run(*place.shm("sh", "-c", script, f"{place.shop}/managed_shared_memory",
                                    store=store))
        total = 2 * TURNS * time
        kind, *said = said.splitlines()
        expect("that it was a mount", kind.startswith("fuse"), not place.setting.is_native)
        expect("what both say", said,
               [f"turns {total}", f"turns {total - 1}", f"size {SMALL + MORE * time}"])


ROWS = [ManagedFile(), SharedMemory()]
