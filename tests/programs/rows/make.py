# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: make and gcc, whose linker writes by mapping and whose make believes times."""
import os
import shutil

from failure import Failure, expect
from row import Row, source

SOURCES = {"main", "answer", "sum", "product"}


class Make(Row):
    """A project is built, and built again while what was built runs."""

    slug, name = "make-gcc", "make, gcc, ar, ld"
    needs = {"make": "make", "gcc": "gcc", "binutils": "ar"}
    proves = "make -j, mapped precompiled header, libraries of both kinds, times, rebuild"

    def exchange(self, place):
        shutil.copytree(source("project"), place.path("project"))
        expect("compiled", self._make(place), SOURCES)
        self._expect_nothing_to_do(place)
        self._expect_precompiled(place)
        running = place.talk(place.path("project/program"))
        try:
            expect("the answer", running.ask("?"), "42")
            running.expect_mapped(place.path("project/libanswer.so"))
            self._edit(place)
            expect("compiled again", self._make(place), {"sum"})
            expect("the answer of what was running", running.ask("?"), "42")
            running.end()
        finally:
            running.stop()
        self._expect_new_answer(place)

    def _make(self, place):
        """The sources that make had compiled."""
        said = place.run("make", "-C", place.path("project"), "-j2")
        return {word[:-2] for line in said.splitlines() if " -c " in line
                for word in line.split() if word.endswith(".c")}

    def _expect_nothing_to_do(self, place):
        place.run("make", "-C", place.path("project"), "-q")

    def _expect_precompiled(self, place):
        said = place.run("make", "-C", place.path("project"), "-W", "main.c", "main.o",
                         "CC=gcc -H")
        if not any(line.startswith("! ") and line.endswith("common.h.gch")
                   for line in said.splitlines()):
            raise Failure(f"gcc did not take the precompiled header: {said}")

    def _edit(self, place):
        """One more for the sum: product() asks for it seven times."""
        path = place.path("project/sum.c")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("one + other", "one + other + 1"))
        if os.stat(path).st_mtime_ns <= os.stat(place.path("project/sum.o")).st_mtime_ns:
            raise Failure("what was edited is not newer than what was built of it")

    def _expect_new_answer(self, place):
        self._expect_nothing_to_do(place)
        expect("the new answer", place.run("project/program", stdin="?\n"), "ok 49\n")

    def again(self, place):
        self._expect_new_answer(place)
        os.utime(place.path("project/answer.c"))
        expect("compiled", self._make(place), {"answer"})
        self._expect_new_answer(place)


ROWS = [Make()]
