#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Runs other people's programs on a mount (see exchange.py and row.py), and answers in TAP.

    programs.py passthrough|cached|user|native [option...]
    programs.py --needs TIER

Needs root: the mount, its daemon and all that uses it live in mount and PID namespaces that end
with this program. $SHMAPFS and $SHMAPCTL are the programs under test.
"""
import argparse
import contextlib
import fnmatch
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from failure import Failure, Gone, Missing
from killer import Killer
from load import Load
from place import Place
from row import HERE, Shop
from rows import all_rows
from setting import SETTINGS, Setting

SHOP = os.path.join(HERE, "..", "..", "build", "tests", "programs", "shop")
RESULTS = "results.json"
NO_DEATH_SECONDS = 600


def arguments():
    parser = argparse.ArgumentParser(description="other people's programs on a mount")
    parser.add_argument("setting", nargs="?", choices=SETTINGS)
    parser.add_argument("--tier", type=int, default=1, help="rows of this tier (default: 1)")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="rows with such a slug")
    parser.add_argument("--times", type=int, default=1, help="exchanges of each row")
    parser.add_argument("--load", action="store_true", help="keep all processors busy meanwhile")
    parser.add_argument("--kill", action="store_true", help="kill the daemon once a second")
    parser.add_argument("--shop", default=os.path.normpath(SHOP),
                        help="where programs are built (default: %(default)s)")
    parser.add_argument("--results", metavar="FILE", help="where to put them as JSON, for table.py")
    parser.add_argument("--needs", type=int, metavar="TIER",
                        help="print what a tier needs, for packaging/setup: a Debian package, "
                             "and what shows that it is there")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.needs is None and given.setting is None:
        parser.error("name a setting")
    if given.kill and given.setting == "native":
        parser.error("nothing serves plain directories: there is nothing to kill")
    return given


class Report:
    """The lines of TAP, and what becomes of each row."""

    def __init__(self):
        self.count = self.failures = 0
        self.outcome = {}
        self.missing = None  # what this machine lacks for the whole setting
        self._lock = threading.Lock()  # rows run side by side

    def _say(self, verdict, name, notes, directive=""):
        with self._lock:
            self.count += 1
            lines = [f"{verdict} {self.count} - {name}{directive}"]
            lines += [f"# {note}" for note in notes]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()

    def passed(self, name):
        self._say("ok", name, [])

    def failed(self, name, error):
        self.failures += 1
        notes = [str(error)] if isinstance(error, Failure) else traceback.format_exception(error)
        self._say("not ok", name, "".join(notes).splitlines())

    def skipped(self, name, reason):
        """For a reason that is Missing."""
        if os.environ.get("SHMAPFS_NO_SKIP") == "1" and not isinstance(reason, Gone):
            self.failed(name, Failure(f"skipping is forbidden: {reason}"))
        else:
            self._say("ok", name, [], f" # SKIP {reason}")

    def attempt(self, row, name, action):
        """Does something for a row, and says how it went; returns whether it went well."""
        try:
            action()
        except Exception as error:
            self.failed(name, error)
            self.outcome[row.slug] = False
            return False
        self.passed(name)
        self.outcome.setdefault(row.slug, True)
        return True


def prepare(rows, given, report):
    """The rows whose needs are there, built."""
    ready = []
    for row in rows:
        try:
            row.check_needs()
            with Shop(given.shop, row.slug) as shop:
                row.prepare(shop)
            ready.append(row)
        except Missing as reason:
            report.skipped(row.slug, reason)
        except Exception as error:
            report.failed(row.slug, error)
            report.outcome[row.slug] = False
    return ready


def exchange(place, row, times, killer):
    """As often as was asked for, and if what serves its data is to die, until it has died."""
    start = time.monotonic()
    before = killer.deaths_of(place.dir, row.private) if killer else -1
    number = 0
    while number < times or (killer and killer.deaths_of(place.dir, row.private) == before):
        if killer and time.monotonic() - start > NO_DEATH_SECONDS:
            raise Failure(f"nothing was killed for {NO_DEATH_SECONDS} s")
        if number == 0:
            place.make()
        else:
            place.remake()
        row.exchange(place)
        number += 1


def look_again(place, row):
    if place.area == "persist":
        row.again(place)
    elif os.path.basename(place.dir) in os.listdir(place.setting.areas["anon"]):
        raise Failure("an anonymous directory has survived the mount")


def run_rows(setting, rows, given, report):
    """All exchanges, a remount, and a look at what is left of each."""
    work = [(row, Place(setting, area, row.slug, os.path.join(given.shop, row.slug)))
            for row in rows for area in row.areas]
    well = []

    def one(item):
        row, place = item
        name = f"{row.slug}/{place.area}"
        if report.attempt(row, name, lambda: exchange(place, row, given.times, killer)):
            well.append(item)

    with contextlib.ExitStack() as stack:
        if given.load:
            stack.enter_context(Load())
        killer = stack.enter_context(Killer(setting.mnt)) if given.kill else None
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(one, [item for item in work if not item[0].alone]))
        for item in work:
            if item[0].alone:
                one(item)
    if killer:
        print(f"# the daemon was killed {killer.deaths} times, those of `shmapctl run` "
              f"{killer.private_deaths.total()} times", flush=True)
    setting.unmount()
    setting.mount()
    if not setting.is_native:
        for row, place in sorted(well, key=lambda item: work.index(item)):
            report.attempt(row, f"{row.slug}/{place.area}/remounted",
                           lambda: look_again(place, row))


def inside(given):
    """The first process of the namespaces."""
    rows = [row for row in all_rows()
            if row.tier == given.tier and fnmatch.fnmatch(row.slug, given.only)]
    os.umask(0o022)
    report = Report()
    ready = prepare(rows, given, report)
    setting = Setting(given.setting, given.inside, os.environ["SHMAPFS"], os.environ["SHMAPCTL"],
                      given.kill)
    setting.prepare()
    try:
        setting.mount()
        setting.check()
        run_rows(setting, ready, given, report)
        setting.unmount()
    except Missing as reason:
        report.missing = str(reason)
        report.skipped("mount", reason)
    except Exception as error:
        report.failed("mount", error)
    print(f"1..{report.count}", flush=True)
    write_results(rows, given, report)
    return 1 if report.failures else 0


def write_results(rows, given, report):
    """For table.py. Rows that were not run are not in it."""
    with open(os.path.join(given.inside, RESULTS), "w", encoding="utf-8") as file:
        json.dump({
            "setting": "killed" if given.kill else given.setting,
            "tier": given.tier,
            "missing": report.missing,
            "rows": {row.slug: {"passed": report.outcome[row.slug], "version": row.version()}
                     for row in rows if row.slug in report.outcome},
        }, file, indent=1)


def outside(given):
    """Makes the namespaces and removes what is left when they are gone."""
    if os.geteuid() != 0:
        print("1..0 # SKIP these programs need root, who can become another user")
        return 1 if os.environ.get("SHMAPFS_NO_SKIP") == "1" else 0
    top = tempfile.mkdtemp(prefix="shmapfs-programs-", dir="/var/tmp")
    results = os.path.join(top, RESULTS)
    try:
        words = ["unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--mount-proc",
                 "--kill-child", "--", sys.executable, "-B", *sys.argv, "--inside", top]
        status = subprocess.run(words).returncode
        if given.results and os.path.exists(results):
            os.makedirs(os.path.dirname(given.results), exist_ok=True)
            shutil.move(results, given.results)
        return status
    finally:
        shutil.rmtree(top)


def print_needs(tier):
    """One line for each package: its name, «tool» or «file», and which."""
    needs = {package: sign for row in all_rows() if row.tier == tier
             for package, sign in row.needs.items()}
    for package, sign in sorted(needs.items()):
        print(package, "file" if "/" in sign else "tool", sign)


def main():
    given = arguments()
    if given.needs is not None:
        print_needs(given.needs)
        return 0
    if given.inside:
        return inside(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return outside(given)


sys.exit(main())
