# SPDX-License-Identifier: BSD-2-Clause
"""Usage: openmetrics.py FILE

Reads a text of OpenMetrics 1.0 by the rules that hold for gauges and counters, and prints each thing that
is wrong with it; the exit status is 1 then.

  - It ends with "# EOF" and a line feed, and has no empty lines.
  - A family has TYPE, UNIT (if any) and HELP, once each and in this order, before its samples, which
    come together; no other family has its name.
  - A name ends with its unit, and the samples of a counter with _total.
  - Labels have valid names, escaped values and no name twice; no two samples are of the same labels.
  - A value is a number; that of a counter is not negative.
"""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
LABEL_VALUE = re.compile(r'"((?:[^"\\\n]|\\[\\n"])*)"')
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
TYPES = ("gauge", "counter")
ORDER = ("TYPE", "UNIT", "HELP")


class Wrong(Exception):
    pass


def take(pattern, text, at, what):
    found = pattern.match(text, at)
    if not found:
        raise Wrong(f"no {what} at column {at + 1}")
    return found, found.end()


def parse_labels(line, at):
    """Labels in braces from a place on, and where they end."""
    labels = {}
    if line[at] != "{":
        return labels, at
    at += 1
    while line[at:at + 1] != "}":
        if labels:
            if line[at:at + 1] != ",":
                raise Wrong(f"no comma at column {at + 1}")
            at += 1
        name, at = take(LABEL_NAME, line, at, "name of a label")
        if line[at:at + 1] != "=":
            raise Wrong(f"no = at column {at + 1}")
        value, at = take(LABEL_VALUE, line, at + 1, "value of a label")
        if name[0] in labels:
            raise Wrong(f"the label {name[0]} is there twice")
        labels[name[0]] = value[1]
    return labels, at + 1


def parse_sample(line):
    name, at = take(NAME, line, 0, "name")
    labels, at = parse_labels(line, at) if at < len(line) else ({}, at)
    if line[at:at + 1] != " ":
        raise Wrong(f"no space at column {at + 1}")
    value, at = take(NUMBER, line, at + 1, "number")
    if at != len(line):
        raise Wrong(f"something follows at column {at + 1}")
    return name[0], labels, float(value[0])


class Reader:
    def __init__(self):
        self.families = {}  # what is known of each: its words, and the labels of its samples
        self.current = None

    def describe(self, line):
        words = line.split(" ", 3)
        if len(words) != 4 or words[0] != "#" or words[1] not in ORDER:
            raise Wrong("neither a sample nor a TYPE, UNIT or HELP")
        kind, name, value = words[1:]
        if not NAME.fullmatch(name):
            raise Wrong(f"{name} is no name")
        if name != self.current:
            if name in self.families:
                raise Wrong(f"{name} comes again")
            self.current, self.families[name] = name, {"samples": set()}
        family = self.families[name]
        if family["samples"]:
            raise Wrong(f"{kind} after samples")
        if any(later in family for later in ORDER[ORDER.index(kind):]):
            raise Wrong(f"{kind} is out of order, or there twice")
        if kind == "TYPE" and value not in TYPES:
            raise Wrong(f"the type {value}")
        if kind == "UNIT" and not name.endswith("_" + value):
            raise Wrong(f"{name} does not end with its unit {value}")
        if kind == "HELP" and re.search(r'\\[^\\n"]', value):
            raise Wrong("an escape that is none")
        family[kind] = value

    def sample(self, line):
        name, labels, value = parse_sample(line)
        family = self.families.get(self.current, {})
        counter = family.get("TYPE") == "counter"
        if self.current is None or name != self.current + ("_total" if counter else ""):
            raise Wrong(f"{name} is no sample of {self.current}")
        if counter and value < 0:
            raise Wrong("a counter is negative")
        key = tuple(sorted(labels.items()))
        if key in family["samples"]:
            raise Wrong("the same labels twice")
        family["samples"].add(key)


def mistakes(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"not UTF-8: {error}"]
    if not text.endswith("# EOF\n"):
        return ["it does not end with # EOF"]
    found, reader = [], Reader()
    for number, line in enumerate(text[:-len("# EOF\n")].split("\n")[:-1], 1):
        try:
            (reader.describe if line.startswith("#") else reader.sample)(line)
        except (Wrong, IndexError) as error:
            found.append(f"line {number}: {error}")
    return found


GOOD = (
    "# EOF\n",
    '# TYPE a_bytes gauge\n# UNIT a_bytes bytes\n# HELP a_bytes What.\na_bytes{x="1",y="\\"\\\\"} 1.5\n# EOF\n',
    '# TYPE a counter\na_total 1\n# TYPE b gauge\nb{x=""} -1e3\nb{x="1"} 0\n# EOF\n',
)
BAD = (
    "",
    "# TYPE a gauge\na 1\n",
    "# TYPE a gauge\na 1\n# EOF",
    "# TYPE a gauge\n\na 1\n# EOF\n",
    "# TYPE a gauge\na 1\n# EOF\na 2\n",
    "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"1\"} 2\n# EOF\n",
    "# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n# EOF\n",
    "# TYPE a gauge\na{x=\"\\0\"} 1\n# EOF\n",
    "# TYPE a gauge\na{x=1} 1\n# EOF\n",
    "# TYPE a gauge\na{x=\"1\" 1\n# EOF\n",
    "# TYPE a gauge\na one\n# EOF\n",
    "# TYPE a gauge\na 1 \n# EOF\n",
    "# TYPE a gauge\nb 1\n# EOF\n",
    "# TYPE a counter\na 1\n# EOF\n",
    "# TYPE a counter\na_total -1\n# EOF\n",
    "# TYPE a thing\na 1\n# EOF\n",
    "# HELP a What.\n# TYPE a gauge\na 1\n# EOF\n",
    "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
    "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na 2\n# EOF\n",
    "# a comment\n# EOF\n",
    "a 1\n# EOF\n",
)


def main(path):
    for text in GOOD:
        if mistakes(text.encode()):
            sys.exit(f"the rules forbid what is allowed: {text!r}: {mistakes(text.encode())}")
    for text in BAD:
        if not mistakes(text.encode()):
            sys.exit(f"the rules let this pass: {text!r}")
    with open(path, "rb") as file:
        found = mistakes(file.read())
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
