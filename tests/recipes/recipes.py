#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the commands of pages, as they stand there, and compares what they print. Answers in TAP.

    recipes.py BUILD PAGE...

The blocks of a page that begin with ```sh are one session of bash, with what `meson install`
installs first in its PATH. A block that begins with ```text is all that the block before it prints,
where … stands for anything within a line, and a line of … alone for any lines. Other blocks are
not looked at. A line «Takes the packages `a`, `b`» names what has to be there beside what every
Debian has.

Needs root: /srv, /mnt and /root are others in the mount namespace of the session, which ends with
this program.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 900
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TAKES = re.compile(r"^Takes the packages? (.*)$", re.MULTILINE)
MARK = "@@ end of block"
PLACES = ("/srv", "/mnt", "/root")
# The packages' programs come before others that a machine may have.
SYSTEM_PATH = "/usr/bin:/usr/sbin:/bin:/sbin:" + os.environ.get("PATH", "")

# A package, and a command that succeeds where it is there.
PACKAGES = {
    "attr": "command -v setfattr",
    "ccache": "command -v ccache",
    "chromium": "command -v chromium",
    "g++": "command -v g++",
    "gcc": "command -v gcc",
    "lmdb-utils": "command -v mdb_load",
    "postgresql": "compgen -G '/usr/lib/postgresql/*/bin/initdb'",
    "python3": "command -v python3",
    "python3-numpy": "python3 -c 'import numpy'",
    "sqlite3": "command -v sqlite3",
}
TOOL = re.compile(r"command -v (\S+)$")
LARGE = ("chromium", "postgresql", "python3-numpy")  # packaging/setup --tests does not install them


class Page:
    """The session that a page has, and what it is to print."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.name = os.path.relpath(path, ROOT)
        self.packages = [name for line in TAKES.findall(text) for name in re.findall("`([^`]+)`", line)]
        self.blocks = []  # pairs of commands and what they print, or None
        for kind, content in BLOCK.findall(text):
            if kind == "sh":
                self.blocks.append([content, None])
            elif kind == "text" and self.blocks and self.blocks[-1][1] is None:
                self.blocks[-1][1] = content
        if not self.blocks:
            raise AssertionError(f"{self.name} has no commands")

    def unnamed(self):
        """Packages whose program the commands name, and that the page does not."""
        commands = "".join(commands for commands, _ in self.blocks)
        tools = {name: TOOL.match(check) for name, check in PACKAGES.items()}
        return [name for name, tool in tools.items() if tool and name not in self.packages and
                re.search(rf"(?<![\w./-]){re.escape(tool[1])}(?![\w./-])", commands)]

    def missing(self):
        unknown = set(self.packages) - set(PACKAGES)
        assert not unknown, f"how to see that {unknown} is there is not known here"
        return [name for name in self.packages if
                subprocess.run(["bash", "-c", PACKAGES[name]], capture_output=True, check=False,
                               env={**os.environ, "PATH": SYSTEM_PATH}).returncode != 0]

    def script(self):
        return "set -euo pipefail\n" + "".join(f"{commands}echo '{MARK}'\n" for commands, _ in self.blocks)


def normalized(text):
    """How wide a gap is does not count."""
    return "".join(" ".join(line.split()) + "\n" for line in text.splitlines())


def pattern_of(expected):
    """A regular expression for what a block prints."""
    return "".join("(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
                   for line in normalized(expected).splitlines())


def is_as_expected(printed, expected):
    return re.fullmatch(pattern_of(expected), normalized(printed)) is not None


def run(*command, **options):
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def end_mounts():
    """Takes away the mounts that are there, and returns their paths."""
    left = subprocess.run(["findmnt", "-rno", "TARGET", "-t", "fuse.shmapfs"], capture_output=True,
                          text=True, check=False).stdout.split()
    for mountpoint in reversed(left):
        subprocess.run(["umount", "-l", mountpoint], check=False)
    return left


def empty_places(top):
    """Gives the session places of its own."""
    for place in PLACES:
        own = top + place
        subprocess.run(["umount", "-q", place], check=False)
        shutil.rmtree(own, ignore_errors=True)
        os.mkdir(own)
        run("mount", "--bind", own, place)


def session(page, top, path):
    """Runs a page's commands. Returns what each block has printed."""
    empty_places(top)
    environment = {"PATH": f"{path}:{SYSTEM_PATH}", "HOME": "/root", "LANG": "C.UTF-8",
                   "TERM": "dumb", "USER": "root"}
    # Programs that go on in the background would keep a pipe open.
    with tempfile.TemporaryFile(mode="w+") as output:
        try:
            status = subprocess.run(["bash", "-c", page.script()], stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=output, cwd="/root", env=environment, timeout=SECONDS,
                                    check=False).returncode
        except subprocess.TimeoutExpired:
            status = f"none within {SECONDS} s"
        output.seek(0)
        printed = output.read()
    blocks = printed.split(MARK + "\n")
    left = end_mounts()
    failed = page.blocks[len(blocks) - 1][0] if len(blocks) <= len(page.blocks) else ""
    assert status == 0, f"exit status {status}:\n{printed}\n{failed}"
    assert not left, f"{left} is left mounted"
    return blocks


def check_page(page, top, path):
    for (commands, expected), printed in zip(page.blocks, session(page, top, path)):
        if expected is not None and not is_as_expected(printed, expected):
            raise AssertionError(f"{commands}prints\n{printed}and is to print\n{expected}")


def install(build, top):
    """Returns the directory of what `meson install` installs."""
    run("meson", "install", "-C", build, "--no-rebuild", "--skip-subprojects", "--quiet", "--destdir", top)
    for directory, _, names in os.walk(top):
        if "shmapctl" in names and os.path.basename(directory) == "bin":
            return directory
    raise AssertionError("shmapctl is not installed in a bin")


def run_pages(pages, build, top):
    path = install(build, top + "/installed")
    forbidden = os.environ.get("SHMAPFS_NO_SKIP") == "1"
    failures = 0
    print(f"1..{len(pages)}", flush=True)
    for number, page in enumerate(pages, 1):
        try:
            unnamed = page.unnamed()
            assert not unnamed, f"the page does not name {unnamed} among the packages that it takes"
            missing = page.missing()
            if missing and not (forbidden and set(missing) - set(LARGE)):
                print(f"ok {number} - {page.name} # SKIP takes {', '.join(missing)}", flush=True)
                continue
            assert not missing, f"{missing} is not installed"
            check_page(page, top, path)
            print(f"ok {number} - {page.name}", flush=True)
        except AssertionError as failure:
            failures += 1
            print(f"not ok {number} - {page.name}", flush=True)
            print("".join(f"# {line}\n" for line in str(failure).splitlines()), end="", flush=True)
    return failures


def main(build, *paths):
    if os.environ.get("RECIPES_INSIDE") is None:
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                               sys.executable, "-B", __file__, build, *paths],
                              env={**os.environ, "RECIPES_INSIDE": "1"}, check=False).returncode
    pages = [Page(path) for path in paths]
    end_mounts()  # those of the namespace that this one is a copy of
    with tempfile.TemporaryDirectory(prefix="shmapfs-recipes-", dir="/var/tmp") as top:
        os.chmod(top, 0o755)
        failures = run_pages(pages, build, top)
        for place in PLACES:
            subprocess.run(["umount", "-ql", place], check=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
