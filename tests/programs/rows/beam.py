# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: A+, the nearest relative of J that is packaged, maps files as J's jmf does: behind a
header that says what they hold."""
import os

from exchange import exchange, look_again
from row import Row, source

HEADER, TRAILER = 112, 1  # the bytes around what is in the vector
INTERPRETER = ["/usr/bin/a+", "-q", source("languages/beam.+")]


class BehindHeader:
    """The C participant, told to look for the vector where A+ has it."""

    def __init__(self, conversation):
        self._conversation = conversation
        self.end, self.stop = conversation.end, conversation.stop
        self.expect_mapped = conversation.expect_mapped

    def ask(self, order, *words):
        if order in ("load", "store", "read", "write"):
            return self._conversation.ask(order, HEADER + words[0], words[1])
        answer = self._conversation.ask(order, *words)
        return str(int(answer) - HEADER - TRAILER) if order == "remap" else answer


class Beam(Row):
    """A+ makes a file, once for another A+ and once for C."""

    slug = "aplus-beam"
    name = "A+, beam"
    needs = {"aplus-fsf": "/usr/bin/a+"}
    until = 12
    proves = "beam, _items to make it grow, append in the mapping, _msyncAll"

    def prepare(self, shop):
        shop.build_partner()

    def exchange(self, place):
        exchange(place, "own.m", place.talk(*INTERPRETER), place.talk(*INTERPRETER),
                 HEADER, TRAILER)
        exchange(place, "others.m", place.talk(*INTERPRETER),
                 BehindHeader(place.talk(os.path.join(place.shop, "partner"))), HEADER, TRAILER)

    def again(self, place):
        for name in ("own.m", "others.m"):
            look_again(place, name, INTERPRETER)


ROWS = [Beam()]
