# SPDX-License-Identifier: BSD-2-Clause
"""Chromium, whose page stores a version in a database of the profile, and waits until it is durable."""
import contextlib
import glob
import os
import shutil
import signal
import sqlite3
import subprocess

from system import Missing, family_of

LANGUAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../programs/languages")
PAGE = "file://" + os.path.realpath(os.path.join(LANGUAGES, "page.html"))


class _Conversation:
    """Speaks with languages/browser.py."""

    def __init__(self, profile):
        # The lock of a browser that has died names a process, whose number another one may have.
        for lock in glob.glob(os.path.join(profile, "Singleton*")):
            os.unlink(lock)
        self._process = subprocess.Popen(["/usr/bin/python3", os.path.join(LANGUAGES, "browser.py"), profile],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self):
        self.ask("visit", PAGE)

    def ask(self, *words):
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if not answer.startswith("ok"):
            raise RuntimeError(f"the browser says: {answer}")
        return answer[3:]

    def leave(self):
        self.ask("leave")
        self._process.communicate()

    def kill(self):
        for pid in family_of(self._process.pid):
            os.kill(pid, signal.SIGKILL)
        self._process.communicate()


class Browser:
    """A profile."""

    def __init__(self):
        if shutil.which("chromium") is None:
            raise Missing("no chromium here")

    def prepare(self, directory):
        profile = os.path.join(directory, "profile")
        browser = _Conversation(profile)
        browser.begin()
        browser.ask("evaluate", "store('version', '0')")
        browser.leave()
        for path, _, names in os.walk(profile):
            for name in [*names, "."]:
                if not os.path.islink(os.path.join(path, name)):
                    where = os.open(os.path.join(path, name), os.O_RDONLY)
                    os.fsync(where)
                    os.close(where)

    def work(self, directory, acknowledge):
        browser = _Conversation(os.path.join(directory, "profile"))
        browser.begin()
        version = 0
        while True:
            version += 1
            browser.ask("evaluate", f"store('version', '{version}')")
            acknowledge(version)

    def judge(self, directory, acknowledged):
        profile = os.path.join(directory, "profile")
        browser = _Conversation(profile)
        try:
            browser.begin()
            found = int(browser.ask("evaluate", "load('version')").split()[1])
            browser.leave()
            with contextlib.closing(sqlite3.connect(os.path.join(profile, "Default/History"))) as history:
                state = history.execute("PRAGMA integrity_check").fetchone()[0]
        except (RuntimeError, ValueError, sqlite3.Error) as error:
            browser.kill()
            return f"the profile: {error}"
        if state != "ok":
            return f"the history: {state}"
        if not acknowledged <= found <= acknowledged + 1:
            return f"version {acknowledged} was acknowledged, and there is {found}"
        return None
