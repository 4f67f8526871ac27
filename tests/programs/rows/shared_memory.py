# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: Python's multiprocessing.shared_memory, in a /dev/shm that is a mount of its own."""
from failure import expect
from row import Row, source

SIZE = 10000


class SharedMemory(Row):
    """Two processes in one run, and what the next run finds of theirs."""

    private = True
    slug, name = "python-shared-memory", "Python, multiprocessing.shared_memory"
    needs = {"python3": "/usr/bin/python3"}
    proves = "SharedMemory and ShareableList with shmapctl run, found again in the next run"

    @staticmethod
    def _talk(place):
        store = "shm" if place.area == "persist" else None
        return place.talk(*place.shm("/usr/bin/python3", source("languages/shared_memory.py"),
                                     store=store))

    def _run(self, place, action):
        process = self._talk(place)
        try:
            action(process)
            process.end()
        finally:
            process.stop()

    @staticmethod
    def _share(process):
        process.ask("make", "memory", SIZE)
        process.ask("store", 8190, "beta")  # across the border of two pages
        expect("the size", process.ask("other", "attach", "memory"), str(SIZE))
        expect("beta", process.ask("other", "load", 8190, 4), "beta")
        process.ask("other", "store", 4096, "gamma")
        expect("gamma", process.ask("load", 4096, 5), "gamma")
        process.ask("make", "brief", 1)
        process.ask("other", "unlink", "brief")
        process.ask_in_vain("attach", "brief", reason="FileNotFoundError")

    @staticmethod
    def _share_list(process):
        process.ask("make_list", "list")
        process.ask("other", "attach_list", "list")
        for _ in range(2):
            process.ask("count")
            process.ask("other", "count")
        process.ask("other", "replace", 4, "omega")
        for words in (["items"], ["other", "items"]):
            expect("the list", process.ask(*words), "[4, 2.5, True, None, 'omega', b'beta']")

    @staticmethod
    def _find(process):
        process.ask("attach", "memory")
        expect("beta", process.ask("load", 8190, 4), "beta")
        expect("gamma", process.ask("load", 4096, 5), "gamma")
        process.ask("attach_list", "list")
        expect("the list", process.ask("items"), "[4, 2.5, True, None, 'omega', b'beta']")

    @staticmethod
    def _find_nothing(process):
        for order, name in (("attach", "memory"), ("attach_list", "list")):
            process.ask_in_vain(order, name, reason="FileNotFoundError")

    def _share_all(self, process):
        self._share(process)
        self._share_list(process)

    def exchange(self, place):
        self._run(place, self._share_all)
        self._run(place, self._find if place.area == "persist" else self._find_nothing)

    def again(self, place):
        self._run(place, self._find)


ROWS = [SharedMemory()]
