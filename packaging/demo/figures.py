#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Makes docs/benchmarks.svg: how long works take on a mount, as a multiple of the time without it.

    packaging/demo/figures.py

The figures are those of the first table of docs/benchmarks.md, which has the command that measures
them. tests/recipes/figures.py fails when the picture, or README's table, is not what that has.
"""
import math
import os
import re
import xml.sax.saxutils

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PICTURE = os.path.join(ROOT, "docs", "benchmarks.svg")

# A work of docs/benchmarks.md, and its name in README and the picture.
WORKS = {
    "mmap warm store": "store into 1 GiB that is mapped and there",
    "mmap refault": "map it again and touch it",
    "ping-pong": "two processes, a message through a mapping",
    "pwrite 4 KiB": "`pwrite` of 4 KiB",
    "pread 1 MiB": "`pread` of 1 MiB",
    "open+close": "open and close a file",
    "create+close": "create one",
    "stat warm": "`stat`",
    "build": "a build",
    "sqlite insert": "a row inserted into SQLite",
}
ANON, TMPFS, PERSIST, EXT4 = 1, 2, 4, 5  # columns of that table

LEFT, RIGHT, TOP, STEP = 360, 870, 76, 36
LEAST, MOST = 0.2, 20
TICKS = (0.2, 0.5, 1, 2, 5, 10, 20)
# What a point compares, its column, its colour, and how far it is from the middle of its row.
MARKS = (("anonymous, against tmpfs", TMPFS, "#b4690e", -8),
         ("persisted, against ext4", EXT4, "#2f7d4f", 8))
TITLE = "Time on a mount, as a multiple of the time on the same kind of area without it"
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}" width="900" \
font-family="DejaVu Sans, Verdana, sans-serif" font-size="14" fill="#1f2933">
<title>{title}</title>
<!-- Made by packaging/demo/figures.py of docs/benchmarks.md. -->
<rect width="900" height="{height}" fill="#ffffff"/>
{parts}
</svg>
"""


def table(text):
    """{first cell: all cells} of the first table of a text."""
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row for row in rows[2:]}


def measured():
    """{name in README: cells}, in README's order."""
    with open(os.path.join(ROOT, "docs", "benchmarks.md"), encoding="utf-8") as file:
        rows = table(file.read())
    return {name: rows[work] for work, name in WORKS.items()}


def place(ratio):
    """Where a ratio is from left to right."""
    part = math.log(ratio / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + part * (RIGHT - LEFT), 1)


def words(text, x, y, **attributes):
    given = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x}" y="{y}"{given}>{xml.sax.saxutils.escape(text)}</text>'


def line(x1, y1, x2, y2, colour, width=1):
    return f'<path d="M{x1} {y1} L{x2} {y2}" stroke="{colour}" stroke-width="{width}"/>'


def point(ratio, y, colour):
    """A point, the line to it from where nothing is lost or gained, and its figure."""
    x = place(float(ratio))
    beyond = float(ratio) < 1
    return [line(place(1), y, x, y, colour, 2),
            f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>',
            words(ratio, x + (-9 if beyond else 9), y + 4, font_size=12, fill=colour,
                  text_anchor="end" if beyond else "start")]


def draw(rows):
    """The picture of these rows."""
    bottom = TOP + len(rows) * STEP
    parts = [words(TITLE, 20, 26, font_weight="bold")]
    for (name, _, colour, _), x in zip(MARKS, (LEFT, LEFT + 240)):
        parts += [f'<circle cx="{x}" cy="48" r="4.5" fill="{colour}"/>', words(name, x + 10, 53)]
    for tick in TICKS:
        parts += [line(place(tick), TOP - 8, place(tick), bottom, "#52606d" if tick == 1 else "#d9dee3"),
                  words(f"{tick:g}", place(tick), bottom + 18, font_size=12, text_anchor="middle")]
    parts += [words("faster than without", place(1) - 12, bottom + 38, font_size=12, text_anchor="end"),
              words("slower", place(1) + 12, bottom + 38, font_size=12)]
    for number, (name, cells) in enumerate(rows.items()):
        y = TOP + number * STEP + STEP // 2
        parts.append(words(name.replace("`", ""), LEFT - 20, y + 5, text_anchor="end"))
        for _, column, colour, shift in MARKS:
            parts += point(cells[column], y + shift, colour)
    return SVG.format(height=bottom + 54, title=TITLE, parts="\n".join(parts))


def main():
    with open(PICTURE, "w", encoding="utf-8") as file:
        file.write(draw(measured()))
    print(PICTURE)


if __name__ == "__main__":
    main()
