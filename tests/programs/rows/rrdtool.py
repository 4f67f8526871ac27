# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: rrdtool, which updates its databases in a mapping."""
import os

from failure import Failure, expect
from row import Row

START, STEP = 1600000000, 10
ROWS_KEPT, UPDATES = 500, 400
# rrdtool reads commands and answers «OK …» after what it has to say, at most one line here.
TALK = "rrdtool - | sed -un -e '/^ERROR/{p;b}' -e '/^OK/!{h;b}' -e 'x;s/^./ &/;s/^/ok/;p;s/.*//;x'"


class Rrdtool(Row):
    """Two rrdtools update a database in turn, and a third process has it mapped meanwhile."""

    slug, name, tier = "rrdtool", "rrdtool", 2
    needs = {"rrdtool": "rrdtool", "gcc": "gcc"}
    proves = "update in a mapping, fetch, resize, dump and restore"

    def prepare(self, shop):
        shop.build_partner()

    def exchange(self, place):
        processes = [place.talk("sh", "-c", TALK) for _ in range(2)]
        processes.append(place.talk(f"{place.shop}/partner"))
        try:
            self._update(place, *processes)
            for process in processes:
                process.end()
        finally:
            for process in processes:
                process.stop()
        self._resize(place)

    def _update(self, place, one, other, watcher):
        path = place.path("values.rrd")
        one.ask("create", path, "--start", START, "--step", STEP, "DS:value:GAUGE:60:U:U",
                f"RRA:AVERAGE:0.5:1:{ROWS_KEPT}", "RRA:MAX:0.5:10:50")
        one.ask("update", path, f"{START + STEP}:31415")
        where = place.read("values.rrd").index(b"31415")
        watcher.ask("open", path)
        for number in range(2, UPDATES + 1):
            value = 10000 + number
            (one, other)[number % 2].ask("update", path, f"{START + number * STEP}:{value}")
            expect("the value, mapped elsewhere", watcher.ask("load", where, 5), str(value))
        expect("the last", one.ask("last", path), str(START + UPDATES * STEP))
        one.ask_in_vain("update", path, f"{START + STEP}:1", reason="illegal attempt to update")

    def _expect_values(self, place, name):
        said = place.run("rrdtool", "fetch", name, "AVERAGE", "-s", START + STEP,
                         "-e", START + (UPDATES - 1) * STEP, "-r", STEP)
        found = {int(line.split(":")[0]): float(line.split(":")[1])
                 for line in said.splitlines() if ":" in line}
        for number in range(2, UPDATES + 1):
            expect("a value", found.get(START + number * STEP), 10000.0 + number)

    def _resize(self, place):
        self._expect_values(place, "values.rrd")
        place.run("rrdtool", "resize", "values.rrd", 0, "GROW", 4000)
        if os.path.getsize(place.path("resize.rrd")) < os.path.getsize(
                place.path("values.rrd")) + 4000 * 8:
            raise Failure("the database has not grown")
        self._expect_values(place, "resize.rrd")
        place.run("rrdtool", "dump", "resize.rrd", "values.xml")
        place.run("rrdtool", "restore", "values.xml", "restored.rrd")
        self._expect_values(place, "restored.rrd")

    def again(self, place):
        for name in "values.rrd", "resize.rrd", "restored.rrd":
            self._expect_values(place, name)
        place.run("rrdtool", "update", "values.rrd", f"{START + (UPDATES + 1) * STEP}:7")


ROWS = [Rrdtool()]
