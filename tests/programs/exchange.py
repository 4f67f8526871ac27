# SPDX-License-Identifier: BSD-2-Clause
"""The exchange: two processes that share nothing but the path of a file.

Each is a participant: a program in languages/ that maps files as its language does, and does what
it is told, one line at a time:

    make PATH SIZE        makes the file, gives it SIZE bytes and maps it all, shared, for writing
    open PATH             opens a file that is there and maps it all
    store OFFSET TEXT     through the mapping
    load OFFSET LENGTH    through the mapping; answers with the text
    write OFFSET TEXT     by the language's file I/O
    read OFFSET LENGTH    by the language's file I/O; answers with the text
    grow SIZE             makes the file larger and maps it all
    remap                 maps all that the file has become; answers with its size
    sync                  has the mapping written (msync, or what the language calls it)
    close                 ends the mapping and closes the file

Each answer is one line: «ok», «ok VALUE», or in other words what went wrong. At the end of its
input a participant ends with status 0.
"""
from failure import expect

# Neither is a whole number of pages.
SMALL, LARGE = 10000, 50000


def first_half(one, other, path):
    """One makes the file and both see what the other stores and writes."""
    one.ask("make", path, SMALL)
    one.expect_mapped(path)
    one.ask("store", 0, "alpha")
    one.ask("store", 8190, "beta")  # across the border of two pages
    other.ask("open", path)
    other.expect_mapped(path)
    expect("alpha", other.ask("load", 0, 5), "alpha")
    expect("beta", other.ask("load", 8190, 4), "beta")
    other.ask("store", 4096, "gamma")
    expect("gamma", one.ask("load", 4096, 5), "gamma")
    expect("gamma, read", one.ask("read", 4096, 5), "gamma")
    other.ask("write", 5000, "delta")
    expect("delta", one.ask("load", 5000, 5), "delta")


def second_half(one, other):
    """One lets the file grow while the other has it mapped, and both see it."""
    one.ask("grow", LARGE)
    one.ask("store", LARGE - 7, "epsilon")
    expect("alpha, in the old mapping", other.ask("load", 0, 5), "alpha")
    other.ask("store", 9000, "eta")
    expect("eta", one.ask("load", 9000, 3), "eta")
    expect("the size", other.ask("remap"), str(LARGE))
    expect("epsilon", other.ask("load", LARGE - 7, 7), "epsilon")
    other.ask("store", 30000, "zeta")
    expect("zeta", one.ask("load", 30000, 4), "zeta")
    one.ask("sync")
    other.ask("close")
    one.ask("close")


CONTENTS = {0: "alpha", 8190: "beta", 4096: "gamma", 5000: "delta", 9000: "eta", 30000: "zeta",
            LARGE - 7: "epsilon"}


def exchange(place, name, one, other, header=0, trailer=0):
    """The whole exchange between two new processes, and what the file then holds, between so many
    bytes of the language's own."""
    try:
        first_half(one, other, place.path(name))
        second_half(one, other)
        one.end()
        other.end()
    finally:
        one.stop()
        other.stop()
    place.expect_bytes(name, {header + offset: text for offset, text in CONTENTS.items()},
                       header + LARGE + trailer)


def look_again(place, name, words):
    """A participant maps what a mount of another day left in the store."""
    process = place.talk(*words)
    try:
        process.ask("open", place.path(name))
        process.expect_mapped(place.path(name))
        for offset, text in CONTENTS.items():
            expect(text, process.ask("load", offset, len(text)), text)
        process.ask("close")
        process.end()
    finally:
        process.stop()
