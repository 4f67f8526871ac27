#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""coverage.py [--missing] [--no-tests]: what share of the lines of fs, lib and tools the tests reach.

Builds build-coverage with gcc's counters, runs the tests there (as root, some 20 minutes on two
processors), and prints the share of each room; with --missing also the lines that no test reaches.
--no-tests counts again what the last run has reached.

A worker that is killed saves nothing; what only such workers do is counted as not reached. The
filter of system calls, which a process that saves its counters would not pass, is left out.
"""
import collections
import glob
import json
import os
import subprocess
import sys

BUILD = "build-coverage"
ROOMS = ("fs/", "lib/", "tools/")
SUITES = ("unit", "mount", "crashpoints", "once")
LEFT_OUT = "fs/mount/syscall_filter.c"


def build():
    os.makedirs(BUILD, exist_ok=True)
    hook = os.path.abspath(f"{BUILD}/dump_at_exit.o")
    subprocess.run(["cc", "-O2", "-c", "tests/coverage/dump_at_exit.c", "-o", hook], check=True)
    subprocess.run(
        [
            "packaging/build",
            BUILD,
            "-Db_coverage=true",
            "-Dseccomp=disabled",
            "-Dc_args=-fprofile-update=atomic",
            f"-Dc_link_args={hook} -Wl,--wrap=_exit",
        ],
        check=True,
    )


def open_to_all():
    """Lets the processes of all users save their counters."""
    for notes in glob.glob(f"{BUILD}/**/*.gcno", recursive=True):
        counters = notes.removesuffix("gcno") + "gcda"
        with open(counters, "wb"):
            pass
        os.chmod(counters, 0o666)


def run_tests():
    suites = [argument for suite in SUITES for argument in ("--suite", suite)]
    subprocess.run(["meson", "test", "-C", BUILD, "--no-rebuild", "-t", "3", *suites], check=False)


def reached_lines():
    """Returns {file: {line: times}}; objects that were built from one source count together."""
    lines = collections.defaultdict(dict)
    for path in glob.glob(f"{BUILD}/**/*.gcno", recursive=True):
        answer = subprocess.run(
            ["gcov", "--json-format", "--stdout", path], capture_output=True, check=False
        )
        for text in answer.stdout.splitlines():
            for source in json.loads(text)["files"]:
                name = os.path.normpath(os.path.join(BUILD, source["file"]))
                if name.startswith(ROOMS) and name != LEFT_OUT:
                    count(lines[name], source["lines"])
    return lines


def count(lines, of_one_object):
    for line in of_one_object:
        number = line["line_number"]
        lines[number] = lines.get(number, 0) + line["count"]


def share(reached, every):
    return f"{reached:6} of {every:6} lines, {100 * reached / every:5.1f} %"


def report(lines):
    rooms = collections.defaultdict(lambda: [0, 0])
    for name, counts in lines.items():
        for total in (rooms[os.path.dirname(name)], rooms["total"]):
            total[0] += sum(times > 0 for times in counts.values())
            total[1] += len(counts)
    everything = rooms.pop("total")
    for room in sorted(rooms):
        print(f"{room:16}{share(*rooms[room])}")
    print(f"{'total':16}{share(*everything)}")


def report_missing(lines):
    for name in sorted(lines):
        with open(name, encoding="utf-8") as source:
            text = source.read().splitlines()
        for number, times in sorted(lines[name].items()):
            if times == 0:
                print(f"{name}:{number}: {text[number - 1].strip()}")


def main(arguments):
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    if set(arguments) - {"--missing", "--no-tests"}:
        sys.exit(__doc__)
    if "--no-tests" not in arguments:
        build()
        open_to_all()
        run_tests()
    lines = reached_lines()
    if "--missing" in arguments:
        report_missing(lines)
    report(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
