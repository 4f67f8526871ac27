#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""docs/compatibility.md: what was proven of whose program.

    table.py RESULTS DOCUMENT OUTPUT

Makes OUTPUT, the document as it should be: from the rows, from the directory of results that
programs.py wrote (one file for each tier and setting), and for a tier or a setting of it that was not
run, or that this kernel does not have, from DOCUMENT. Fails if DOCUMENT says something else. The
versions that were tried do not count for that: the distribution changes them from one day to the next.
"""
import collections
import difflib
import json
import os
import platform
import re
import sys

from rows import all_rows
from rows.unavailable import UNAVAILABLE

SETTINGS = ("passthrough", "cached", "user", "killed")
COLUMNS = ("program or library", "tried", "tier", "proven", *SETTINGS)
VERSION = COLUMNS.index("tried")
VERDICTS = len(COLUMNS) - len(SETTINGS)
MADE_ON = re.compile(r"^Made on (.*), Linux .*\.$", re.MULTILINE)

HEAD = """\
# Compatibility

Programs and libraries that other people wrote, unmodified, on a mount. Each row is a test in
`tests/programs`: two processes, where it can be of two programs or languages, share a file on the
mount through mappings of their own. One makes it, both store and write and see what the other did,
one lets it grow by its own means while the other has it mapped. After a remount what was persisted
is there and of use, and what was anonymous is gone. Each row is run in an anonymous and in a
persisted directory: of root's mount, with FUSE *passthrough* and with the data path through FUSE's
page cache (*cached*), and of a *user*'s own mount. A program's cache is tried in an anonymous
directory that keeps its skeleton, by the mount option and by the directory's own attribute.

Rows of tier 1 are part of `./check` (*user* and *killed*, which go through what the others do, too),
those of tier 2 of `./check --all`, as all columns are, and those of tier 3 are
run by hand (`tests/programs/programs.py passthrough --tier 3`). All are run once more, with
passthrough, while the process that serves the data is *killed* once a second.

Programs that use `shm_open` or `sem_open` run under `shmapctl run`, which gives them a shmapfs
mount as `/dev/shm`. That takes a C library that is content with any filesystem there: glibc 2.36
is; 2.31 looks for a tmpfs, and the program gets EROFS.

The test run makes this page, and fails where it is not current.

"""

UNAVAILABLE_HEAD = """
## Not tried

The distribution does not have these; the closest that it has is tried in their place.

| program or library | why not | the closest |
| --- | --- | --- |
"""


def release():
    """The distribution, as its users name it."""
    found = platform.freedesktop_os_release()
    return " ".join((found["NAME"].split()[0], found.get("VERSION_ID", ""))).strip()


def upstream(version):
    """2:8.2.29-1+b1 -> 8.2.29"""
    return re.split(r"[-+~]", version.split(":")[-1])[0]


def read_results(directory):
    """{slug: {setting: passed}}, {slug: "package version"}, the (tier, setting) that were run, and
    the tiers of which there are results."""
    passed, tried, ran, tiers = collections.defaultdict(dict), {}, set(), set()
    for name in sorted(os.listdir(directory) if os.path.isdir(directory) else []):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            result = json.load(file)
        tiers.add(result["tier"])
        if not result.get("missing"):
            ran.add((result["tier"], result["setting"]))
        for slug, row in result["rows"].items():
            passed[slug][result["setting"]] = row["passed"]
            package, version = row["version"]
            tried[slug] = f"{package} {upstream(version)}".strip()
    return passed, tried, ran, tiers


def read_document(text):
    """{name: its cells}"""
    rows = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {cells[0]: cells for cells in rows if len(cells) == len(COLUMNS)}


def line(cells):
    return "| " + " | ".join(cells) + " |\n"


def verdict(passed):
    return {True: "yes", False: "no", None: "not run"}[passed]


def cells_of(row, old, results, elsewhere):
    """The cells of a row: what was found, or what was known before of a tier that was not run, of a
    row that could not be run on another release than the document's, and of a setting that was not
    run."""
    passed, tried, ran, tiers = results
    fixed = [row.name, tried.get(row.slug) or old[VERSION], str(row.tier), row.proves]
    if row.tier not in tiers or (elsewhere and row.slug not in passed):
        return fixed + list(old[VERDICTS:])
    found = {setting: verdict(passed[row.slug].get(setting))
             for setting in SETTINGS if (row.tier, setting) in ran}
    return fixed + [found.get(setting) or before or verdict(None)
                    for setting, before in zip(SETTINGS, old[VERDICTS:])]


def make(document, directory):
    """The whole text."""
    results = read_results(directory)
    before = read_document(document)
    made_on = MADE_ON.search(document)
    here = f"Made on {release()}, Linux {'.'.join(platform.release().split('.')[:2])}."
    elsewhere = made_on is not None and made_on.group(1) != release()
    as_before = made_on and (elsewhere or not results[-1] >= {1, 2})
    text = HEAD + (made_on.group() if as_before else here) + "\n\n"
    text += line(COLUMNS) + line(["---"] * len(COLUMNS))
    for row in all_rows():
        text += line(cells_of(row, before.get(row.name, [""] * len(COLUMNS)), results,
                              elsewhere))
    slugs = {row.slug: row.name for row in all_rows()}
    return text + UNAVAILABLE_HEAD + "".join(
        line([name, reason, slugs[substitute]]) for name, reason, substitute in UNAVAILABLE)


def what_counts(text):
    """The lines of a document that have to be the same, without the versions."""
    rows = read_document(text)
    return [line(cells[:VERSION] + cells[VERSION + 1:]) for cells in rows.values()] + [
        each for each in text.splitlines() if not MADE_ON.match(each)
        and each.strip("| ").split(" | ")[0] not in rows]


def main(directory, document_path, output_path):
    try:
        with open(document_path, encoding="utf-8") as file:
            document = file.read()
    except FileNotFoundError:
        document = ""
    if 1 not in read_results(directory)[-1]:
        print(f"{directory} has no results of tier 1: run the suite «programs» first")
        return 1
    text = make(document, directory)
    with open(output_path, "w", encoding="utf-8") as file:
        file.write(text)
    differences = list(difflib.unified_diff(what_counts(document), what_counts(text),
                                            document_path, output_path, lineterm="", n=0))
    if not differences:
        return 0
    print("\n".join(each.rstrip() for each in differences))
    print(f"{document_path} is not current; if {output_path} is right, copy it there")
    return 1


sys.exit(main(*sys.argv[1:]))
