# SPDX-License-Identifier: BSD-2-Clause
"""A program that serves others until it is told to stop."""
import re
import signal
import subprocess
import threading
import time

from failure import Failure
from process import SECONDS, expect_mapped, stop, tail


class Server:
    """Its output is read at once, so that it never waits for us, and can be waited for: that is how
    servers say what they have done."""

    def __init__(self, name, process):
        self._name, self._process = name, process
        self._lines, self._seen, self._closed = [], 0, False
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def hear(self, pattern, seconds=SECONDS):
        """Waits for a line that it has not been waited for, and returns what matched."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                while self._seen < len(self._lines):
                    self._seen += 1
                    found = re.search(pattern, self._lines[self._seen - 1])
                    if found:
                        return found
                if self._closed or not self._news.wait(end - time.monotonic()):
                    raise Failure(f"{self._name}: never said {pattern!r}: {self.said()}")

    def said(self):
        """Its last lines, for a Failure."""
        return tail("".join(self._lines))

    def expect_mapped(self, path):
        """Holds it to have a file in its memory."""
        expect_mapped(self._process.pid, path)

    def end(self, number=signal.SIGTERM, status=0):
        """Asks it to end with a signal, and holds it to its status."""
        self._process.send_signal(number)
        self.ended(status)

    def ended(self, status=0):
        """Waits for its end, that somebody has asked for."""
        try:
            found = self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self._name}: does not end: {self.said()}") from None
        if found != status:
            raise Failure(f"{self._name}: ended with {found}: {self.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """Ends it as a crash would. Its output is left to the reader, who sees its end."""
        stop(self._process)
