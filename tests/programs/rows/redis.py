# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: Redis, which keeps what it has in memory in files that a fork writes."""
import os

from failure import Failure, expect
from row import Row

COUNT = 20000
FILL = ("for i = ARGV[1], ARGV[2] do redis.call('SET', 'key' .. i, string.rep('x', 100) .. i) end "
        "return redis.call('DBSIZE')")


class Redis(Row):
    """A server dies and the next one finds the data: of a snapshot, and of a log."""

    slug, name = "redis", "Redis"
    needs = {"redis-server": "redis-server", "redis-tools": "redis-cli"}
    proves = "RDB, AOF and its rewrite, restart, redis-check-rdb and -aof"

    def exchange(self, place):
        self._snapshot(place)
        self._log(place)

    def _serve(self, place, name, *options):
        os.makedirs(place.path(name), exist_ok=True)
        return place.serve("redis-server", "--port", 0, "--unixsocket", place.aside("socket"),
                           "--dir", place.path(name), "--save", "", *options,
                           ready="[Rr]eady to accept connections")

    def _ask(self, place, *words):
        return place.run("redis-cli", "-e", "-s", place.aside("socket"), *words).strip()

    def _fill(self, place, first, last):
        expect("keys", self._ask(place, "EVAL", FILL, 0, first, last), str(last))

    def _expect_keys(self, place, last):
        expect("keys", self._ask(place, "DBSIZE"), str(last))
        for number in 1, last:
            expect("a value", self._ask(place, "GET", f"key{number}"), "x" * 100 + str(number))

    def _snapshot(self, place):
        with self._serve(place, "rdb") as server:
            self._fill(place, 1, COUNT)
            self._ask(place, "SAVE")
            self._fill(place, COUNT + 1, 2 * COUNT)
            self._ask(place, "BGSAVE")
            self._fill(place, 2 * COUNT + 1, 2 * COUNT + 5)
            server.hear("Background saving terminated with success")
            server.kill()
        self._check_snapshot(place)
        self._find_snapshot(place)

    def _check_snapshot(self, place):
        said = place.run("redis-check-rdb", place.path("rdb/dump.rdb"))
        if f"{2 * COUNT} keys read" not in said:
            raise Failure(f"redis-check-rdb: {said}")

    def _find_snapshot(self, place):
        with self._serve(place, "rdb") as server:
            self._expect_keys(place, 2 * COUNT)
            server.end()

    def _log(self, place):
        with self._serve_log(place) as server:
            self._fill(place, 1, COUNT)
            self._ask(place, "BGREWRITEAOF")
            self._fill(place, COUNT + 1, COUNT + 5)
            server.hear("Background AOF rewrite finished successfully")
            self._fill(place, COUNT + 6, COUNT + 9)
            server.kill()
        self._find_log(place)

    def _serve_log(self, place):
        return self._serve(place, "aof", "--appendonly", "yes", "--appendfsync", "always")

    def _find_log(self, place):
        said = place.run("redis-check-aof", place.path("aof/appendonlydir/appendonly.aof.manifest"))
        if "is valid" not in said:
            raise Failure(f"redis-check-aof: {said}")
        with self._serve_log(place) as server:
            self._expect_keys(place, COUNT + 9)
            server.end()

    def again(self, place):
        self._check_snapshot(place)
        self._find_snapshot(place)
        self._find_log(place)


ROWS = [Redis()]
