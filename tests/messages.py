#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds docs/troubleshooting.md to what the daemon says.

    messages.py ROOT

A message is the format of a call of complain(), log_event(), tell() or damage_tell() in fs/ or lib/,
or of one of fprintf() to standard error: all with which a mount is refused, and all that a daemon
logs. A format of fewer than three words hands on what its arguments say: a string, the strings that
?: chooses from, or what a variable of the function was given (by snprintf() and the like, or =). If
none of these says three words, it hands on what another function says, and is none. A row of the
page has messages in code spans, with … for what differs and three words at least. Each message has
to be what some row has, and each row has to be what some message says.
"""
import itertools
import os
import re
import sys

CALL = re.compile(r"\b(complain|log_event|tell|damage_tell|fprintf)\s*\(")
PRINT = re.compile(r"\b(?:snprintf|asprintf|strlcpy)\s*\(")
ASSIGNMENT = r"\b{}\s=\s([^;]*);"
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%(?:\.\*|\d+)?(?:ll|l|j|z)?[a-zA-Z]")
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
DEFINED = re.compile(r'#define (\w+) ("[^"\n]*")')
GAP = "…"
WORDS_LEAST = 3

# Code, and the messages of the call in it.
SAID = (
    ('complain(c, E, "%s; %s", n < 1 ? "a is missing" : f(n) ? "b is too many" : g(n), usage)',
     ["a is missing; …", "b is too many; …"]),
    ('complain(c, E, n ? "a is not there: %s" : "b is not there", strerror(n))',
     ["a is not there: …", "b is not there"]),
    ('log_event(LOG_ERR, "%s: %s", path, text); snprintf(text, sizeof(text), "%s is gone for good", a)',
     ["…: … is gone for good"]),
    ('log_event(LOG_ERR, "the file %s is %s", path, n ? "not any more there" : "b")',
     ["the file … is …"]),
    ('listener->tell(context, "all of it failed")', ["all of it failed"]),
    ('damage_tell(l, o, why); why = n ? "a is now damaged" : strerror(n);', ["…: a is now damaged"]),
    ('fprintf(stderr, "shmapfs: it is dead: %s\\n", e)', ["it is dead: …"]),
    ('fprintf(stream, "it is not said")', []),
)


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


def split_choice(argument):
    """The values of a ?: outside of parentheses; of anything else that itself."""
    parts, depth = [""], 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|.', argument, re.DOTALL):
        depth += (token in "([{") - (token in ")]}")
        if depth == 0 and token == "?":
            parts[-1] = ""
        elif depth == 0 and token == ":":
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]


def texts_of(argument, defined):
    """The texts that an argument can have, if it is made of strings; … for other values of a ?:."""
    texts = [format_of(value, defined) for value in split_choice(argument)]
    return [text or GAP for text in texts] if any(texts) else []


def texts_in(name, function, defined):
    """What a function gives a variable to say."""
    texts = []
    for call in PRINT.finditer(function):
        first, *rest = arguments(function, call.end() - 1)
        if first.strip().lstrip("&") == name:
            texts += next((found for found in (texts_of(each, defined) for each in rest) if found), [])
    for value in re.findall(ASSIGNMENT.format(re.escape(name)), function):
        texts += texts_of(value, defined)
    return texts


def values_of(argument, function, defined):
    argument = argument.strip()
    found = texts_of(argument, defined)
    if not found and re.fullmatch(r"\w+", argument):
        found = texts_in(argument, function, defined)
    return [CONVERSION.sub(GAP, text) for text in found] or [GAP]


def expand(text, values):
    """The messages of a format with the values that its arguments can have."""
    if has_words(CONVERSION.sub("", text)):
        return [CONVERSION.sub(GAP, text)]
    count = len(CONVERSION.findall(text))
    values = [*values, *[[GAP]] * count][:count]
    return [CONVERSION.sub(lambda _, left=iter(choice): next(left), text)
            for choice in itertools.product(*values)]


def said_by(name, given, function, defined):
    """The messages of a call."""
    if name == "fprintf" and given[0].strip() != "stderr":
        return []
    if name in ("tell", "damage_tell"):
        formats, rest = ["%s" if name == "tell" else "…: %s"], given[-1:]
    else:
        number = next((number for number, each in enumerate(given) if texts_of(each, defined)), None)
        if number is None:
            return []
        formats, rest = texts_of(given[number], defined), given[number + 1:]
    values = [values_of(each, function, defined) for each in rest]
    found = [message for text in formats for message in expand(text, values)]
    if name == "fprintf":
        found = [message.removeprefix("shmapfs: ").removesuffix("\\n") for message in found]
    return [message for message in found if has_words(message)]


def messages(root):
    """{message with its gaps: where it is}"""
    texts = list(sources(root))
    defined = {name: value for _, text in texts for name, value in DEFINED.findall(text)}
    found = {}
    for path, text in texts:
        for function in text.split("\n}\n"):
            for call in CALL.finditer(function):
                given = arguments(function, call.end() - 1)
                for message in said_by(call[1], given, function, defined) if given else ():
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
    for code, wanted in SAID:
        call = next(CALL.finditer(code))
        said = said_by(call[1], arguments(code, call.end() - 1), code, {})
        if said != wanted:
            sys.exit(f"{said} is read, and not {wanted}, in: {code}")


def main(root):
    check_itself()
    said = messages(root)
    found = list(differences(said, rows(os.path.join(root, "docs", "troubleshooting.md"))))
    print("\n".join(found) or f"{len(said)} messages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
