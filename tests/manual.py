#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds a sentence of shmapctl(1), which names the commands with options of their own, to the help.

    manual.py ROOT SHMAPCTL
"""
import os
import re
import subprocess
import sys

SENTENCE = re.compile(r"Options may stand anywhere on the line\. (.*?) have options of their own", re.DOTALL)


def told(shmapctl, *words):
    return subprocess.run([shmapctl, "help", *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def with_options(shmapctl):
    commands = re.findall(r"^  ([a-z]+) ", told(shmapctl).split("\ncommands:\n")[1].split("\n\n")[0], re.MULTILINE)
    return [name for name in sorted(commands) if "[OPTION...]" in told(shmapctl, name).splitlines()[0]]


def main(root, shmapctl):
    with open(os.path.join(root, "docs", "shmapctl.1.scd"), encoding="utf-8") as file:
        named = re.findall(r"\*([a-z]+)\*", SENTENCE.search(file.read())[1])
    wanted = with_options(shmapctl)
    if named != wanted:
        print(f"shmapctl(1) names {named} as the commands with options, and the help has them of {wanted}")
        return 1
    print(f"{len(wanted)} commands have options")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
