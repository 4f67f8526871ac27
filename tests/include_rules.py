# SPDX-License-Identifier: BSD-2-Clause
"""Holds the rules of docs/architecture.md about who may include and call whom.

  lib/    includes nothing of fs/ and nothing of libfuse
  tools/  includes of the project's headers only shmap.h, lib/sys (and its own)
  fs/     only ops/reply.c calls fuse_reply_*, which marks a request as answered before it answers;
          the node table includes neither libfuse nor any area's header

What a header includes counts as included by whoever includes it.
"""
import os
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
REPLY = re.compile(r"\bfuse_reply_\w+")
LIBFUSE = re.compile(r"^(fuse3?/)?(fuse|cuse)\w*\.h$")
NODE_TABLE = re.compile(r"^fs/nodes/\w+\.[ch]$")
ANSWERS = re.compile(r"^fs/ops/reply\.c$")
NODE_TABLE_MAY = re.compile(r"^fs/(nodes|util)/\w+\.h$")


class Tree:
    """The sources below lib/, fs/ and tools/, and what they include."""

    def __init__(self, root):
        self.text = {}
        for top in ("lib", "fs", "tools"):
            for directory, _, names in os.walk(os.path.join(root, top)):
                for name in names:
                    if name.endswith((".c", ".h")):
                        path = os.path.join(directory, name)
                        with open(path, encoding="utf-8") as source:
                            self.text[os.path.relpath(path, root)] = COMMENT.sub(" ", source.read())

    def resolve(self, includer, name):
        """The project's file that an #include names, or the name itself if it is none of ours."""
        for directory in (os.path.dirname(includer), "lib", "fs", "tools", ""):
            path = os.path.normpath(os.path.join(directory, name))
            if path in self.text:
                return path
        return name

    def includes(self, path, seen=None):
        """Everything that a file includes, directly or not."""
        seen = set() if seen is None else seen
        for _, name in INCLUDE.findall(self.text.get(path, "")):
            target = self.resolve(path, name)
            if target not in seen:
                seen.add(target)
                self.includes(target, seen)
        return seen


def forbidden(path, target, ours):
    """Why `path` may not include `target`, or None."""
    if path.startswith("lib/"):
        if target.startswith("fs/") or LIBFUSE.match(target):
            return "lib/ must not know FUSE"
    if path.startswith("tools/") and ours:
        if target != "lib/api/shmap.h" and not target.startswith(("lib/sys/", "tools/")):
            return "tools/ may include shmap.h and lib/sys alone"
    if NODE_TABLE.match(path):
        if LIBFUSE.match(target) or (ours and not NODE_TABLE_MAY.match(target)):
            return "the node table must know neither FUSE nor areas"
    return None


def violations(tree):
    found = []
    for path, text in sorted(tree.text.items()):
        for target in sorted(tree.includes(path)):
            reason = forbidden(path, target, target in tree.text)
            if reason:
                found.append(f"{path} includes {target}: {reason}")
        if REPLY.search(text) and not ANSWERS.match(path):
            found.append(f"{path} uses {REPLY.search(text)[0]}: only fs/ops/reply.c does")
    return found


# A small tree that keeps every rule, and what breaks each.
GOOD = {
    "lib/api/shmap.h": "",
    "lib/area.h": '#include "lib/api/shmap.h"\n',
    "lib/area.c": '#include "lib/area.h"\n#include <errno.h>\n',
    "fs/nodes/node_table.h": "#include <stdint.h>\n",
    "fs/nodes/node.c": '#include "fs/nodes/node_table.h"\n// fuse_reply_err is for others\n',
    "fs/ops/ops.h": '#include <fuse_lowlevel.h>\n#include "lib/area.h"\n',
    "fs/ops/file.c": '#include "fs/ops/ops.h"\nanswer_err(req, 0);\n',
    "fs/ops/reply.c": '#include "fs/ops/ops.h"\nfuse_reply_err(req, 0);\n',
    "tools/command.h": '#include "lib/api/shmap.h"\n',
    "tools/status.c": '#include "tools/command.h"\n',
}
BAD = (
    {"lib/area.c": '#include "fs/nodes/node_table.h"\n'},
    {"lib/area.c": '#include "../fs/nodes/node_table.h"\n'},
    {"lib/area.h": "#  include <fuse_lowlevel.h>\n"},
    {"lib/area.h": "#include <fuse3/fuse.h>\n"},
    {"lib/area.c": '#include "fs/ops/ops.h"\n'},
    {"tools/status.c": '#include "lib/area.h"\n'},
    {"tools/command.h": '#include "fs/nodes/node_table.h"\n'},
    {"fs/nodes/node.c": "#include <fuse_kernel.h>\n"},
    {"fs/nodes/node_table.h": '#include "lib/area.h"\n'},
    {"fs/nodes/node.c": '#include "fs/ops/ops.h"\n'},
    {"fs/nodes/node.c": "fuse_reply_err(req, 0);\n"},
    {"fs/ops/ops.h": "fuse_reply_err(req, 0);\n"},
    {"fs/ops/file.c": "fuse_reply_err(req, 0);\n"},
    {"lib/area.c": "fuse_reply_err(req, 0);\n"},
)


def violations_in(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return violations(Tree(root))


def main(root):
    if violations_in(GOOD):
        sys.exit(f"the rules forbid what is allowed: {violations_in(GOOD)}")
    for change in BAD:
        if not violations_in({**GOOD, **change}):
            sys.exit(f"the rules let this pass: {change}")
    tree = Tree(root)
    for pattern in (NODE_TABLE, ANSWERS, re.compile("^lib/.*c$"), re.compile("^tools/.*c$")):
        if not any(pattern.match(path) for path in tree.text):
            sys.exit(f"no file is what {pattern.pattern} stands for: the rules need to follow")
    found = violations(tree)
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


main(sys.argv[1])
