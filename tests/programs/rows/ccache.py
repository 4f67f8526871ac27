# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: ccache, whose directories are there again without its files."""
import os

from cache import CacheRow
from failure import expect
from row import source

ROOT = source("../..")
SOURCES = ("lib/sys/escape.c", "lib/sys/complaint.c", "lib/sys/streams.c")


class Ccache(CacheRow):
    """Some of this project's sources are compiled, and compiled again."""

    slug, name = "ccache", "ccache, in a skeleton"
    needs = {"ccache": "ccache", "gcc": "gcc"}
    proves = "misses, then hits; after umount and mount, and after the death of all daemons, again"

    def _ccache(self, place, mount, *words):
        return place.run("ccache", *words, CCACHE_DIR=mount.cache, CCACHE_CONFIGPATH="/dev/null")

    def _expect_counted(self, place, mount, wanted):
        """Compiles all of them, and holds the cache to have counted them there."""
        self._ccache(place, mount, "--zero-stats")
        for each in SOURCES:
            output = place.aside(os.path.basename(each) + ".o")
            self._ccache(place, mount, "gcc", "-std=gnu17", "-D_GNU_SOURCE", "-I", ROOT, "-c",
                         os.path.join(ROOT, each), "-o", output)
        counts = dict(line.split("\t") for line in
                      self._ccache(place, mount, "--print-stats").splitlines())
        expect(wanted, counts[wanted], str(len(SOURCES)))

    def fill(self, place, mount):
        self._expect_counted(place, mount, "cache_miss")
        self._expect_counted(place, mount, "direct_cache_hit")


ROWS = [Ccache()]
