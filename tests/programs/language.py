# SPDX-License-Identifier: BSD-2-Clause
"""Rows that are a language's way to map files: participants of the exchange."""
from exchange import exchange, look_again
from row import Row, source


class Language(Row):
    """Meets the C participant twice: it makes the file for that one, and that one for it."""

    def __init__(self, slug, name, needs, proves, words, *, tier=1, build=None,
                 until=None):
        """words: the participant's command; {shop} and {source} stand for the row's directory in
        the shop and for languages/. build: (output, [sources], words) of a command, likewise."""
        self.slug, self.name, self.needs, self.proves = slug, name, needs, proves
        self.tier, self.until = tier, until
        self._words, self._build = words, build

    def _fill(self, words, shop):
        return [word.format(shop=shop, source=source("languages")) for word in words]

    def prepare(self, shop):
        shop.build_partner()
        if self._build:
            output, sources, words = self._build
            shop.build(output, [f"languages/{name}" for name in sources],
                       *self._fill(words, shop.path))

    def exchange(self, place):
        words = self._fill(self._words, place.shop)
        partner = [f"{place.shop}/partner"]
        exchange(place, "ours", place.talk(*words), place.talk(*partner))
        exchange(place, "theirs", place.talk(*partner), place.talk(*words))

    def again(self, place):
        words = self._fill(self._words, place.shop)
        look_again(place, "ours", words)
        look_again(place, "theirs", words)
