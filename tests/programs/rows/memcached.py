# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: memcached, whose memory can be a file that the next one takes over."""
import os
import re
import signal
import socket
import time

from failure import Failure, expect
from process import SECONDS
from row import Row

MEGABYTES, COUNT = 64, 5000
FIND = ("import mmap, sys; file = open(sys.argv[1], 'r+b'); "
        "print(mmap.mmap(file.fileno(), 0).find(sys.argv[2].encode()) >= 0)")


class Client:
    """Speaks memcached's text protocol."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(path)
        self._answers = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._answers.close()
        self._socket.close()

    def store(self, key, value):
        """Stores one value."""
        self._socket.sendall(f"set {key} 0 0 {len(value)}\r\n{value}\r\n".encode())
        expect("stored", self._answers.readline(), b"STORED\r\n")

    def load(self, key):
        """The value, or None."""
        self._socket.sendall(f"get {key}\r\n".encode())
        head = self._answers.readline().split()
        if head == [b"END"]:
            return None
        value = self._answers.read(int(head[3]) + 2)[:-2].decode()
        expect("the end", self._answers.readline(), b"END\r\n")
        return value


class Memcached(Row):
    """A cache that ends and begins again with all that it held."""

    slug, name, tier = "memcached", "memcached -e", 2
    needs = {"memcached": "memcached", "python3": "/usr/bin/python3"}
    proves = "memory file, graceful restart with SIGUSR1, another process maps it"

    def _serve(self, place):
        return place.someone().serve(
            "memcached", "-s", place.aside("socket"), "-m", MEGABYTES, "-vv",
            "-e", place.path("memory"), ready="server listening")

    def _client(self, place):
        return Client(place.aside("socket"))

    def exchange(self, place):
        with self._serve(place) as server:
            server.expect_mapped(place.path("memory"))
            with self._client(place) as client:
                for number in range(COUNT):
                    client.store(f"key{number}", f"value-{number}-" + "x" * (number % 3000))
            self._look(place)
            server.end(signal.SIGUSR1)
        expect("memory", os.path.getsize(place.path("memory")), MEGABYTES << 20)
        self._take_over(place)

    def _look(self, place):
        """Another process finds a value in its own mapping of the server's memory."""
        for value, wanted in ("value-4711-x", "True"), ("value-4712-y", "False"):
            expect("found by another process", place.run(
                "/usr/bin/python3", "-c", FIND, place.path("memory"), value).strip(), wanted)

    def _stop_time(self, place):
        """When the memory was left, by the clock of who left it."""
        found = re.search(r"^Kstop_time (\d+)$", place.read("memory.meta").decode(), re.MULTILINE)
        if not found:
            raise Failure("memory.meta does not tell the time")
        return int(found[1])

    def _take_over(self, place):
        # memcached refuses memory that was left in a second that is not over yet, by a clock that
        # may be ahead of the system's. Until then others look at it.
        while time.time() < self._stop_time(place) + 1.1:
            self._look(place)
        with self._serve(place) as server:
            with self._client(place) as client:
                for number in range(COUNT):
                    expect("a value", client.load(f"key{number}"),
                           f"value-{number}-" + "x" * (number % 3000))
                expect("no value", client.load("nothing"), None)
                client.store("key7", "value-7-" + "x" * 7)
            server.end(signal.SIGUSR1)

    def again(self, place):
        self._look(place)
        self._take_over(place)


ROWS = [Memcached()]
