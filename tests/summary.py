# SPDX-License-Identifier: BSD-2-Clause
"""Adds up the logs that `meson test` wrote (one JSON object for each program and line) and ends
with one line: N passed, N failed, and N skipped if any were. Before it stand lines of each program
that failed: the first that tell of a failure, and the last, without the cases that passed. The log of
all may be cut. It counts the cases inside a program where it names them, in TAP or as cmocka does;
otherwise the program. A program that failed counts as a failure at least once, and so does a log that
is missing or empty."""
import json
import re
import sys

ANY_CASE = re.MULTILINE | re.IGNORECASE
PASSED = re.compile(r"^(?:ok \d+(?!.*# *SKIP)|\[ +OK +\] )", ANY_CASE)
FAILED = re.compile(r"^(?:not ok \d+ - |\[ +(?:FAILED|ERROR) +\] (?=[^-\d]))(\S+)$", re.MULTILINE)
UNEVENTFUL = re.compile(r"^(?:\[ +(?:OK|RUN) +\] |\[=+\]|ok \d+)")
TELLING = re.compile(r"^not ok |^(?:FAILED|failed call|difference|ERROR)|\[ +(?:ERROR|FAILED) +\]|ERROR: \w+Sanitizer|"
                     r"runtime error:|\.py\", line \d")
FIRST_MAX, LAST_MAX = 10, 12
SKIPPED = re.compile(r"^(?:ok \d+.*# *SKIP|\[ +SKIPPED +\] [^\d\s]\S*$)", ANY_CASE)


def count(program):
    """The cases of a program that passed, failed and were skipped."""
    output = program.get("stdout", "") + "\n" + program.get("stderr", "")
    passed = len(PASSED.findall(output))
    failed = len(set(FAILED.findall(output)))
    skipped = len(SKIPPED.findall(output))
    if program["result"] == "SKIP":
        return passed, failed, max(skipped, 1)
    if program["result"] not in ("OK", "EXPECTEDFAIL"):
        return passed, max(failed, 1), skipped
    return passed if passed or skipped else 1, 0, skipped


def complaints(program):
    """The first lines of a program that tell of a failure, and its last, but of cases that passed."""
    output = program.get("stdout", "") + "\n" + program.get("stderr", "")
    lines = [line for line in output.splitlines() if line.strip() and not UNEVENTFUL.match(line)]
    telling = [number for number, line in enumerate(lines) if TELLING.search(line)][:FIRST_MAX]
    last = range(max(0, len(lines) - LAST_MAX), len(lines))
    return [lines[number] for number in sorted({*telling, *last})]


def read(path):
    try:
        with open(path, encoding="utf-8") as log:
            return [json.loads(line) for line in log]
    except FileNotFoundError:
        return []


def main(paths):
    total = [0, 0, 0]
    bad = []
    for path in paths:
        programs = read(path)
        if not programs:
            total[1] += 1
            bad.append(f"{path}: no test was run")
        for program in programs:
            counts = count(program)
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                bad.append(f"{program['name']} ({program['result']}, {path})")
                bad.extend("    " + line for line in complaints(program))
    for line in bad:
        print(line if line.startswith(" ") else "FAILED: " + line)
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{skipped}")
    return 1 if total[1] or not total[0] else 0


sys.exit(main(sys.argv[1:]))
