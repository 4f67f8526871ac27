#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""The tables of differences in shmapfs(8): what calls do on a mount otherwise than in its areas.

    differences.py BUILD [--write]
    differences.py --answers FILE SERIES [--write]

The first asks (`ask`), as root, in a store and in a RAM area, by themselves, through a mount with
passthrough, and through one without. The rows that are not the same are the table. A scratch directory
has no row of its own: it must answer as the store. The second has
the answers of another kernel, asked in a machine of its own (tests/kernels/run): its table has the
rows that are not as in the first one. Fails if the manual has another one; with --write, puts it
there.

The first table is of one series of kernels and one filesystem of the store. On others, what is found is
compared with the table of these, and only printed where the manual has none. A row counts for nothing
where the area itself answers otherwise than in the table, as in a container that forbids a call.
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SECONDS = 600
HERE = os.path.dirname(os.path.abspath(__file__))
MANUAL = os.path.join(HERE, "..", "..", "docs", "shmapfs.8.scd")
BEGIN, END = "; The table of differences begins.\n", "; It ends.\n"
OTHERS = "; The tables of other kernels begin.\n"
MADE_ON = re.compile(r"^On Linux (\S+), with a store on (\S+), ", re.MULTILINE)
WAYS = ("passthrough", "without", "itself")
HEADING = ("call", "area", "passthrough", "without", "natively")
FIRST_PASSTHROUGH = (6, 9)  # Linux
SAME, BOTH = "same", "both"


def isolated():
    """Runs this program again in namespaces that end with it, with its mounts and daemons."""
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                           sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:],
                           "--isolated"], check=False).returncode


def read_answers(text):
    """{(call, area): the answers of each way}"""
    found = {}
    for way, area, call, answer in (line.split("\t") for line in text.splitlines()):
        found.setdefault(call, {})[way, area] = answer
    return {(call, area): tuple(answers[way, area] for way in WAYS)
            for call, answers in found.items() for area in ("store", "RAM")}


def scratch_otherwise(text):
    """A line for each answer that a scratch directory gives otherwise than the store that it is in."""
    found = {}
    for way, area, call, answer in (line.split("\t") for line in text.splitlines()):
        found[way, area, call] = answer
    return [f"{call}, {way}: {answer} in a scratch directory, {found[way, 'store', call]} in the store"
            for (way, area, call), answer in found.items()
            if area == "scratch" and answer != found[way, "store", call]]


def rows_of(answers):
    """The answers that are not the same."""
    return {key: cells for key, cells in answers.items() if len(set(cells)) > 1}


def rows_of_other(answers, first):
    """The rows that are not as in the first table."""
    rows = rows_of(answers)
    return {key: cells for key, cells in answers.items() if rows.get(key) != first.get(key)}


def line(cells):
    return "".join(f"{'|' if i == 0 else ':'}  {cell}\n" for i, cell in enumerate(cells))


def escaped(text):
    return re.sub(r"([_*\\])", r"\\\1", text)


def table(rows, made_on, is_first):
    """The text for the manual."""
    has_passthrough = tuple(map(int, made_on[0].split("."))) >= FIRST_PASSTHROUGH
    chosen = [i for i, cell in enumerate(HEADING) if has_passthrough or cell != "passthrough"]
    text = "On Linux {}, with a store on {}, as root{}:\n\n".format(
        *made_on, "" if is_first else ", these rows are otherwise")
    text += "".join(f"{':[' if i else '|['} *{HEADING[i]}*\n" for i in chosen)
    for (call, area), cells in rows.items():
        is_both = rows.get((call, "store")) == rows.get((call, "RAM"))
        if is_both and area == "RAM":
            continue
        shown = [SAME if cell == cells[-1] else cell for cell in cells[:-1]]
        whole = (call, BOTH if is_both else area, *shown, cells[-1])
        text += line(escaped(whole[i]) for i in chosen)
    return text + "\n"


def read_table(text):
    """The rows that table() was given."""
    rows = {}
    for block in re.split(r"^\|  ", text, flags=re.MULTILINE)[1:]:
        cells = [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in block.split("\n:")]
        for area in ("store", "RAM") if cells[1] == BOTH else cells[1:2]:
            answers = tuple(cells[-1] if cell == SAME else cell for cell in cells[2:])
            rows[cells[0], area] = answers if len(answers) == len(WAYS) else (answers[0], *answers)
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
    """Returns the text before the tables, {series: table}, and the text after them. The first table
    is that of the machine's own kernel."""
    before, rest = manual.split(BEGIN)
    middle, after = rest.split(END)
    texts = re.split(r"^(?=On Linux )", middle.replace(OTHERS, ""), flags=re.MULTILINE)
    return before, {MADE_ON.match(text)[1]: text for text in texts if text}, after


def write(before, tables, after):
    first, *others = tables.values()
    with open(MANUAL, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + first + OTHERS + "".join(others) + END + after)


def ask(build):
    """The answers, and what they were found on."""
    top = tempfile.mkdtemp(prefix="differences-", dir="/var/tmp")
    os.chmod(top, 0o755)
    try:
        series = ".".join(platform.release().split(".")[:2])
        kind = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", top], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
        asked = subprocess.run([os.path.join(HERE, "ask"), os.path.abspath(build), top], check=True,
                               timeout=SECONDS, text=True, stdout=subprocess.PIPE)
        return read_answers(asked.stdout), (series, kind), scratch_otherwise(asked.stdout)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def put(rows, made_on, is_first):
    """Puts a table into the manual."""
    with open(MANUAL, encoding="utf-8") as file:
        before, tables, after = split(file.read())
    if is_first:
        del tables[next(iter(tables))]
        tables = {made_on[0]: "", **tables}
    tables[made_on[0]] = table(rows, made_on, is_first)
    write(before, tables, after)
    return 0


def compare_with_manual(rows, made_on, again):
    """Returns the exit status."""
    with open(MANUAL, encoding="utf-8") as file:
        tables = split(file.read())[1]
    report = compare(read_table(tables.get(made_on[0], "")), rows)
    if not report:
        return 0
    print("\n".join(report))
    print(f"{os.path.relpath(MANUAL)} is not current (- what it says, + what was found: with passthrough, "
          f"without, the area itself);\nif this is as it should be: {again} --write")
    return 1


def made_on_of_tables():
    """The kernels and filesystems of all tables."""
    with open(MANUAL, encoding="utf-8") as file:
        return [MADE_ON.match(text).groups() for text in split(file.read())[1].values()]


def first_table():
    with open(MANUAL, encoding="utf-8") as file:
        text = next(iter(split(file.read())[1].values()))
    return read_table(text), MADE_ON.match(text).groups()


def main_of_other(answers, series, *words):
    with open(answers, encoding="utf-8") as file:
        rows = rows_of_other(read_answers(file.read()), first_table()[0])
    made_on = (series, "ext4")
    if "--write" in words:
        return put(rows, made_on, False)
    return compare_with_manual(rows, made_on,
                               f"tests/differences/differences.py --answers {answers} {series}")


def main(build, *words):
    if build == "--answers":
        return main_of_other(*words)
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("this takes root and /dev/fuse")
        return SKIPPED
    if "--isolated" not in words:
        return isolated()
    answers, made_on, otherwise = ask(build)
    rows = rows_of(answers)
    if otherwise:
        print("\n".join(otherwise))
        return 1
    if "--write" in words:
        return put(rows, made_on, True)
    first, first_made_on = first_table()
    if first_made_on != made_on and made_on in made_on_of_tables():
        return compare_with_manual(rows_of_other(answers, first), made_on,
                                   f"tests/kernels/run {made_on[0]} differences, and what it says with")
    if first_made_on != made_on:
        print(f"{os.path.relpath(MANUAL)} begins with the table of another kernel or filesystem; "
              "this is the one of here:")
        print(table(rows, made_on, True))
        return SKIPPED
    return compare_with_manual(rows, made_on, f"sudo tests/differences/differences.py {build}")


sys.exit(main(*sys.argv[1:]))
