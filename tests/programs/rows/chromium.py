# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: Chromium, many processes around a profile on the mount."""
from failure import expect
from row import Row, source

PAGE = "file://" + source("languages/page.html")


class Chromium(Row):
    """A page finds in one run of the browser what it stored in the run before."""

    slug, name, tier, alone = "chromium", "Chromium", 2, True
    needs = {"chromium": "chromium", "python3": "/usr/bin/python3"}
    proves = "profile: localStorage and IndexedDB (LevelDB), databases (SQLite), two runs"

    def _browse(self, place, action):
        browser = place.talk("/usr/bin/python3", source("languages/browser.py"),
                             place.path("profile"))
        try:
            browser.ask("visit", PAGE)
            action(browser)
            browser.ask("leave")
            browser.end()
        finally:
            browser.stop()

    def _store(self, browser):
        expect("before", browser.ask("evaluate", "load('colour')"), "null undefined")
        for number in range(200):
            expect("stored", browser.ask("evaluate", f"store('key{number}', 'value{number}')"),
                   "stored")
        browser.ask("evaluate", "store('colour', 'green')")

    def _find(self, browser):
        for key, value in ("colour", "green"), ("key7", "value7"), ("key199", "value199"):
            expect(key, browser.ask("evaluate", f"load('{key}')"), f"{value} {value}")

    def exchange(self, place):
        self._browse(place, self._store)
        self._browse(place, self._find)
        history = place.run("/usr/bin/python3", "-c", "import sqlite3; print(sqlite3.connect("
                            "'profile/Default/History').execute('PRAGMA integrity_check')"
                            ".fetchone()[0])").strip()
        expect("integrity of its history", history, "ok")

    def again(self, place):
        self._browse(place, self._find)


ROWS = [Chromium()]
