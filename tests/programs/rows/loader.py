# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: what the kernel and ld.so map when a program starts."""
import contextlib
import errno
import os

from failure import Failure, expect
from row import Row, source


class Loader(Row):
    """A program, its libraries and a script are on the mount. All that writes to them is another
    process: whoever is forked off while ours has a program open for writing keeps it busy."""

    slug, name = "loader", "execve, ld.so, #!"
    needs = {"libc6-dev": "/usr/include/dlfcn.h", "gcc": "gcc"}
    proves = "executable, ETXTBSY, dlopen, LD_PRELOAD, replaced while in use, script"

    def prepare(self, shop):
        shop.build("program", ["loader/program.c"], "gcc", "-O2", "-D_GNU_SOURCE", "-o", "program",
                   source("loader/program.c"), "-ldl")

    def exchange(self, place):
        program = place.path("program")
        place.run("cp", place.shop + "/program", program)
        with contextlib.ExitStack() as stack:
            one, other = (self._talk(place, stack, program) for _ in range(2))
            writer = self._talk(place, stack, place.shop + "/program")
            self._keep_busy(place, one, writer, program)
            self._load(place, one, other)
            self._replace_program(place, one, program)
            for process in (one, other, writer):
                process.end()
        self._script(place)

    @staticmethod
    def _talk(place, stack, *words, **environment):
        process = place.talk(*words, **environment)
        stack.callback(process.stop)
        return process

    @staticmethod
    def _keep_busy(place, running, writer, program):
        """Nobody writes to what runs, and nobody runs what is written to."""
        expect("without the library", running.ask("answer"), "none")  # so it has been loaded
        running.expect_mapped(program)
        writer.ask_in_vain("hold", program, reason=os.strerror(errno.ETXTBSY))
        writer.ask_in_vain("truncate", program, reason=os.strerror(errno.ETXTBSY))
        copy = place.path("copy")
        place.run("cp", program, copy)
        writer.ask("hold", copy)
        try:
            place.run(copy)
        except OSError as error:
            expect("running what is written to", error.errno, errno.ETXTBSY)
        else:
            raise Failure("a program ran while it was open for writing")
        writer.ask("release")
        place.run(copy)

    def _load(self, place, one, other):
        """Two processes load a library; one that comes later gets the next version."""
        library = place.path("libanswer.so")
        self._link(place, library, 1)
        for process in (one, other):
            process.ask("load", library)
            process.expect_mapped(library)
            expect("of the library", process.ask("answer"), "1")
        self._link(place, place.path("next.so"), 2)
        os.rename(place.path("next.so"), library)
        for process in (one, other):
            expect("of the library that was replaced", process.ask("answer"), "1")
        self._preload(place)

    @staticmethod
    def _link(place, path, answer):
        place.run("gcc", "-O2", "-shared", "-fPIC", f"-DANSWER={answer}", "-o", path,
                  source("loader/library.c"))

    @staticmethod
    def _preload(place):
        said = place.run(place.path("program"), stdin="answer\n",
                         LD_PRELOAD=place.path("libanswer.so"))
        expect("of the library that is preloaded", said, "ok 2\n")

    @staticmethod
    def _replace_program(place, running, program):
        """As packages do it: the old one keeps running."""
        os.rename(place.path("copy"), program)
        expect("of a program without a name", running.ask("answer"), "1")

    @staticmethod
    def _script(place):
        """Its interpreter is on the mount too, and reads what the script is given."""
        place.run("cp", "/bin/sh", place.path("sh"))
        place.run("sh", "-c", f"printf '#!%s\\n%s\\n' {place.path('sh')} 'echo $0: $1' > script")
        place.run("chmod", "755", place.path("script"))
        Loader._run_script(place)

    @staticmethod
    def _run_script(place):
        script = place.path("script")
        expect("of the script", place.run(script, "word"), f"{script}: word\n")

    def again(self, place):
        self._preload(place)
        self._run_script(place)


ROWS = [Loader()]
