# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: how processes that share memory wait for each other, by glibc and the kernel."""
import os

from failure import expect
from row import Row, source

ROUNDS = 2 * 3000  # of both together
SHARED = " ".join(f"{what} {ROUNDS}" for what in ("mutex", "condition", "lock", "semaphore",
                                                  "futex")) + " owner 1\n"


class Synchronisation(Row):
    """Two processes meet in a file."""

    slug, name = "synchronisation", "C, process-shared pthread objects"
    needs = {"libc6-dev": "/usr/include/semaphore.h", "gcc": "gcc"}
    proves = ("robust mutex whose owner dies, condition variable, rwlock, barrier, semaphore, "
              "futex through two mappings")

    def prepare(self, shop):
        shop.build("synchronise", ["languages/synchronise.c"], "gcc", "-O2", "-D_GNU_SOURCE",
                   "-pthread", "-o", "synchronise", source("languages/synchronise.c"))

    def exchange(self, place):
        program, path = os.path.join(place.shop, "synchronise"), place.path("game")
        with place.serve(program, "first", path, ready="ready") as first:
            place.run(program, "second", path, status=-9)
            expect("counted", first.hear(".*\n").group(), SHARED)
            first.ended()

    def again(self, place):
        said = place.run(os.path.join(place.shop, "synchronise"), "read", place.path("game"))
        expect("counted", said, SHARED)


class NamedSemaphore(Row):
    """Two processes meet by names in /dev/shm, which is a mount of its own."""

    private = True
    slug, name = "named-semaphore", "C, sem_open and shm_open"
    needs = {"libc6-dev": "/usr/include/semaphore.h", "gcc": "gcc"}
    proves = "sem_open, shm_open with shmapctl run, found again in the next run"

    def prepare(self, shop):
        shop.build("named_semaphore", ["languages/named_semaphore.c"], "gcc", "-O2",
                   "-D_GNU_SOURCE", "-pthread", "-o", "named_semaphore",
                   source("languages/named_semaphore.c"))

    @staticmethod
    def _run(place, *words):
        store = "shm" if place.area == "persist" else None
        return place.run(*place.shm(*words, os.path.join(place.shop, "named_semaphore"),
                                    store=store))

    def exchange(self, place):
        said = self._run(place, "sh", "-c", '"$0" play 0 & "$0" play 1 && wait $! && "$0" read')
        expect("played", said, f"{ROUNDS} {ROUNDS}\n")
        kept = ROUNDS if place.area == "persist" else 0
        expect("played, in the next run", self._run(place, "env"), f"{kept} {kept}\n")

    def again(self, place):
        expect("played", self._run(place, "env"), f"{ROUNDS} {ROUNDS}\n")


ROWS = [Synchronisation(), NamedSemaphore()]
