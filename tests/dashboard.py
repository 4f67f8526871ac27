#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds packaging/grafana/shmapfs.json to what shmapctl metrics tells.

    dashboard.py ROOT

Each metric that a panel asks for is a family of tools/metrics/metrics.c, a counter with _total and as a rate
alone, and each family of numbers is asked for. Panels have their own places and numbers.
"""
import json
import os
import re
import sys

FAMILY = re.compile(r'\{\s*"(shmapfs_\w+)",\s*"(gauge|counter)"')
NAME = re.compile(r"\bshmapfs_\w+")
RATE = re.compile(r"\b(?:rate|increase)\((shmapfs_\w+)\{")

# These are there to tell mounts and areas apart, and say what they are.
DESCRIBE = {"shmapfs_mount", "shmapfs_area", "shmapfs_area_passthrough", "shmapfs_survives", "shmapfs_writeback",
            "shmapfs_upgrades_total", "shmapfs_journal_size_bytes", "shmapfs_journal_used_bytes",
            "shmapfs_journal_waits"}


def overlap(one, other):
    return all(one[axis] < other[axis] + other[size] and other[axis] < one[axis] + one[size]
               for axis, size in (("x", "w"), ("y", "h")))


def mistakes(root):
    with open(os.path.join(root, "tools/metrics/metrics.c"), encoding="utf-8") as file:
        families = {name + ("_total" if kind == "counter" else "") for name, kind in FAMILY.findall(file.read())}
    with open(os.path.join(root, "packaging/grafana/shmapfs.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    asked = set()
    for number, panel in enumerate(panels):
        for target in panel["targets"]:
            names = set(NAME.findall(target["expr"]))
            asked |= names
            yield from (f"{panel['title']}: there is no {name}" for name in names - families)
            yield from (f"{panel['title']}: {name} is a counter, and a rate is wanted" for name in names
                        if name.endswith("_total") and name not in RATE.findall(target["expr"]))
        for other in panels[:number]:
            if panel["id"] == other["id"] or overlap(panel["gridPos"], other["gridPos"]):
                yield f"{panel['title']} has the number or the place of {other['title']}"
    yield from (f"no panel asks for {name}" for name in sorted(families - asked - DESCRIBE))
    yield from (f"{name} is asked for, and counts as one that describes" for name in sorted(asked & DESCRIBE))


found = list(mistakes(sys.argv[1]))
print("\n".join(found))
sys.exit(1 if found else 0)
