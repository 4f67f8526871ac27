# SPDX-License-Identifier: BSD-2-Clause
"""Tier 3: programs for Windows, under Wine."""
import os

from language import Language
from setting import NOBODY

WINE = "/usr/lib/wine/wine64"
SERVER = "/usr/lib/wine/wineserver64"
QUIET = ["WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml="]


class Windows(Language):
    """A participant for Windows. Wine insists on a home (its «prefix») that is its user's own, and
    to make one takes a while and 700 MB: so there is one, and all is done as that user."""

    alone = True  # the server of a prefix is ended with the exchange

    def prepare(self, shop):
        super().prepare(shop)
        prefix = shop.file("prefix")
        os.makedirs(prefix, exist_ok=True)
        os.chown(prefix, NOBODY, NOBODY)
        environment = ["env", f"HOME={prefix}", f"WINEPREFIX={prefix}", *QUIET]
        shop.build("prefix/system.reg", [], "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                   "--clear-groups", *environment, "sh", "-c",
                   f"cd && {WINE} wineboot --init && {SERVER} --wait")

    def _as_owner(self, place, action):
        """Does it as the owner of the prefix, and ends what Wine leaves running for the next."""
        runner = place.someone()
        place.run, place.talk = runner.run, runner.talk
        try:
            action(place)
        finally:
            prefix = os.path.join(place.shop, "prefix")
            for option in "--kill", "--wait":
                place.run(SERVER, option, status=None, WINEPREFIX=prefix)

    def exchange(self, place):
        self._as_owner(place, super().exchange)

    def again(self, place):
        self._as_owner(place, super().again)


ROWS = [
    Windows("windows", "Windows, CreateFileMapping (Wine)",
            {"wine64": WINE, "wine64-tools": "winegcc-stable"},
            "MapViewOfFile, growth by section and by SetEndOfFile, FlushViewOfFile",
            ["env", "WINEPREFIX={shop}/prefix", *QUIET, WINE, "{shop}/participant.exe.so"], tier=3,
            build=("participant.exe.so", ["create_file_mapping.c"],
                   ["winegcc-stable", "-mno-cygwin", "-O1", "-o", "participant.exe",
                    "{source}/create_file_mapping.c"])),
]
