#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds docs/troubleshooting.md to what the daemon says.

    messages.py ROOT

A message is the format of a call of complain() or log_event() in fs/ or lib/: all with which a mount
is refused, and all that a daemon logs. A format of fewer than three words hands on what another one
says, and is none. A row of the page has messages in code spans, with … for what differs and three
words at least. Each message has to be what some row has, and each row has to be what some message
says.
"""
import os
import re
import sys

CALL = re.compile(r"\b(?:complain|log_event)\s*\(")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%(?:\.\*|\d+)?(?:ll|l|j|z)?[a-zA-Z]")
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
DEFINED = re.compile(r'#define (\w+) ("[^"\n]*")')
GAP = "…"
WORDS_LEAST = 3


def sources(root):
    for top in ("fs", "lib"):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(directory, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, root), COMMENT.sub(" ", file.read())


def arguments(text, at):
    """The arguments of a call, from its parenthesis on."""
    depth, start, found = 0, at + 1, []
    while at < len(text):
        string = STRING.match(text, at)
        if string:
            at = string.end()
            continue
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and text[at] == ","):
            found.append(text[start:at])
            start = at + 1
            if depth == 0:
                return found
        at += 1
    return found


def format_of(argument, defined):
    """The text of a string that may stand in several parts, or None: it is none."""
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|\w+|\S', argument)
    strings = [part if part.startswith('"') else defined.get(part) for part in parts]
    if not strings or None in strings:
        return None
    return "".join(string[1:-1] for string in strings).replace('\\"', '"')


def has_words(message):
    return len(re.findall(r"[A-Za-z]+", message)) >= WORDS_LEAST


def messages(root):
    """{message with its gaps: where it is}"""
    texts = list(sources(root))
    defined = {name: value for _, text in texts for name, value in DEFINED.findall(text)}
    found = {}
    for path, text in texts:
        for call in CALL.finditer(text):
            formats = [format_of(each, defined) for each in arguments(text, call.end() - 1)]
            message = next((CONVERSION.sub(GAP, each) for each in formats if each), None)
            if message and has_words(message):
                found.setdefault(message, path)
    return found


def rows(page):
    """The messages in the first column of the page's tables, one for each code span."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    text = text[text.index("\n## A mount is refused"):]
    first = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    return [span for cell in first for span in re.findall("`([^`]*)`", cell)]


def pattern_of(row):
    return re.compile(".*".join(map(re.escape, row.split(GAP))))


def differences(said, listed):
    patterns = {row: pattern_of(row) for row in listed}
    for message, path in said.items():
        if not any(pattern.fullmatch(message) for pattern in patterns.values()):
            yield f"{path} says «{message}»: no row has that"
    for row, pattern in patterns.items():
        if not has_words(row):
            yield f"the row «{row}» has too few words: it would hide others"
        elif not any(pattern.fullmatch(message) for message in said):
            yield f"nothing says «{row}»"


def check_itself():
    said = {f"STORE {GAP} is old": "a.c", f"{GAP} is gone for good": "b.c"}
    gone = "… is gone for good"
    for listed, wrong in ((["STORE … is old", gone], 0), (["STORE … is …", gone], 1), ([gone], 1),
                          (["…", "STORE … is old", gone], 1), (["STORE … is new", gone], 2)):
        if len(list(differences(said, listed))) != wrong:
            sys.exit(f"the rule is wrong about {listed}")
    if format_of(' "a " NAME\n "\\"b\\""', {"NAME": '"x "'}) != 'a x "b"':
        sys.exit("a format is not read as it is written")


def main(root):
    check_itself()
    said = messages(root)
    found = list(differences(said, rows(os.path.join(root, "docs", "troubleshooting.md"))))
    print("\n".join(found) or f"{len(said)} messages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
