# SPDX-License-Identifier: BSD-2-Clause
"""The code common to all processes that a row starts."""
import os
import select
import signal
import subprocess

from failure import Failure

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# For an answer, and for the end of a program.
SECONDS = 600


def tail(text, lines=6):
    """The last lines of what a program wrote, as one."""
    return " | ".join(text.strip().splitlines()[-lines:])


def stop(process):
    """Kills a process that leads a group of its own, with the group and with its descendants,
    who may have left the group; returns when they have left the mount alone."""
    family = [] if process.poll() is not None else descendants(process.pid)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"process {process.pid} cannot be killed: {_state(process.pid)}") from None
    for end in family:
        try:
            signal.pidfd_send_signal(end, signal.SIGKILL)
        except ProcessLookupError:
            pass
        select.select([end], [], [], SECONDS)
        os.close(end)


def _state(pid):
    """Returns what a process waits for in the kernel."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as channel:
        return channel.read()


def descendants(pid):
    """A descriptor for each child of a process, their children, and so on."""
    ends = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in children.read().split():
                ends += [os.pidfd_open(int(child)), *descendants(child)]
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has just ended
    return ends


def close_pipes(process):
    """Closes our ends of what a process writes and reads."""
    for pipe in (process.stdin, process.stdout):
        if pipe and not pipe.closed:
            pipe.close()


def expect_mapped(pid, path):
    """Holds a process to have a file, or one whose path begins so, in its memory."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        if not any(f" {path}" in line for line in maps):
            raise Failure(f"process {pid} has not mapped {os.path.basename(path)}")
