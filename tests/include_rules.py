# SPDX-License-Identifier: BSD-2-Clause
"""Holds the rules of docs/architecture.md about rooms and files.

  - A file includes of the project only what its room may (ROOMS), by a path from the project's root.
  - A room may include what is below it: the table itself has no circle. Neither have the files, a
    source and its header taken together.
  - Rooms that must not know FUSE do not include libfuse, whatever they include.
  - Only fs/ops/reply.c calls fuse_reply_*, which marks a request as answered before it answers.
  - A room has 20 files at most, a file 400 lines.
  - docs/architecture.md names every source file.
"""
import os
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
REPLY = re.compile(r"\bfuse_reply_\w+")
LIBFUSE = re.compile(r"^(fuse3?/)?(fuse|cuse)\w*\.h$")
REPLIES = "fs/ops/reply.c"
FILES_MAX = 20
LINES_MAX = 400

# Each room, and which others it may include; from the bottom up.
LIB_BELOW = {
    "lib/sys": [],
    "lib/process": ["lib/sys"],
    "lib/api": ["lib/sys"],
    "lib/broker": ["lib/sys"],
    "lib/latency": ["lib/api", "lib/sys"],
    "lib/object": ["lib/api", "lib/sys"],
    "lib/area": ["lib/api", "lib/object", "lib/process", "lib/sys"],
    "lib/quota": ["lib/area", "lib/sys"],
    "lib/class": ["lib/api", "lib/area", "lib/object", "lib/sys"],
    "lib/redo": ["lib/area", "lib/sys"],
    "lib/journal": ["lib/redo", "lib/area", "lib/object", "lib/sys"],
}
LIB = list(LIB_BELOW)
ROOMS = {
    **LIB_BELOW,
    "fs/util": ["lib/process", "lib/sys"],
    "fs/nodes": ["fs/util"],
    "fs/state": ["fs/nodes", "fs/util", "lib/latency", "lib/area", "lib/process", "lib/sys"],
    "fs/scratch": ["fs/state", "fs/util", "lib/area", "lib/quota", "lib/class", "lib/process", "lib/sys"],
    "fs/broker": ["fs/util", "lib/broker", "lib/sys"],
    "fs/notice": ["fs/util"],
    "fs/switch": ["fs/util"],
    "fs/inode": ["fs/broker", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/limit": ["fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/hosts": ["fs/options", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/locks": ["fs/notice", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/lifetime": ["fs/notice", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/vfs": ["fs/limit", "fs/locks", "fs/switch", "fs/broker", "fs/notice", "fs/lifetime", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/outage": ["fs/hosts", "fs/notice", "fs/vfs", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/journal": ["fs/notice", "fs/inode", "fs/vfs", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/single": ["fs/journal", "fs/switch", "fs/notice", "fs/inode", "fs/vfs", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/class": ["fs/limit", "fs/single", "fs/journal", "fs/lifetime", "fs/inode", "fs/vfs", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/options": ["fs/limit", "fs/inode", "lib/area", "lib/api", "lib/sys"],
    "fs/mount": ["fs/locks", "fs/outage", "fs/hosts", "fs/limit", "fs/switch", "fs/journal", "fs/broker", "fs/scratch", "fs/lifetime", "fs/options", "fs/vfs", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/dispatch": ["fs/limit", "fs/locks", "fs/hosts", "fs/outage", "fs/journal", "fs/lifetime", "fs/vfs", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/sync": ["fs/outage", "fs/switch", "fs/journal", "fs/mount", "fs/vfs", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/process": ["fs/locks", "fs/outage", "fs/journal", "fs/broker", "fs/lifetime", "fs/options", "fs/dispatch", "fs/sync", "fs/mount", "fs/vfs", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs/ops": ["fs/locks", "fs/notice", "fs/hosts", "fs/outage", "fs/limit", "fs/single", "fs/journal", "fs/lifetime", "fs/process", "fs/sync", "fs/mount", "fs/options", "fs/class", "fs/vfs", "fs/inode", "fs/nodes", "fs/state", "fs/util", *LIB],
    "fs": ["fs/outage", "fs/options", "fs/ops", "fs/process", "fs/mount", "fs/class", "fs/util", "lib/process", "lib/sys"],
    "tools/broker": ["lib/broker", "lib/sys"],
    "tools/ui": ["lib/api", "lib/sys"],
    "tools/scan": ["tools/ui", "lib/api", "lib/sys"],
    "tools/run": ["tools/scan", "tools/ui", "lib/api", "lib/area", "lib/process", "lib/sys"],
    "tools/limit": ["tools/scan", "tools/ui", "lib/api", "lib/sys"],
    "tools/file_class": ["tools/scan", "tools/ui", "lib/api", "lib/sys"],
    "tools/promotion": ["tools/ui", "lib/api"],
    "tools/summary": ["tools/ui", "lib/api"],
    "tools/top": ["tools/scan", "tools/ui", "lib/api", "lib/latency"],
    "tools/warmup": ["tools/ui", "lib/sys"],
    "tools/convert": ["tools/scan", "tools/ui", "lib/api", "lib/sys"],
    "tools/save": ["tools/scan", "tools/ui", "lib/api", "lib/sys"],
    "tools/doctor": ["tools/scan", "tools/ui", "lib/api", "lib/broker", "lib/process", "lib/sys"],
    "tools/map": ["tools/scan", "tools/ui", "lib/api", "lib/object", "lib/sys"],
    "tools/metrics": ["tools/ui", "lib/api", "lib/sys"],
    "tools/recover": ["tools/scan", "tools/ui", "lib/journal", "lib/area", "lib/api", "lib/sys"],
    "tools/snapshot": ["tools/save", "tools/scan", "tools/ui", "lib/class", "lib/area", "lib/object", "lib/api", "lib/sys"],
    "tools/cmd": ["tools/snapshot", "tools/convert", "tools/file_class", "tools/recover", "tools/promotion", "tools/doctor", "tools/limit", "tools/map", "tools/metrics", "tools/summary", "tools/top", "tools/warmup", "tools/save", "tools/run", "tools/scan", "tools/ui", "lib/api", "lib/sys"],
    "tools": ["tools/cmd", "tools/ui"],
}
WITHOUT_FUSE = re.compile(r"^(lib/|tools|fs/(broker|util|nodes|state)/)")


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
                            self.text[os.path.relpath(path, root)] = source.read()

    def includes(self, path):
        """The includes of a file itself, as it has them: pairs of the bracket and the name."""
        return INCLUDE.findall(COMMENT.sub(" ", self.text.get(path, "")))

    def reaches(self, path, seen=None):
        """Everything that a file includes, directly or not."""
        seen = set() if seen is None else seen
        for _, target in self.includes(path):
            if target not in seen:
                seen.add(target)
                self.reaches(target, seen)
        return seen


def circles(graph):
    """One line for each node of a graph that can be reached from itself."""
    def reachable(start):
        seen, left = set(), list(graph.get(start, ()))
        while left:
            node = left.pop()
            if node not in seen:
                seen.add(node)
                left += graph.get(node, ())
        return seen

    return [f"{node} is in a circle of includes" for node in sorted(graph) if node in reachable(node)]


def noun(path):
    return os.path.splitext(path)[0]


def file_graph(tree):
    graph = {}
    for path in tree.text:
        targets = {noun(target) for _, target in tree.includes(path) if target in tree.text}
        graph.setdefault(noun(path), set()).update(targets - {noun(path)})
    return graph


def wrong_includes(tree, path):
    room = os.path.dirname(path)
    if room not in ROOMS:
        yield f"{path} is in a room that tests/include_rules.py does not list"
        return
    for bracket, target in tree.includes(path):
        if bracket == '"' and target not in tree.text:
            yield f"{path} includes \"{target}\": name it by its path from the project's root"
        elif target in tree.text and os.path.dirname(target) not in [room, *ROOMS[room]]:
            yield f"{path} includes {target}: {room} must not know {os.path.dirname(target)}"
    if WITHOUT_FUSE.match(path):
        for target in sorted(filter(LIBFUSE.match, tree.reaches(path))):
            yield f"{path} includes {target}: {room} must not know FUSE"


def wrong_sizes(tree):
    rooms = {}
    for path, text in sorted(tree.text.items()):
        rooms.setdefault(os.path.dirname(path), []).append(path)
        if text.count("\n") > LINES_MAX:
            yield f"{path} has more than {LINES_MAX} lines"
    for room, paths in rooms.items():
        if len(paths) > FILES_MAX:
            yield f"{room} has {len(paths)} files, more than {FILES_MAX}"


def violations(tree):
    found = circles(ROOMS) + circles(file_graph(tree)) + list(wrong_sizes(tree))
    for path, text in sorted(tree.text.items()):
        found += wrong_includes(tree, path)
        reply = REPLY.search(COMMENT.sub(" ", text))
        if reply and path != REPLIES:
            found.append(f"{path} uses {reply[0]}: only {REPLIES} does")
    return found


def unnamed(tree, page):
    """The source files that a page does not name, as it would: by the path without the ending."""
    return [f"docs/architecture.md does not name {stem}"
            for stem in sorted({noun(path) for path in tree.text}) if f"`{stem}" not in page]


# A small tree that keeps every rule, and what breaks each.
GOOD = {
    "lib/api/shmap.h": "",
    "lib/area/area.h": '#include "lib/api/shmap.h"\n',
    "lib/area/area.c": '#include "lib/area/area.h"\n#include <errno.h>\n',
    "fs/nodes/node_table.h": "#include <stdint.h>\n",
    "fs/nodes/node.c": '#include "fs/nodes/node_table.h"\n// fuse_reply_err is for others\n',
    "fs/inode/inode.h": '#include <fuse_lowlevel.h>\n#include "lib/area/area.h"\n',
    "fs/vfs/file.h": '#include "fs/inode/inode.h"\n',
    "fs/vfs/file.c": '#include "fs/vfs/file.h"\n',
    "fs/ops/file.c": '#include "fs/vfs/file.h"\nreply_err(req, 0);\n',
    "fs/ops/reply.c": '#include "fs/vfs/file.h"\nfuse_reply_err(req, 0);\n',
    "tools/ui/table.h": '#include "lib/api/shmap.h"\n',
    "tools/cmd/cmd_status.c": '#include "tools/ui/table.h"\n',
}
BAD = (
    {"lib/area/area.c": '#include "fs/nodes/node_table.h"\n'},
    {"lib/area/area.c": '#include "../fs/nodes/node_table.h"\n'},
    {"lib/area/area.c": '#include "area.h"\n'},
    {"lib/area/area.h": "#  include <fuse_lowlevel.h>\n"},
    {"lib/area/area.h": "#include <fuse3/fuse.h>\n"},
    {"lib/area/area.c": '#include "fs/inode/inode.h"\n'},
    {"lib/api/shmap.h": '#include "lib/area/area.h"\n'},
    {"tools/cmd/cmd_status.c": '#include "lib/area/area.h"\n'},
    {"tools/ui/table.h": '#include "fs/nodes/node_table.h"\n'},
    {"fs/nodes/node.c": "#include <fuse_kernel.h>\n"},
    {"fs/nodes/node_table.h": '#include "lib/area/area.h"\n'},
    {"fs/nodes/node.c": '#include "fs/inode/inode.h"\n'},
    {"fs/inode/inode.h": '#include "fs/vfs/file.h"\n'},
    {"fs/vfs/attr.c": '#include "fs/vfs/file.h"\n', "fs/vfs/file.c": '#include "fs/vfs/attr.h"\n',
     "fs/vfs/attr.h": ""},
    {"fs/nodes/node.c": "fuse_reply_err(req, 0);\n"},
    {"fs/inode/inode.h": "fuse_reply_err(req, 0);\n"},
    {"fs/ops/file.c": "fuse_reply_err(req, 0);\n"},
    {"lib/area/area.c": "fuse_reply_err(req, 0);\n"},
    {"fs/attic/file.c": ""},
    {"fs/vfs/file.c": "\n" * (LINES_MAX + 1)},
    {f"fs/vfs/file{i}.c": "" for i in range(FILES_MAX)},
)


def tree_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return Tree(root)


def check_rules():
    good = tree_of(GOOD)
    page = " ".join(f"`{noun(path)}`" for path in GOOD)
    if violations(good) or unnamed(good, page):
        sys.exit(f"the rules forbid what is allowed: {violations(good) + unnamed(good, page)}")
    for change in BAD:
        if not violations(tree_of({**GOOD, **change})):
            sys.exit(f"the rules let this pass: {change}")
    if not unnamed(good, page.replace("`fs/vfs/file`", "")):
        sys.exit("the rules let a file pass that the page does not name")
    if not circles({"a": ["b"], "b": ["c"], "c": ["a"]}):
        sys.exit("the rules let a circle of rooms pass")


def main(root):
    check_rules()
    tree = Tree(root)
    for room in ROOMS:
        if not any(os.path.dirname(path) == room for path in tree.text):
            sys.exit(f"no file is in {room}: the rules need to follow")
    with open(os.path.join(root, "docs", "architecture.md"), encoding="utf-8") as page:
        found = violations(tree) + unnamed(tree, page.read())
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


main(sys.argv[1])
