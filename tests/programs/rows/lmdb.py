# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: LMDB, whose database is a mapping and whose locks are in another."""
import re

from failure import expect
from row import Row, source

FEW, MANY = 100, 3000


class Lmdb(Row):
    """Two processes, of which one outgrows the mapping of both, and later dies while it writes."""

    slug, name = "lmdb", "LMDB"
    needs = {"liblmdb-dev": "/usr/include/lmdb.h", "lmdb-utils": "mdb_stat", "gcc": "gcc"}
    proves = "plain and WRITEMAP, resize under a reader, snapshot, robust lock, mdb_copy"

    def prepare(self, shop):
        shop.build("lmdb", ["languages/lmdb.c"], "gcc", "-O2", "-o", "lmdb",
                   source("languages/lmdb.c"), "-llmdb")

    def exchange(self, place):
        for flag in "plain", "writemap":
            one, other = (place.talk(f"{place.shop}/lmdb") for _ in range(2))
            try:
                self._meet(place, one, other, flag)
                other.end()
            finally:
                one.stop()
                other.stop()
            self._expect_entries(place, flag, 2 * MANY)

    def _meet(self, place, one, other, flag):
        for process in one, other:
            process.ask("open", place.path(flag), flag)
            process.expect_mapped(place.path(flag))
            process.expect_mapped(place.path(f"{flag}-lock"))
        one.ask("fill", 0, FEW)
        expect("a value", other.ask("look", FEW - 1), f"value-{FEW - 1}")
        other.ask("watch")
        one.ask_in_vain("fill", FEW, MANY, reason="MDB_MAP_FULL")
        one.ask("resize", 64 << 20)
        one.ask("fill", FEW, MANY - FEW)
        expect("a value, in the old mapping", other.ask("look", 7), "value-7")
        other.ask_in_vain("look", FEW, reason="MDB_NOTFOUND")
        other.ask("leave")
        other.ask_in_vain("look", FEW, reason="MDB_MAP_RESIZED")
        other.ask("resize", 0)  # to what the other process has made it
        expect("a value", other.ask("look", MANY - 1), f"value-{MANY - 1}")
        other.ask("fill", MANY, MANY)
        expect("the answer", one.ask("look", 2 * MANY - 1), f"value-{2 * MANY - 1}")
        one.ask("hold")
        one.stop()
        other.ask("fill", 0, FEW)  # takes the lock from the dead

    def _expect_entries(self, place, name, count):
        """Both the database and a copy of it are whole, as other programs see them."""
        dump = place.run("mdb_dump", "-n", name)
        place.run("mdb_copy", "-n", "-c", name, f"{name}-copy")
        expect("the copy's dump", self._data(place.run("mdb_dump", "-n", f"{name}-copy")),
               self._data(dump))
        expect("entries", re.search(r"Entries: (\d+)", place.run("mdb_stat", "-n", name))[1],
               str(count))
        place.run("rm", f"{name}-copy")

    def _data(self, dump):
        return dump.split("HEADER=END")[1]

    def again(self, place):
        for flag in "plain", "writemap":
            process = place.talk(f"{place.shop}/lmdb")
            try:
                process.ask("open", place.path(flag), flag)
                for number in 0, FEW, MANY, 2 * MANY - 1:
                    expect("a value", process.ask("look", number), f"value-{number}")
                process.ask("fill", 0, 1)
                process.end()
            finally:
                process.stop()
            self._expect_entries(place, flag, 2 * MANY)


ROWS = [Lmdb()]
