#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""The table of differences in shmapfs(8): what calls do on a mount otherwise than in its areas.

    differences.py BUILD [--write]

Asks all questions of the program `probe` in a store and in a RAM area, by themselves, through a
mount with passthrough, and through one without, as root. The rows that are not the same are the
table. Fails if the manual has another one; with --write, puts it there.

The table is of one series of kernels and one filesystem of the store. On others, it is only
printed. A row counts for nothing where the area itself answers otherwise than in the table, as in
a container that forbids a call.
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SECONDS = 300
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MANUAL = os.path.join(ROOT, "docs", "shmapfs.8.scd")
BEGIN, END = "; The table of differences begins.\n", "; It ends.\n"
MADE_ON = re.compile(r"^On Linux (\S+), with a store on (\S+), ", re.MULTILINE)
HEADING = ("call", "area", "passthrough", "without", "natively")
MOUNTS = {"passthrough": "", "without": ",nopassthrough"}
SAME, BOTH = "same", "both"


def isolated():
    """Runs this program again in namespaces that end with it, with its mounts and daemons."""
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                           sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:],
                           "--isolated"], check=False).returncode


def ask(probe, directory):
    """{call: answer}, of a new directory below this one."""
    place = tempfile.mkdtemp(dir=directory)
    answers = subprocess.run([probe, place], check=True, timeout=SECONDS, text=True,
                             stdout=subprocess.PIPE)
    return dict(line.split("\t") for line in answers.stdout.splitlines())


def ask_mount(build, top, options):
    """{area: {call: answer}} through a mount."""
    mnt, store = os.path.join(top, "mnt"), os.path.join(top, "store")
    subprocess.run([os.path.join(build, "fs", "shmapfs"), store, mnt, "-o",
                    f"anon=anon,size=256m{options}"], check=True, timeout=SECONDS)
    try:
        probe = os.path.join(build, "tests", "differences", "probe")
        return {"store": ask(probe, mnt), "RAM": ask(probe, os.path.join(mnt, "anon"))}
    finally:
        subprocess.run(["umount", mnt], check=True, timeout=SECONDS)


def ask_everywhere(build, top):
    """{way: {area: {call: answer}}}; the last way is the area itself."""
    for name in ("mnt", "store", "native", "tmpfs"):
        os.mkdir(os.path.join(top, name))
    probe = os.path.join(build, "tests", "differences", "probe")
    tmpfs = os.path.join(top, "tmpfs")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m,huge=within_size", "tmpfs", tmpfs],
                   check=True)
    answers = {way: ask_mount(build, top, options) for way, options in MOUNTS.items()}
    answers["itself"] = {"store": ask(probe, os.path.join(top, "native")), "RAM": ask(probe, tmpfs)}
    return answers


def rows_of(answers):
    """{(call, area): the answers}, where they are not the same."""
    rows = {}
    for call in answers["itself"]["store"]:
        for area in ("store", "RAM"):
            cells = tuple(answers[way][area][call] for way in (*MOUNTS, "itself"))
            if len(set(cells)) > 1:
                rows[call, area] = cells
    return rows


def line(cells):
    return "".join(f"{'|' if i == 0 else ':'}  {cell}\n" for i, cell in enumerate(cells))


def escaped(text):
    return re.sub(r"([_*\\])", r"\\\1", text)


def table(rows, made_on):
    """The text for the manual."""
    text = "On Linux {}, with a store on {}, as root:\n\n".format(*made_on)
    text += "".join(f"{'|[' if i == 0 else ':['} *{cell}*\n" for i, cell in enumerate(HEADING))
    for (call, area), cells in rows.items():
        is_both = rows.get((call, "store")) == rows.get((call, "RAM"))
        if is_both and area == "RAM":
            continue
        shown = [SAME if cell == cells[-1] else cell for cell in cells[:-1]]
        text += line(map(escaped, (call, BOTH if is_both else area, *shown, cells[-1])))
    return text + "\n"


def read_table(text):
    """The rows that table() was given."""
    rows = {}
    for block in re.split(r"^\|  ", text, flags=re.MULTILINE)[1:]:
        cells = [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in block.split("\n:")]
        for area in ("store", "RAM") if cells[1] == BOTH else cells[1:2]:
            rows[cells[0], area] = tuple(cells[-1] if cell == SAME else cell for cell in cells[2:])
    return rows


def compare(written, found):
    """The lines of a report."""
    report = []
    for key in {**written, **found}:
        was, now = written.get(key), found.get(key)
        if was == now or (was and now and was[-1] != now[-1]):
            continue
        name = ": ".join(key)
        report += [f"-{name}: {', '.join(was)}"] if was else []
        report += [f"+{name}: {', '.join(now)}"] if now else []
    return report


def split(manual):
    """What is before the table, the table, and what is after it."""
    before, rest = manual.split(BEGIN)
    middle, after = rest.split(END)
    return before + BEGIN, middle, END + after


def make(build):
    """The rows, and what they were found on."""
    top = tempfile.mkdtemp(prefix="differences-", dir="/var/tmp")
    os.chmod(top, 0o755)
    try:
        series = ".".join(platform.release().split(".")[:2])
        kind = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", top], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
        return rows_of(ask_everywhere(build, top)), (series, kind)
    finally:
        subprocess.run(["umount", os.path.join(top, "tmpfs")], check=False)
        shutil.rmtree(top, ignore_errors=True)


def main(build, *words):
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("this takes root and /dev/fuse")
        return SKIPPED
    if "--isolated" not in words:
        return isolated()
    with open(MANUAL, encoding="utf-8") as file:
        before, middle, after = split(file.read())
    rows, made_on = make(os.path.abspath(build))
    if "--write" in words:
        with open(MANUAL, "w", encoding="utf-8") as file:
            file.write(before + table(rows, made_on) + after)
        return 0
    if MADE_ON.search(middle).groups() != made_on:
        print(f"{MANUAL} has the table of another kernel or filesystem; this is the one of here:")
        print(table(rows, made_on))
        return SKIPPED
    report = compare(read_table(middle), rows)
    if not report:
        return 0
    print("\n".join(report))
    print(f"{MANUAL} is not current (- what it says, + what was found: with passthrough, without, "
          "the area itself);\nif this is as it should be: sudo tests/differences/differences.py "
          f"{build} --write")
    return 1


sys.exit(main(*sys.argv[1:]))
