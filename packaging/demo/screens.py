#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Makes docs/top.svg and docs/map.svg: `shmapctl top` and `shmapctl map` as a terminal shows them.

    sudo packaging/demo/screens.py [BUILD]

BUILD is build/ unless it is named. Takes tmux. The mount is in a mount namespace that ends with
this program. tests/recipes/pictures.py looks at the same mount, and fails when the tools print
something else than what is drawn.
"""
import contextlib
import json
import mmap
import multiprocessing
import os
import re
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.sax.saxutils

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PICTURE = os.path.join(ROOT, "packaging", "demo", "picture.py")
COLUMNS, LINES = 100, 40
SECONDS = 30

MOUNT = "/mnt/data"
OPTIONS = "anon=ram,scratch=build,atomic=model,size=1g"
FILE = f"{MOUNT}/tables"
TOP = ["shmapctl", "top", MOUNT]
MAP = ["shmapctl", "map", FILE]
# A screen is taken once it has these.
RATES = [rf"^{request} +[1-9]" for request in ("CREATE", "RENAME", "UNLINK", "FSYNC", "FSYNCDIR")]
LOOKS = ["· hole", "▓ in memory", "█ in huge pages", "◆ dirty", r"^\[ +━+\].*python3$"]

CELL, LINE, MARGIN = 8.4, 17, 14
COLOURS = dict(zip([*range(30, 38), *range(90, 98)], (
    "#52606d #f08080 #8fd694 #f2c572 #82b1ff #d7a5f0 #7fdbda #e4e7eb "
    "#7b8794 #ffa8a8 #b2f2bb #ffe08a #a5c8ff #e5c1f7 #a8ecec #ffffff").split()))
SGR = re.compile(r"\x1b\[([\d;]*)m")
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#e4e7eb">
<title>{title}</title>
<!-- Made by packaging/demo/screens.py. -->
<rect width="{width}" height="{height}" rx="8" fill="#2b3743"/>
{texts}
</svg>
"""
TEXT = '<text x="{x}" y="{y}" textLength="{length:.0f}" xml:space="preserve">{spans}</text>'


def compile_files():
    with open(f"{MOUNT}/ram/text", "wb") as file:
        file.write(bytes(48 << 20))
    while True:
        for number in range(20):
            with open(f"{MOUNT}/build/part", "wb") as file:
                file.write(bytes(20000))
            os.rename(f"{MOUNT}/build/part", f"{MOUNT}/build/{number}")
        for entry in os.scandir(f"{MOUNT}/build"):
            os.unlink(entry)


def insert_rows():
    database = sqlite3.connect(f"{MOUNT}/rows")
    database.execute("CREATE TABLE rows (number)")
    while True:
        with database:
            database.execute("INSERT INTO rows VALUES (1)")


def commit_pages():
    with open(f"{MOUNT}/model/weights", "w+b") as file:
        file.truncate(1 << 20)
        with mmap.mmap(file.fileno(), 0) as mapped:
            while True:
                mapped[:mmap.PAGESIZE] = os.urandom(mmap.PAGESIZE)
                mapped.flush()


@contextlib.contextmanager
def working():
    """Has the mount serve three programs."""
    works = [multiprocessing.Process(target=work, daemon=True)
             for work in (compile_files, insert_rows, commit_pages)]
    for work in works:
        work.start()
    try:
        yield
    finally:
        for work in works:
            work.kill()
            work.join()


def be_alone():
    """Goes on in namespaces where process ids are small, and mounts end with this program."""
    if os.environ.get("SCREENS_ALONE") is None:
        os.environ.update(SCREENS_ALONE="1", LANG="C.UTF-8", COLUMNS=str(COLUMNS))
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", sys.executable, "-B", *sys.argv])
    # Copies of other mounts would keep these from their end.
    subprocess.run(["umount", "-a", "-l", "-t", "fuse.shmapfs"], check=False)


def unmount():
    """Waits until nobody serves the mount, which may take a moment, as programs do to end."""
    status = json.loads(subprocess.run(["shmapctl", "--json", "status", MOUNT], check=True,
                                       stdout=subprocess.PIPE).stdout)
    ends = [os.pidfd_open(status[process]) for process in ("pid", "keeper")]
    subprocess.run(["umount", "-l", MOUNT, "/mnt"], check=True)
    for end in ends:
        select.select([end], [], [], SECONDS)
        os.close(end)


@contextlib.contextmanager
def demo(build):
    """Mounts what is built. Gives the command that runs another while two processes map FILE."""
    with tempfile.TemporaryDirectory(prefix="shmapfs-screens-", dir="/var/tmp") as top:
        # The sources may be below /mnt, which is about to be another one.
        for path in f"{build}/fs/shmapfs", f"{build}/tools/shmapctl", PICTURE:
            shutil.copy(path, top)
        os.environ["PATH"] = f"{top}:{os.environ['PATH']}"
        os.makedirs(f"{top}{MOUNT}")
        os.mkdir(f"{top}/store")
        subprocess.run(["mount", "--bind", f"{top}/mnt", "/mnt"], check=True)
        subprocess.run(["shmapfs", f"{top}/store", MOUNT, "-o", OPTIONS], check=True)
        try:
            yield ["/usr/bin/python3", f"{top}/picture.py", FILE]
        finally:
            unmount()


def take(wanted, *command):
    """The lines that a command shows, with their colours, as soon as they have what is wanted."""
    with tempfile.TemporaryDirectory(prefix="shmapfs-screens-") as top:
        tmux = ["tmux", "-u", "-S", f"{top}/socket", "-f", "/dev/null"]

        def tell(*words):
            return subprocess.run([*tmux, *words], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout

        # A look is drawn at once, and the terminal stays when the command has ended.
        tell("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES),
             "stdbuf", "--output=64K", "sh", "-c", '"$@"; read -r _', "sh", *command)
        try:
            limit = time.monotonic() + SECONDS
            while time.monotonic() < limit:
                screen = tell("capture-pane", "-e", "-p").rstrip("\n")
                plain = SGR.sub("", screen)
                if all(re.search(pattern, plain, re.MULTILINE) for pattern in wanted):
                    return screen.split("\n")
        finally:
            tell("kill-server")
    sys.exit(f"screens.py: within {SECONDS} s there was not all of {wanted}:\n{plain}")


def change(look, codes):
    """Changes the look of text as the terminal was told to."""
    for code in (int(code or 0) for code in codes.split(";")):
        if code == 0:
            look.clear()
        elif code == 1:
            look["font-weight"] = "bold"
        elif code == 39:
            look.pop("fill", None)
        elif code in COLOURS:
            look["fill"] = COLOURS[code]
        else:
            sys.exit(f"screens.py: there is no look for {code} of SGR")


def span(text, look):
    text = xml.sax.saxutils.escape(text)
    if not look or not text:
        return text
    attributes = " ".join(f'{name}="{value}"' for name, value in look.items())
    return f"<tspan {attributes}>{text}</tspan>"


def spans(line, look):
    """A line of the screen as SVG. The look that it ends with is that of the next one."""
    text, *rest = SGR.split(line)
    marked = span(text, look)
    for codes, text in zip(rest[::2], rest[1::2]):
        change(look, codes)
        marked += span(text, look)
    return marked


def draw(name, command, screen):
    """Writes docs/NAME.svg. Whatever font there is, a line is as long as the terminal has it."""
    title, look, texts = " ".join(command), {}, []
    lines = ["\x1b[32m$\x1b[m " + title, *screen]
    lengths = [len(SGR.sub("", line)) * CELL for line in lines]
    for number, (line, length) in enumerate(zip(lines, lengths)):
        if length:
            texts.append(TEXT.format(x=MARGIN, y=MARGIN + 13 + number * LINE, length=length,
                                     spans=spans(line, look)))
    path = os.path.join(ROOT, "docs", f"{name}.svg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SVG.format(width=round(max(lengths)) + 2 * MARGIN, title=title,
                              height=len(lines) * LINE + 2 * MARGIN, texts="\n".join(texts)))
    print(path)


def main(build=os.path.join(ROOT, "build")):
    be_alone()
    with demo(build) as mapped:
        with working():
            draw("top", TOP, take(RATES, *TOP))
        draw("map", MAP, take(LOOKS, *mapped, *MAP[:-1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
