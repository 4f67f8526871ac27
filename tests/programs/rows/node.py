# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: Node.js, and packages of npm that map files."""
import os

from failure import expect
from language import Language
from row import Row, source

NODE = "/usr/bin/node"
NEEDS = {"nodejs": NODE, "npm": "/usr/bin/npm"}
# For packages that are compiled here, with the headers of this Node.js and no others.
COMPILED = NEEDS | {"libnode-dev": "/usr/include/node/node.h", "g++": "g++", "make": "make"}


def words(script):
    """The command of a participant, which finds its package in the shop."""
    return ["env", "NODE_PATH={shop}/node_modules", NODE, f"{{source}}/{script}"]


def install(shop, package, version, compiled):
    """Installs one version of a package from npm's registry, once."""
    mark = f"{os.path.basename(package)}-{version}"
    build = ["npm_config_build_from_source=true", "npm_config_nodedir=/usr"] if compiled else []
    shop.build(mark, [], "env", *build, f"npm_config_cache={shop.file('cache')}", "sh", "-c",
               'npm install --loglevel=error --no-audit --no-fund --no-package-lock "$1" && '
               'touch "$2"',
               "sh", f"{package}@{version}", mark)


class MmapIo(Language):
    """A participant of the exchange."""

    def prepare(self, shop):
        install(shop, *self.version(), compiled=True)
        super().prepare(shop)

    def version(self):
        return "@riaskov/mmap-io", "1.4.3"


class Database(Row):
    """Two processes with one database, both of which write."""

    tier = 2
    script = package = None
    compiled = False

    FEW, MANY, TIMES = 10, 3000, 100

    def prepare(self, shop):
        install(shop, *self.version(), compiled=self.compiled)

    def version(self):
        return self.package

    def start(self, place):
        """A process, that has the database open."""
        process = place.talk("env", f"NODE_PATH={place.shop}/node_modules", NODE,
                             source(f"languages/{self.script}"))
        process.ask("open", place.path("database"))
        return process

    def exchange(self, place):
        one = self.start(place)
        try:
            other = self.start(place)
            try:
                self.meet(place, one, other)
            finally:
                other.stop()
        finally:
            one.stop()

    def meet(self, place, one, other):
        """The work of the two."""
        raise NotImplementedError

    def greet(self, one, other):
        """Each sees what the other puts."""
        one.ask("put", "greeting", "alpha")
        expect("the greeting", other.ask("get", "greeting"), "alpha")
        other.ask("put", "greeting", "beta")
        expect("the greeting", one.ask("get", "greeting"), "beta")

    def add(self, one, other):
        """Both write at the same time, and none loses a transaction of the other."""
        one.tell("add", "counter", self.TIMES)
        other.tell("add", "counter", self.TIMES)
        one.answer()
        other.answer()
        for process in one, other:
            expect("the counter", process.ask("get", "counter"), str(2 * self.TIMES))

    def part(self, *processes):
        """Both end well."""
        for process in processes:
            process.ask("close")
            process.end()

    def again(self, place):
        process = self.start(place)
        try:
            expect("the greeting", process.ask("get", "greeting"), "beta")
            expect("the counter", process.ask("get", "counter"), str(2 * self.TIMES))
            self.look(process)
            self.part(process)
        finally:
            process.stop()

    def look(self, process):
        """Checks that all is there that the two filled it with."""
        raise NotImplementedError


class Lmdb(Database):
    """The map of both grows when one fills it."""

    slug, name, script = "node-lmdb", "Node.js, lmdb", "lmdb.js"
    package, needs = ("lmdb", "3.5.6"), NEEDS
    proves = "a map that grows, two writers, readers' table"

    def meet(self, place, one, other):
        for process in one, other:
            process.expect_mapped(place.path("database-lock"))
        self.greet(one, other)
        one.ask("fill", 0, self.FEW)
        other.expect_mapped(place.path("database"))
        expect("the few", other.ask("check", 0, self.FEW), str(self.FEW))
        one.ask("fill", self.FEW, self.MANY)
        expect("all, in a map that grew", other.ask("check", 0, self.FEW + self.MANY),
               str(self.FEW + self.MANY))
        other.ask("fill", self.FEW + self.MANY, self.MANY)
        self.look(one)
        self.add(one, other)
        self.part(one, other)

    def look(self, process):
        count = self.FEW + 2 * self.MANY
        expect("all values", process.ask("check", 0, count), str(count))


class Sqlite(Database):
    """A write-ahead log, whose index is mapped by all, and the database itself mapped."""

    slug, name, script = "node-sqlite", "Node.js, better-sqlite3", "better_sqlite3.js"
    package, needs, compiled = ("better-sqlite3", "11.10.0"), COMPILED, True
    proves = "WAL with mmap_size, two writers, checkpoint"

    def meet(self, place, one, other):
        for process in one, other:
            process.expect_mapped(place.path("database-shm"))
        self.greet(one, other)
        one.ask("fill", self.MANY)
        expect("the rows", other.ask("count"), str(self.MANY))
        expect("that others read on", other.ask("checkpoint"), "0")
        expect("the rows, in the database", one.ask("count"), str(self.MANY))
        one.expect_mapped(place.path("database"))
        other.ask("fill", self.MANY)
        self.add(one, other)
        self.look(one)
        self.part(one, other)

    def look(self, process):
        expect("the rows", process.ask("count"), str(2 * self.MANY))
        expect("the check", process.ask("check"), "ok")


class Polars(Row):
    """Two processes, each of which scans the tables that the other wrote. A table does not grow:
    it is written anew."""

    slug, name, tier, needs = "polars", "Polars (Node.js), Arrow IPC files", 2, NEEDS
    proves = "tables that one writes and the other scans mapped"

    FEW, MANY = 1000, 200000

    def prepare(self, shop):
        install(shop, *self.version(), compiled=False)

    def version(self):
        return "nodejs-polars", "0.18.0"

    def _start(self, place):
        return place.talk("env", f"NODE_PATH={place.shop}/node_modules", NODE,
                          source("languages/polars.js"))

    def _expect(self, process, place, name, rows):
        path = place.path(f"{name}.ipc")
        expect("the sum", process.ask("sum", path), str(sum(n * n for n in range(rows))))
        expect("the last name", process.ask("name", path, rows - 1), f"n{rows - 1}")

    def exchange(self, place):
        one, other = self._start(place), self._start(place)
        table, answer = place.path("table.ipc"), place.path("answer.ipc")
        try:
            one.ask("write", table, self.FEW)
            self._expect(other, place, "table", self.FEW)
            other.ask("filter", table, answer, 10)
            self._expect(one, place, "answer", 10)
            one.ask("write", table, self.MANY)
            self._expect(other, place, "table", self.MANY)
            other.ask("filter", table, answer, self.MANY // 2)
            self._expect(one, place, "answer", self.MANY // 2)
            one.end()
            other.end()
        finally:
            one.stop()
            other.stop()

    def again(self, place):
        process = self._start(place)
        try:
            self._expect(process, place, "table", self.MANY)
            self._expect(process, place, "answer", self.MANY // 2)
            process.end()
        finally:
            process.stop()


ROWS = [
    MmapIo("node-mmap-io", "Node.js, @riaskov/mmap-io", COMPILED, "shared mapping, sync",
           words("mmap_io.js"), tier=2),
    Lmdb(), Sqlite(), Polars(),
]
