# SPDX-License-Identifier: BSD-2-Clause
"""An emulated machine that runs programs, and tells of each when it has ended."""
import contextlib
import glob
import os
import re
import select
import subprocess
import tempfile
import time
from typing import NamedTuple

import disk
import kernel

BEGIN = re.compile(r"^== begin (.*)$")
END = re.compile(r"^(.*)== end (\d+) (\d+)$")
# The longest that a guest may take to its first program, and from one to the next. `timeout` ends a
# program in the guest; a kernel that hangs ends nothing.
BOOT_SECONDS, GRACE_SECONDS = 600, 120


class Ended(NamedTuple):
    """A program that has ended: its exit status, None where the guest ended before it did."""
    program: object
    status: object
    seconds: int
    printed: str


@contextlib.contextmanager
def boot(image, place):
    """Boots a guest, and gives the descriptor that it prints to."""
    # It ends with this process, however that ends.
    command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg", "-smp", "1", "-m", "3000",
               "-nographic", "-no-reboot", "-kernel", glob.glob(image + "/boot/vmlinuz-*")[0],
               "-initrd", place + "/initramfs", "-append", "console=ttyS0 quiet panic=-1",
               "-drive", f"file={place}/disk,format=raw,if=virtio,cache=unsafe"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            yield process.stdout.fileno()
        finally:
            process.kill()


class Console:
    """The output of a guest, as lines, and in a log."""

    def __init__(self, fd, log):
        self.fd, self.log = fd, log
        self.rest = b""
        self.deadline = 0.0
        self.allow(BOOT_SECONDS)

    def allow(self, seconds):
        self.deadline = time.monotonic() + seconds

    def lines(self):
        """Ends with the guest, or when it has taken longer than is allowed."""
        while select.select([self.fd], [], [], max(0, self.deadline - time.monotonic()))[0]:
            data = os.read(self.fd, 65536)
            if not data:
                return
            self.log.write(data)
            self.log.flush()
            *lines, self.rest = (self.rest + data).replace(b"\r", b"").split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)


def run_until_it_ends(console, programs):
    """Tells of each program that ended before the guest did, and of the one that was under way then."""
    left = {program.name: program for program in programs}
    current, printed, since = None, [], 0.0
    for line in console.lines():
        begin, end = BEGIN.match(line), END.match(line)
        if begin and begin[1] in left:
            current, printed, since = left[begin[1]], [], time.monotonic()
            console.allow(int(current.seconds) + GRACE_SECONDS)
        elif end and current:
            printed.append(end[1])
            yield Ended(current, int(end[2]), round(time.monotonic() - since), "\n".join(printed))
            current = None
            console.allow(BOOT_SECONDS)
        else:
            printed.append(line)
    if current:
        yield Ended(current, None, round(time.monotonic() - since), "\n".join([*printed, "the guest ended, or hung"]))


def run(image, programs, work, log_path, extra=disk.NOTHING):
    """Runs programs in a guest, and where it ends early, in another one what is left of them."""
    left = list(programs)
    with open(log_path, "wb") as log, tempfile.TemporaryDirectory(dir=work) as place:
        kernel.make_initramfs(image, place, extra.modules)
        while left:
            disk.make_disk(place, left, extra)
            before = len(left)
            with boot(image, place) as fd:
                for ended in run_until_it_ends(Console(fd, log), left):
                    left = [program for program in left if program.name != ended.program.name]
                    yield ended
                    if not left:
                        return
            if len(left) == before:
                raise SystemExit(f"run: the guest did not begin: see {os.path.relpath(log_path)}")
