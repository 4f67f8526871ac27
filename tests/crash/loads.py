# SPDX-License-Identifier: BSD-2-Clause
"""Loads of programs that run while the power is cut: a list of programs each, by a seed. Those in
./check need only what it installs."""
from load_browser import Browser
from load_pages import Pages
from load_programs import Editor, Git, Lmdb, Sqlite

LOADS = {
    "pages": lambda seed: [Pages(f"file{number}", seed) for number in range(3)],
    "sqlite": lambda _: [Sqlite("off"), Sqlite("wal")],
    "lmdb": lambda _: [Lmdb(False), Lmdb(True)],
    "lmdb-200m": lambda _: [Lmdb(True, 200)],
    "browser": lambda _: [Browser()],
    "git": lambda _: [Git()],
    "editor": lambda _: [Editor()],
    "programs": lambda _: [Sqlite("off"), Sqlite("wal"), Git(), Editor()],
}
