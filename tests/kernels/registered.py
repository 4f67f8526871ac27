# SPDX-License-Identifier: BSD-2-Clause
"""The programs that a guest can run: as Meson has them registered, or by the name of a mount program."""
import json
import os
import re
import shlex
import subprocess
import sys
from typing import NamedTuple

import disk

# These have nothing to ask another kernel, or need more than a guest has.
LEFT_OUT = {
    "rules": "reads sources and the programs' own words, with build tools, and asks nothing of the kernel",
    "library": "compiles and installs, with build tools",
    "cluster": "needs GlusterFS",
    "crash": "needs Python and the programs whose files are looked at",
    "programs": "needs other people's programs",
    "programs-all": "needs other people's programs",
    "recipes": "needs other people's programs",
    "compatibility table": "compares what was found with other people's programs",
}
TABLE_OF_DIFFERENCES = "table of differences"
SCRIPT = "is a script of the sources, and may need anything"
DIFFERENCES = "differences"
ASK = ["bash", "-c", f'/ask {disk.GUEST_BUILD} "$(mktemp -d /var/tmp/XXXXXX)"']


class Program(NamedTuple):
    """A program as it is run in a guest. `seconds` are the most that it may take there."""
    name: str
    command: list
    files: tuple
    seconds: str


def introspect():
    found = subprocess.run(["meson", "introspect", "--tests", disk.BUILD], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        sys.exit("run: there is no build to ask for its tests: packaging/build build")
    return json.loads(found.stdout)


def suites_of(test):
    return [suite.rpartition(":")[2] for suite in test["suite"]]


def reason_to_leave_out(test):
    """Returns None for one that a guest can run."""
    for key in test["name"], *suites_of(test):
        if key in LEFT_OUT:
            return LEFT_OUT[key]
    is_built = test["cmd"][0].startswith(disk.BUILD + "/")
    return None if is_built or test["name"] == TABLE_OF_DIFFERENCES else SCRIPT


def program_of(test, seconds):
    if test["name"] == TABLE_OF_DIFFERENCES:
        return Program(DIFFERENCES, ASK, (), seconds)
    words = [f"{name}={value}" for name, value in test["env"].items()] + test["cmd"]
    paths = [word.partition("=")[2] if "=" in word else word for word in words]
    files = tuple(path for path in paths if disk.guest_path(path))
    words = [word.replace(path, disk.guest_path(path) or path) for word, path in zip(words, paths)]
    return Program(test["name"], ["env", *words], files, seconds)


def all_programs(suite, seconds):
    """Returns those that a guest can run, and {name: why it cannot run it}."""
    tests = [test for test in introspect() if suite is None or suite in suites_of(test)]
    if not tests:
        sys.exit(f"run: no program is in the suite {suite}; meson test --list names them")
    left_out = {test["name"]: reason_to_leave_out(test) for test in tests if reason_to_leave_out(test)}
    return [program_of(test, seconds) for test in tests if test["name"] not in left_out], left_out


def named_program(line, tests, seconds):
    """The program of a line of `programs`: [VARIABLE=VALUE] NAME, as Meson has it or of a program that it runs
    in other modes only."""
    variable, name = re.fullmatch(r"(?:(\w+=\S+) )?(.*)", line).groups()
    if name == DIFFERENCES:
        return Program(line, ASK, (), seconds)
    if name in tests:
        program = program_of(tests[name], seconds)
        command, files = program.command, program.files
    else:
        program, *arguments = shlex.split(name)
        files = (os.path.join(disk.BUILD, "tests/mount/test_" + program),)
        command = ["env", disk.guest_path(files[0]), *arguments]
    return Program(line, [command[0], *([variable] if variable else []), *command[1:]], files, seconds)


def named_programs(lines, seconds):
    tests = {test["name"]: test for test in introspect()}
    programs = [named_program(line, tests, seconds) for line in lines]
    for program in programs:
        for path in program.files:
            if not os.path.exists(path):
                sys.exit(f"run: {program.name}: there is no {os.path.relpath(path)} (ninja -C build)")
    return programs
