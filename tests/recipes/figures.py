#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds docs/benchmarks.svg and README's table of figures to the first table of docs/benchmarks.md.

    figures.py
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "packaging", "demo"))
import figures  # pylint: disable=wrong-import-position

COLUMNS = (figures.ANON, figures.TMPFS, figures.PERSIST, figures.EXT4)


def in_readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read()
    return figures.table(text[text.index("\n## Measured\n"):])


def differences(shown, measured):
    """What is wrong with a table of README's, beside the rows that were measured."""
    if list(shown) != list(measured):
        yield f"README has rows of {list(shown)}, and is to have {list(measured)}"
        return
    for name, cells in measured.items():
        wanted = [cells[column] for column in COLUMNS]
        if shown[name][1:] != wanted:
            yield f"README has {shown[name][1:]} of «{name}», and docs/benchmarks.md {wanted}"


def check_itself():
    rows = {"a": ["work", "1 s", "1.5", "2", "2 s", "0.5", "3"]}
    same = ["a", "1 s", "1.5", "2 s", "0.5"]
    for shown, wrong in (({"a": same}, 0), ({"a": [*same[:4], "0.6"]}, 1), ({}, 1)):
        if len(list(differences(shown, rows))) != wrong:
            sys.exit(f"the rule is wrong about {shown}")
    if figures.draw(rows) == figures.draw({"a": [*rows["a"][:5], "0.6", "3"]}):
        sys.exit("the picture does not show a figure")


def main():
    check_itself()
    measured = figures.measured()
    found = list(differences(in_readme(), measured))
    with open(figures.PICTURE, encoding="utf-8") as file:
        if file.read() != figures.draw(measured):
            found.append("docs/benchmarks.svg is not what docs/benchmarks.md has; to make it anew: "
                         "packaging/demo/figures.py")
    print("\n".join(found) or f"{len(measured)} rows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
