#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""docs/compatibility.md: what was proven of whose program.

    table.py RESULTS DOCUMENT OUTPUT

Makes OUTPUT, the document as it should be: from the rows, from the directory of results that
programs.py wrote (FILE per tier and setting), and for the tiers that were not run from DOCUMENT.
Fails if DOCUMENT says something else. Of a version the first two numbers count, and only on the
release of Debian that the document was made on: elsewhere they are what that release has.
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

SETTINGS = ("passthrough", "cached", "user")
COLUMNS = ("program or library", "tried", "tier", "proven", *SETTINGS)
MADE_ON = re.compile(r"^Made on (.*), Linux .*\.$", re.MULTILINE)

HEAD = """\
# Compatibility

Programs and libraries that other people wrote, unmodified, on a mount. Each row is a test in
`tests/programs`: two processes, where it can be of two programs or languages, share a file on the
mount through mappings of their own. One makes it, both store and write and see what the other did,
one lets it grow by its own means while the other has it mapped. After a remount what was persisted
is there and of use, and what was anonymous is gone. Each row is run in an anonymous and in a
persisted directory: of root's mount, with FUSE *passthrough* and with the data path through FUSE's
page cache (*cached*), and of a *user*'s own mount.

Rows of tier 1 are part of `./check`, those of tier 2 of `./check --all`, and those of tier 3 are
run by hand (`tests/programs/programs.py passthrough --tier 3`). Tiers 1 and 2 are run once more
while the process that serves the mount is killed once a second.

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


def series(text):
    """What counts of a version: 8.2.29 -> 8.2"""
    return re.sub(r"\b(\d+\.\d+)(\.[\w.]+)?", r"\1", text)


def read_results(directory):
    """{slug: {setting: passed}}, {slug: "package version"} and the tiers that were run."""
    passed, tried, tiers = collections.defaultdict(dict), {}, set()
    for name in sorted(os.listdir(directory) if os.path.isdir(directory) else []):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            result = json.load(file)
        tiers.add(result["tier"])
        for slug, row in result["rows"].items():
            passed[slug][result["setting"]] = row["passed"]
            package, version = row["version"]
            tried[slug] = f"{package} {upstream(version)}".strip()
    return passed, tried, tiers


def read_document(text):
    """{name: its cells}"""
    rows = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {cells[0]: cells for cells in rows if len(cells) == len(COLUMNS)}


def line(cells):
    return "| " + " | ".join(cells) + " |\n"


def verdict(passed):
    return {True: "yes", False: "no", None: "not run"}[passed]


def make(document, directory):
    """The whole text."""
    passed, tried, tiers = read_results(directory)
    before = read_document(document)
    made_on = MADE_ON.search(document)
    here = f"Made on {release()}, Linux {'.'.join(platform.release().split('.')[:2])}.\n\n"
    text = HEAD + (made_on.group() + "\n\n" if made_on and not tiers >= {1, 2} else here)
    text += line(COLUMNS) + line(["---"] * len(COLUMNS))
    for row in all_rows():
        old = before.get(row.name, [""] * len(COLUMNS))
        if row.slug in passed:
            found = [verdict(passed[row.slug].get(setting)) for setting in SETTINGS]
            cells = [row.name, tried[row.slug], str(row.tier), row.proves, *found]
        else:
            cells = [row.name, old[1], str(row.tier), row.proves, *old[4:]]
        text += line(cells)
    slugs = {row.slug: row.name for row in all_rows()}
    return text + UNAVAILABLE_HEAD + "".join(
        line([name, reason, slugs[substitute]]) for name, reason, substitute in UNAVAILABLE)


def what_counts(text, with_versions):
    """The lines of a document that have to be the same."""
    lines = [text_line for text_line in text.splitlines() if not MADE_ON.match(text_line)]
    if with_versions:
        return [series(text_line) for text_line in lines]
    rows = read_document(text)
    return [cells[0] + cells[2] + cells[3] for cells in rows.values()]


def main(directory, document_path, output_path):
    try:
        with open(document_path, encoding="utf-8") as file:
            document = file.read()
    except FileNotFoundError:
        document = ""
    text = make(document, directory)
    with open(output_path, "w", encoding="utf-8") as file:
        file.write(text)
    made_on = MADE_ON.search(document)
    same_release = made_on is not None and made_on.group(1) == release()
    old, new = (what_counts(each, same_release) for each in (document, text))
    differences = list(difflib.unified_diff(old, new, document_path, output_path, lineterm="", n=0))
    if not differences:
        return 0
    print("\n".join(differences))
    print(f"{document_path} is not current; if {output_path} is right, copy it there")
    return 1


sys.exit(main(*sys.argv[1:]))
