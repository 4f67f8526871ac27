# SPDX-License-Identifier: BSD-2-Clause
"""Programs of other people's, which say when what they were told to save is saved. Version after
version all of what they keep becomes the version's number."""
import contextlib
import importlib
import os
import sqlite3
import subprocess

from system import Missing

ROWS = 200
TEXT = "a row of some length, so that the rows take several pages, and a version writes them all" * 2


def sync_directory(path):
    where = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(where)
    os.close(where)


def judge_versions(found, acknowledged):
    """`found` has the numbers that there are."""
    if len(found) != 1:
        return f"there are versions {sorted(found)} at a time"
    version = min(found)
    if not acknowledged <= version <= acknowledged + 1:
        return f"version {acknowledged} was acknowledged, and there is {version}"
    return None


class Sqlite:
    """A database with a journal mode, from which each transaction changes all rows."""

    def __init__(self, mode):
        self._mode, self._name = mode, f"{mode}.sqlite"

    @contextlib.contextmanager
    def _database(self, directory):
        with contextlib.closing(sqlite3.connect(os.path.join(directory, self._name), isolation_level=None)) as database:
            database.execute("PRAGMA mmap_size=100000000")
            database.execute(f"PRAGMA journal_mode={self._mode}")
            database.execute("PRAGMA synchronous=FULL")
            yield database

    def prepare(self, directory):
        with self._database(directory) as database:
            database.execute("BEGIN")
            database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, version INTEGER, text TEXT)")
            database.executemany("INSERT INTO item VALUES (?, 0, ?)", [(row, TEXT) for row in range(ROWS)])
            database.execute("COMMIT")
        sync_directory(directory)

    def work(self, directory, acknowledge):
        with self._database(directory) as database:
            version = 0
            while True:
                version += 1
                database.execute("BEGIN")
                database.execute("UPDATE item SET version = ?, text = text || 'x'", (version,))
                database.execute("COMMIT")
                acknowledge(version)

    def judge(self, directory, acknowledged):
        try:
            with self._database(directory) as database:
                state = database.execute("PRAGMA integrity_check").fetchone()[0]
                rows = database.execute("SELECT version, length(text) FROM item").fetchall()
        except sqlite3.Error as error:
            return f"{self._name}: {error}"
        if state != "ok" or len(rows) != ROWS:
            return f"{self._name}: {len(rows)} rows, {state}"
        if any(length != len(TEXT) + version for version, length in rows):
            return f"{self._name}: a row is of another version than its text"
        return judge_versions({version for version, _ in rows}, acknowledged)


class Lmdb:
    """An environment of LMDB, whose file is written to or mapped writable; with so many MiB in it that stay as
    they are."""

    def __init__(self, writemap, mebibytes=0):
        self._writemap, self._name = writemap, "writemap.lmdb" if writemap else "lmdb"
        self._mebibytes = mebibytes
        try:
            self._lmdb = importlib.import_module("lmdb")
        except ModuleNotFoundError:
            raise Missing("no python3-lmdb here") from None

    def _environment(self, directory):
        return contextlib.closing(self._lmdb.open(os.path.join(directory, self._name), writemap=self._writemap,
                                                  map_size=(2 * self._mebibytes + 16) << 20))

    @staticmethod
    def _put(environment, version):
        with environment.begin(write=True) as transaction:
            for row in range(ROWS):
                transaction.put(b"%d" % row, b"%d %s" % (version, TEXT.encode()))

    def prepare(self, directory):
        with self._environment(directory) as environment:
            with environment.begin(write=True) as transaction:
                for number in range(self._mebibytes << 8):
                    transaction.put(b"still %d" % number, bytes([number % 256]) * 4000)
            self._put(environment, 0)
        sync_directory(os.path.join(directory, self._name))
        sync_directory(directory)

    def work(self, directory, acknowledge):
        with self._environment(directory) as environment:
            version = 0
            while True:
                version += 1
                self._put(environment, version)
                acknowledge(version)

    def judge(self, directory, acknowledged):
        try:
            with self._environment(directory) as environment, environment.begin() as transaction:
                values = [bytes(value) for key, value in transaction.cursor() if not key.startswith(b"still")]
                still = sum(value == bytes([int(key[6:]) % 256]) * 4000
                            for key, value in transaction.cursor() if key.startswith(b"still"))
        except self._lmdb.Error as error:
            return f"{self._name}: {error}"
        if len(values) != ROWS or still != self._mebibytes << 8:
            return f"{self._name}: {len(values)} of {ROWS} entries, {still} of {self._mebibytes << 8} still ones"
        return judge_versions({int(value.split()[0]) for value in values}, acknowledged)


class Git:
    """A repository in which each version is a commit. Git itself does not sync names."""

    NAMES = ("one", "two", "three")

    @staticmethod
    def _git(directory, *words):
        settings = ["core.fsync=all", "user.name=a", "user.email=a@b", "gc.auto=0", "safe.directory=*"]
        options = [part for setting in settings for part in ("-c", setting)]
        return subprocess.run(["git", "-C", os.path.join(directory, "repository"), *options, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def _commit(self, directory, version):
        for name in self.NAMES:
            with open(os.path.join(directory, "repository", name), "w", encoding="ascii") as file:
                file.write(f"{version}\n{TEXT}\n")
        for words in (["add", "."], ["commit", "-qm", str(version)]):
            done = self._git(directory, *words)
            if done.returncode != 0:
                raise RuntimeError(f"git {words[0]}: {done.stdout}")
        for path, _, _ in os.walk(os.path.join(directory, "repository")):
            sync_directory(path)

    def prepare(self, directory):
        os.mkdir(os.path.join(directory, "repository"))
        self._git(directory, "init", "-q")
        self._commit(directory, 0)
        sync_directory(directory)

    def work(self, directory, acknowledge):
        version = 0
        while True:
            version += 1
            self._commit(directory, version)
            acknowledge(version)

    def judge(self, directory, acknowledged):
        check = self._git(directory, "fsck", "--full", "--strict")
        found = self._git(directory, "log", "-1", "--format=%s")
        if check.returncode != 0 or found.returncode != 0:
            return f"git: {check.stdout} {found.stdout}"
        version = int(found.stdout)
        shown = [self._git(directory, "show", f"HEAD:{name}").stdout for name in self.NAMES]
        if any(text != f"{version}\n{TEXT}\n" for text in shown):
            return f"git: commit {version} has {shown}"
        return judge_versions({version}, acknowledged)


class Editor:
    """A text that is saved as editors do: into a new file, which is synced, and renamed over the old one."""

    @staticmethod
    def _save(directory, version):
        with open(os.path.join(directory, "text.new"), "w", encoding="ascii") as file:
            file.write(f"{version} {TEXT}\n" * (ROWS + version))
            file.flush()
            os.fsync(file.fileno())
        os.rename(os.path.join(directory, "text.new"), os.path.join(directory, "text"))
        sync_directory(directory)

    def prepare(self, directory):
        self._save(directory, 0)

    def work(self, directory, acknowledge):
        version = 0
        while True:
            version += 1
            self._save(directory, version)
            acknowledge(version)

    def judge(self, directory, acknowledged):
        with open(os.path.join(directory, "text"), encoding="ascii") as file:
            text = file.read()
        version = int(text.split(maxsplit=1)[0]) if text else -1
        if text != f"{version} {TEXT}\n" * (ROWS + version):
            return f"the text of version {version} is not whole"
        return judge_versions({version}, acknowledged)
