# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: R's bigmemory, whose matrices are mapped files."""
import struct

from failure import expect
from row import Row, source

ROWS_OF_MATRIX, COLUMNS, MORE = 1000, 3, 20
# A number whose bytes are a word, so that the C participant can say it.
TEXT = "@ABCDEF@"
NUMBER = struct.unpack("<d", TEXT.encode())[0]


def offset(row, column):
    """The offset of a number in the file."""
    return 8 * ((column - 1) * ROWS_OF_MATRIX + row - 1)


class BigMatrix(Row):
    """Two R processes and one of C. A matrix does not grow: one attaches the files that became
    larger, while the others have them mapped as they were."""

    slug, name, tier = "r-bigmemory", "R, bigmemory", 2
    needs = {"r-cran-bigmemory": "/usr/lib/R/site-library/bigmemory/DESCRIPTION", "gcc": "gcc"}
    proves = "filebacked.big.matrix, attach.big.matrix, more columns, flush"

    WORDS = ["/usr/bin/Rscript", "--vanilla", source("languages/bigmemory.R")]

    def prepare(self, shop):
        shop.build_partner()

    def exchange(self, place):
        one, other, partner = processes = [place.talk(*words) for words in
                                           (self.WORDS, self.WORDS, [f"{place.shop}/partner"])]
        try:
            one.ask("make", "matrix", ROWS_OF_MATRIX, COLUMNS)
            other.ask("attach", "matrix")
            other.expect_mapped(place.path("matrix.bin"))
            partner.ask("open", place.path("matrix.bin"))
            self._share(one, other, partner)
            self._widen(one, other, partner)
            for process in processes:
                process.end()
        finally:
            for process in processes:
                process.stop()

    def _share(self, one, other, partner):
        one.ask("set", 5, 1, repr(NUMBER))
        expect("a number", other.ask("get", 5, 1), f"{NUMBER:.15g}")
        expect("its bytes", partner.ask("load", offset(5, 1), 8), TEXT)
        other.ask("set", 1000, 3, 42)
        expect("the answer", one.ask("sum", 3), "42")
        partner.ask("store", offset(513, 2), TEXT)
        partner.ask("write", offset(514, 2), TEXT)
        for process in one, other:
            expect("a number", process.ask("get", 513, 2), f"{NUMBER:.15g}")
            expect("a written number", process.ask("get", 514, 2), f"{NUMBER:.15g}")

    def _widen(self, one, other, partner):
        other.ask("widen", MORE)
        other.ask("set", 1000, COLUMNS + MORE, 7)
        other.ask("set", 6, 1, 8)
        expect("a number, in the old mapping", one.ask("get", 6, 1), "8")
        one.ask("attach", "matrix")
        expect("the columns", one.ask("columns"), str(COLUMNS + MORE))
        expect("a new number", one.ask("get", 1000, COLUMNS + MORE), "7")
        expect("the size", partner.ask("remap"), str(8 * ROWS_OF_MATRIX * (COLUMNS + MORE)))
        partner.ask("store", offset(999, COLUMNS + MORE), TEXT)
        expect("a new number", one.ask("get", 999, COLUMNS + MORE), f"{NUMBER:.15g}")
        one.ask("flush")

    def again(self, place):
        process = place.talk(*self.WORDS)
        try:
            process.ask("attach", "matrix")
            for row, column, number in ((5, 1, NUMBER), (6, 1, 8), (1000, 3, 42), (513, 2, NUMBER),
                                        (514, 2, NUMBER), (1000, COLUMNS + MORE, 7)):
                expect("a number", process.ask("get", row, column), f"{number:.15g}")
            process.end()
        finally:
            process.stop()


ROWS = [BigMatrix()]
