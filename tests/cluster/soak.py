#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Two hosts' programs work on one store for a while, and check each other, while the servers of a
GlusterFS of three replicas and the workers of the mounts are killed.

By hand; needs root, glusterfs-server and iproute2, and a built tree:

    SHMAPFS=build/fs/shmapfs SHMAPCTL=build/tools/shmapctl tests/cluster/soak.py --seconds 600

With --bare the programs work on the GlusterFS mounts themselves: what goes wrong there, too, is not
shmapfs'. It says at its end what was done, and exits with 1 if anything was wrong or failed.
"""
import argparse
import collections
import hashlib
import json
import mmap
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback

from cluster import BRICKS, wait_until
from glusterd import Volume, connected
from hosts import Host, lacking, run_inside
from locks import status_of
from soak_exchange import Exchange
from soak_loads import Account, Counters, Logs, Replace

LOADS = [Counters, Logs, Replace, Exchange]
WORKER_KILLS = 20
# How long a brick is away, and that part of the time if that is less.
BRICK_AWAY_SECONDS = 10
BRICK_AWAY_PART = 10
END_SECONDS = 120
# The documentation says that these may fail so: what is replaced at that moment, and what is made
# while a worker dies.
DOCUMENTED = ("open of what is replaced: ESTALE", "open of what is replaced: EIO",
              "create: EEXIST", "open to write: EEXIST", "mkdir: EEXIST")


class Program:
    """A process that has a load on a host, until it is told to stop."""

    def __init__(self, load, host, number, wires, stop, top):
        self.name = f"{load.__name__} {number} on {host.name}"
        self._path = os.path.join(top, "account." + self.name.replace(" ", "."))
        self.pid = os.fork()
        if self.pid == 0:
            own = wires.pop((load, number, host.name))
            for wire in wires.values():
                wire.close()
            account = Account()
            try:
                work(load(account, host, number, own), stop)
            except Exception:  # pylint: disable=broad-except
                account.wrong.append(traceback.format_exc())
            finally:
                own.close()
                with open(self._path, "w", encoding="utf-8") as file:
                    json.dump(vars(account), file)
                os._exit(0)

    def end(self, until):
        """Returns the account of the process, which has been told to stop."""
        process = os.pidfd_open(self.pid)
        select.select([process], [], [], max(0, until - time.monotonic()))
        os.close(process)
        stack = self._stack()
        os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if code != 0:
            return {"wrong": [f"{self.name} ended with {code}; it was in\n{stack}"]}
        with open(self._path, encoding="utf-8") as file:
            account = json.load(file)
        account["wrong"] = [f"{self.name}: {wrong}" for wrong in account["wrong"]]
        return account

    def _stack(self):
        with open(f"/proc/{self.pid}/stack", encoding="ascii") as file:
            return file.read()


def work(load, stop):
    while not stop[0]:
        try:
            load.turn()
        except OSError:
            # It has been counted; whatever the turn was about remains undone.
            load.account.count("turns given up")


def start_programs(loads, hosts, stop, top):
    wires = {}
    for load in loads:
        for number in range(load.PROCESSES):
            ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            wires.update({(load, number, host.name): end for host, end in zip(hosts, ends)})
    programs = [Program(load, host, number, dict(wires), stop, top)
                for load in loads for number in range(load.PROCESSES) for host in hosts]
    for wire in wires.values():
        wire.close()
    return programs


class Disturbance(threading.Thread):
    """Something that is done to the cluster again and again, until the end."""

    def __init__(self):
        super().__init__()
        self.over = threading.Event()
        self.count = 0
        self.failed = None

    def run(self):
        try:
            while not self.over.is_set():
                self.disturb()
        except Exception:  # pylint: disable=broad-except
            self.failed = traceback.format_exc()

    def disturb(self):
        raise NotImplementedError


class BrickKiller(Disturbance):
    """Kills one brick after the other, and has it healed before the next."""

    def __init__(self, volume, hosts, away_seconds):
        super().__init__()
        self._volume, self._hosts, self._away = volume, hosts, away_seconds
        self.longest_heal = 0.0

    def disturb(self):
        self.over.wait(self._away)
        self._volume.kill(BRICKS[self.count % len(BRICKS)])
        self.count += 1
        self.over.wait(self._away)
        self._volume.start()
        begin = time.monotonic()
        while not self._is_whole() and time.monotonic() < begin + END_SECONDS:
            pass
        self.longest_heal = max(self.longest_heal, time.monotonic() - begin)
        assert self._is_whole(), "the bricks were not healed"

    def _is_whole(self):
        return all(connected(host.store) for host in self._hosts) and self._volume.healed()


class WorkerKiller(Disturbance):
    """Kills the workers of the mounts in turn."""

    def __init__(self, hosts, between_seconds):
        super().__init__()
        self._hosts, self._between = hosts, between_seconds

    def disturb(self):
        if self.count == WORKER_KILLS or self.over.wait(self._between):
            self.over.wait()
            return
        host = self._hosts[self.count % len(self._hosts)]
        before = status_of(host)["pid"]
        os.kill(before, signal.SIGKILL)
        self.count += 1
        wait_until(lambda: status_of(host)["pid"] != before, "another worker")


def content_of(brick):
    """Returns the files of a brick with their checksums, without what GlusterFS has for itself."""
    found = {}
    for path, directories, files in os.walk(brick):
        if path == brick:
            directories[:] = [name for name in directories if not name.startswith(".glusterfs")]
        for name in files:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.relpath(file.name, brick)] = hashlib.file_digest(file, "md5").digest()
    return found


def check_replicas(volume, account):
    first, *others = [content_of(volume.path(f"brick{number}")) for number in BRICKS]
    for number, other in zip(BRICKS[1:], others):
        differ = [name for name in first.keys() | other.keys() if first.get(name) != other.get(name)]
        account.check(not differ, f"the bricks 1 and {number} differ in {differ}")
    account.count("files on each brick", len(first))


class Result:
    """All accounts, added up."""

    def __init__(self):
        self.counts, self.errors = collections.Counter(), collections.Counter()
        self.wrong, self.latest, self.longest = [], {}, [0.0, "no call"]

    def add(self, account):
        self.counts.update(account.get("counts", {}))
        self.errors.update(account.get("errors", {}))
        self.wrong += account["wrong"]
        self.longest = max(self.longest, list(account.get("longest", self.longest)))
        for what, seconds in account.get("latest", {}).items():
            self.latest[what] = max(seconds, self.latest.get(what, 0))

    def is_right(self):
        return not self.wrong and not set(self.errors) - set(DOCUMENTED)

    def show(self):
        for what, count in sorted(self.counts.items()):
            late = f", the latest after {self.latest[what]:.3f} s" if what in self.latest else ""
            print(f"  {what:<55} {count:>8}{late}")
        print(f"longest call: {self.longest[0]:.2f} s ({self.longest[1]})")
        print(f"errors: {sum(self.errors.values())}")
        for what, count in sorted(self.errors.items()):
            documented = " (the documentation says so)" if what in DOCUMENTED else ""
            print(f"  {what:<55} {count:>8}{documented}")
        print(f"wrong: {len(self.wrong)}")
        for wrong in self.wrong[:20]:
            print(f"  {wrong}")


def disturb(volume, hosts, arguments):
    """Does so for the whole time. Returns what was done, and what went wrong in that."""
    bricks = BrickKiller(volume, hosts,
                         min(BRICK_AWAY_SECONDS, arguments.seconds / BRICK_AWAY_PART))
    workers = WorkerKiller(hosts, arguments.seconds / (WORKER_KILLS + 2))
    wanted = {"bricks": bricks, "workers": workers}
    threads = [thread for name, thread in wanted.items() if name not in arguments.without]
    for thread in threads:
        thread.start()
    threading.Event().wait(arguments.seconds)
    for thread in threads:
        thread.over.set()
    for thread in threads:
        thread.join()
    print(f"bricks killed: {bricks.count} (the longest until all was healed: "
          f"{bricks.longest_heal:.1f} s), workers killed: {workers.count}")
    return [thread.failed for thread in threads if thread.failed]


def soak(volume, hosts, arguments):
    loads = [load for load in LOADS if not arguments.only or load.__name__ in arguments.only]
    for load in loads:
        load.prepare(hosts[0])
    stop = mmap.mmap(-1, mmap.PAGESIZE)
    programs = start_programs(loads, hosts, stop, volume.top)
    result = Result()
    result.wrong += disturb(volume, hosts, arguments)
    stop[0] = 1
    until = time.monotonic() + END_SECONDS
    for program in programs:
        result.add(program.end(until))
    last = Account()
    for load in loads:
        for host in hosts:
            load.finish(host, result.counts, last)
    check_replicas(volume, last)
    result.add(vars(last))
    result.show()
    return result.is_right()


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--bare", action="store_true", help="without shmapfs")
    parser.add_argument("--options", default="shared", help="of the mounts")
    parser.add_argument("--only", default="", help="the names of loads, with commas between")
    parser.add_argument("--without", default="", help="what is not killed: bricks, workers, or both")
    arguments = parser.parse_args(words)
    if arguments.bare:
        arguments.without += ",workers"
    return arguments


def main():
    if lacking("glusterd", "gluster", "ip"):
        print("this needs root, glusterd, gluster and ip")
        return 1
    if sys.argv[1:2] != ["inside"]:
        parse(sys.argv[1:])
        return run_inside(__file__, *sys.argv[1:], network=True)
    arguments = parse(sys.argv[3:])
    volume = Volume(sys.argv[2])
    hosts = [Host(volume, name, arguments.options) for name in ("one", "other")]
    for host in hosts:
        host.is_bare = arguments.bare
    if arguments.bare:
        for host in hosts:
            host.mountpoint = host.store
        return 0 if soak(volume, hosts, arguments) else 1
    with hosts[0], hosts[1]:
        return 0 if soak(volume, hosts, arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
