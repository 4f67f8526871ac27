#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds docs/top.svg and docs/map.svg to what `shmapctl top` and `map` print of the same mount.

    pictures.py BUILD

Numbers, rows of requests and cells are others each time. The lines around them are as they were
drawn, and the signs of a legend mean what they mean in tools/map/picture.c. Needs root, as
packaging/demo/screens.py does, and no tmux.
"""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "packaging", "demo"))
import screens  # pylint: disable=wrong-import-position

TEXT = "{http://www.w3.org/2000/svg}text"
NUMBER = re.compile(r"\?|\d[\d.]*[BKMGT]?")
CELLS = re.compile(r" *[\d.]+[BKMGT]  \S+")
LEGEND = re.compile(r"  (\S) (\S+(?: \S+)*)")
LOOK = re.compile(r'\[LOOK_\w+\] = \{ "(.)", ".", "([^"]+)" \}')


def drawn(name):
    """The lines of a picture, without that of the command."""
    tree = xml.etree.ElementTree.parse(os.path.join(ROOT, "docs", f"{name}.svg"))
    return ["".join(text.itertext()) for text in tree.iter(TEXT)][1:]


def printed(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in ran.stdout.splitlines() if line]


def shapes(lines):
    """Lines without numbers; how wide a gap is does not count."""
    return [" ".join(NUMBER.sub("#", line).split()) for line in lines]


def head_of_top(lines):
    """The lines up to the headings, which are in capital letters, and the headings of the requests.
    Those of files are there only if somebody uses one."""
    end = next(number for number, line in enumerate(lines) if re.fullmatch(r"[A-Z\d %]+", line))
    return shapes(lines[:end] + [line for line in lines if line.startswith("REQUEST")])


def foot_of_map(lines):
    return shapes(LEGEND.sub("", line) if ":  " in line else line
                  for line in lines if not CELLS.fullmatch(line))


def legend(lines):
    return {pair for line in lines if ":  " in line for pair in LEGEND.findall(line)}


def looks():
    with open(os.path.join(ROOT, "tools/map/picture.c"), encoding="utf-8") as file:
        return set(LOOK.findall(file.read()))


def differences(name, now, then):
    yield from (f"docs/{name}.svg lacks: {line}" for line in now if line not in then)
    yield from (f"docs/{name}.svg alone has: {line}" for line in then if line not in now)


def mistakes(build):
    with screens.demo(build) as mapped:
        top = printed(*screens.TOP, "--once")
        pages = printed(*mapped, *screens.MAP[:-1])
    signs = legend(drawn("map"))
    yield from differences("top", head_of_top(top), head_of_top(drawn("top")))
    yield from differences("map", foot_of_map(pages), foot_of_map(drawn("map")))
    yield from (f"docs/map.svg alone has: {sign} {meaning}" for sign, meaning in signs - looks())
    if not signs or not legend(pages) <= looks():
        yield "the legends of the map are not understood"


def main(build):
    screens.be_alone()
    found = list(mistakes(build))
    for line in found:
        print(line)
    if found:
        print("To make them anew: packaging/demo/screens.py")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
