# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: varnish, whose counters, log and cache are memory that is files of the mount."""
import http.client
import json
import os
import signal
import socket
import time

from failure import Failure, expect
from process import SECONDS, expect_mapped
from row import Row, source

PAGES, STORAGE = 50, 32 << 20
CHILD_HAS_DIED = 64  # in varnishd's own status: by a signal
VCL = """vcl 4.1;
backend default {{ .path = "{path}"; }}
"""


class Connection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def fetch(path, page):
    """The body of a page."""
    connection = Connection(path)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        expect("status", answer.status, 200)
        return answer.read().decode()
    finally:
        connection.close()


class Varnish(Row):
    """Other programs read in their own mappings what the cache's process counts and logs."""

    slug, name, tier = "varnish", "varnish, varnishstat", 2
    needs = {"varnish": "varnishd", "gcc": "gcc", "python3": "/usr/bin/python3"}
    proves = "work directory, varnishstat, varnishlog, varnishadm, storage file, child's death"

    def exchange(self, place):
        self._serve_and_look(place)
        if os.path.getsize(place.path("storage")) != STORAGE:
            raise Failure("the storage file has not its size")

    def _serve_and_look(self, place):
        user = place.someone()
        for name in "backend", "http":
            if os.path.exists(place.aside(name)):
                os.unlink(place.aside(name))
        backend = user.serve("/usr/bin/python3", source("languages/backend.py"),
                             place.aside("backend"), ready="serving")
        with backend, self._serve(place, user) as server:
            server.expect_mapped(place.path("work/_.vsm_mgt/"))
            self._look(place, user)
            child = json.loads(user.run("varnishadm", "-n", place.path("work"), "pid", "-j"))
            self._kill_child(place, user, server, child[3]["worker"])
            self._look(place, user)
            server.end(status=CHILD_HAS_DIED)

    def _serve(self, place, user):
        with open(place.aside("vcl"), "w", encoding="utf-8") as file:
            file.write(VCL.format(path=place.aside("backend")))
        return user.serve(
            "varnishd", "-F", "-j", "none", "-n", place.path("work"), "-f", place.aside("vcl"),
            "-a", place.aside("http"), "-s", f"file,{place.path('storage')},{STORAGE}",
            ready="said Child starts")

    def _look(self, place, user):
        """A child that has just begun counts what it is asked, and others see it."""
        pages = [fetch(place.aside("http"), f"/page{number}") for number in range(PAGES)]
        for number, page in enumerate(pages):
            expect("the page, again", fetch(place.aside("http"), f"/page{number}"), page)
        self._expect_counters(place, user)
        said = user.run("varnishlog", "-n", place.path("work"), "-d", "-g", "request",
                        "-q", "ReqURL eq '/page7'", "-i", "VCL_call")
        expect("hits in the log", said.count("HIT"), 1)

    def _expect_counters(self, place, user):
        """Its threads add what they have counted a moment after they have answered."""
        wanted = {"cache_miss": PAGES, "cache_hit": PAGES, "n_object": PAGES}
        end = time.monotonic() + SECONDS
        found = None
        while found != wanted and time.monotonic() < end:
            said = json.loads(user.run("varnishstat", "-n", place.path("work"), "-j"))
            found = {name: said["counters"][f"MAIN.{name}"]["value"] for name in wanted}
        expect("counters", found, wanted)

    def _kill_child(self, place, user, server, child):
        expect_mapped(child, place.path("storage"))
        os.kill(child, signal.SIGKILL)
        server.hear("died signal=9")
        server.hear("said Child starts")

    def again(self, place):
        # A new varnishd makes what is not there, and an old one has removed all but its storage.
        expect("the size of the storage", os.path.getsize(place.path("storage")), STORAGE)
        self._serve_and_look(place)


ROWS = [Varnish()]
