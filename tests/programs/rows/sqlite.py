# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: SQLite, with its database and the index of its write-ahead log in memory."""
import os

from failure import Failure, expect
from row import Row, source

MAPPED = 256 << 20
FEW, MANY = 1000, 20000
SEGMENT = 32768  # of the log's index, which grows by such


def _insert(first, count):
    return (f"INSERT INTO text WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n"
            f" LIMIT {count}) SELECT i, hex(randomblob(80)) || i FROM n")


class Sqlite(Row):
    """Its shell writes while a program that uses the library reads, and the other way round."""

    slug, name = "sqlite", "SQLite, WAL"
    needs = {"sqlite3": "sqlite3", "python3": "/usr/bin/python3"}
    proves = "mmap_size, WAL index, snapshot, lock, checkpoint, VACUUM, recovery"

    def exchange(self, place):
        path = place.path("database")
        shell = place.talk("/usr/bin/sqlite3", "-bail", "-cmd", ".output /dev/null",
                           "-cmd", f"PRAGMA page_size=512; PRAGMA journal_mode=WAL;"
                           f"PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size={MAPPED};",
                           "-cmd", ".output", path)
        library = place.talk("/usr/bin/python3", source("languages/sqlite.py"), path)
        try:
            self._grow(place, shell, library)
            self._shrink(place, shell, library)
            self._leave(shell, library)
        finally:
            shell.stop()
            library.stop()
        if os.path.getsize(place.path("database-wal")) == 0:
            raise Failure("the log is empty: nothing is left to be recovered")

    def _grow(self, place, shell, library):
        """The one grows database and log while the other reads what was there before."""
        shell.ask("CREATE TABLE text(i INTEGER PRIMARY KEY, t); SELECT 'ok';")
        shell.ask(f"{_insert(1, FEW)}; SELECT 'ok';")
        expect("mmap_size", library.ask(f"PRAGMA mmap_size={MAPPED}"), str(MAPPED))
        library.ask("BEGIN")
        expect("rows", library.ask("SELECT count(*) FROM text"), str(FEW))
        shell.ask(f"{_insert(FEW + 1, MANY)}; SELECT 'ok';")
        expect("rows of the snapshot", library.ask("SELECT max(i) FROM text"), str(FEW))
        library.ask("COMMIT")
        expect("rows", library.ask("SELECT max(i) FROM text"), str(FEW + MANY))
        for process in shell, library:
            process.expect_mapped(place.path("database-shm"))
        if os.path.getsize(place.path("database-shm")) <= SEGMENT:
            raise Failure("the log's index has not grown")

    def _shrink(self, place, shell, library):
        """Each answers the other; then what was in the log is in the database, and less of it."""
        shell.ask("BEGIN IMMEDIATE; SELECT 'ok';")
        library.ask_in_vain("DELETE FROM text", reason="database is locked")
        shell.ask("COMMIT; SELECT 'ok';")
        library.ask("PRAGMA wal_autocheckpoint=0")
        library.ask("UPDATE text SET t = 'answer' WHERE i = 7")
        expect("the answer", shell.ask("SELECT 'ok ' || t FROM text WHERE i = 7;"), "answer")
        expect("checkpoint", library.ask("PRAGMA wal_checkpoint(TRUNCATE)"), "0 0 0")
        before = os.path.getsize(place.path("database"))
        for process, end in (shell, ";"), (library, ""):
            expect("the sum", process.ask(f"SELECT 'ok ' || sum(i) FROM text{end}").split()[-1],
                   str((FEW + MANY) * (FEW + MANY + 1) // 2))
            process.expect_mapped(place.path("database"))
        shell.ask(f"DELETE FROM text WHERE i > {FEW}; VACUUM; SELECT 'ok';")
        expect("checkpoint", library.ask("PRAGMA wal_checkpoint(TRUNCATE)"), "0 0 0")
        if os.path.getsize(place.path("database")) > before // 2:
            raise Failure("VACUUM has not made the database smaller")

    def _leave(self, shell, library):
        """The next must find what is only in the log when both are killed."""
        shell.ask(f"{_insert(FEW + 1, FEW)}; SELECT 'ok';")
        expect("rows", library.ask("SELECT max(i) FROM text"), str(2 * FEW))
        expect("integrity", library.ask("PRAGMA integrity_check"), "ok")
        shell.ask("BEGIN; DELETE FROM text; SELECT 'ok';")

    def again(self, place):
        found = place.run("/usr/bin/sqlite3", "-bail", "database", f"PRAGMA mmap_size={MAPPED};"
                          "PRAGMA journal_mode; PRAGMA integrity_check;"
                          "SELECT count(*), sum(i) FROM text; SELECT t FROM text WHERE i = 7;")
        expect("what is found", found.split(),
               [str(MAPPED), "wal", "ok", f"{2 * FEW}|{FEW * (2 * FEW + 1)}", "answer"])


ROWS = [Sqlite()]
