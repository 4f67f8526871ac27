# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: Chromium, whose cache finds its directories again without their files."""
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cache import CacheRow
from failure import expect
from row import source


class Page(BaseHTTPRequestHandler):
    """A page that a browser may keep for an hour."""

    def do_GET(self):
        """Answers, and counts the requests for the page itself."""
        body = b"<title>kept</title>"
        if self.path == "/page":
            self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "public, max-age=3600")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a browser that ends hears no more
            self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@contextlib.contextmanager
def page_server():
    """Serves the page meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.asked = 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ChromiumCache(CacheRow):
    """A page is fetched by one run of the browser, and found in the cache by the next."""

    slug, name, tier, alone = "chromium-cache", "Chromium's cache, in a skeleton", 2, True
    needs = {"chromium": "chromium", "python3": "/usr/bin/python3"}
    proves = "a page is kept; after umount and mount, and after the death of all daemons, again"

    def _visit(self, place, mount, server):
        browser = place.talk("/usr/bin/python3", source("languages/browser.py"),
                             place.aside("profile"), f"--disk-cache-dir={mount.cache}")
        try:
            browser.ask("visit", f"http://127.0.0.1:{server.server_port}/page")
            expect("title", browser.ask("evaluate", "document.title"), "kept")
            browser.ask("leave")
            browser.end()
        finally:
            browser.stop()

    def fill(self, place, mount):
        with page_server() as server:
            self._visit(place, mount, server)
            expect("requests", server.asked, 1)
            self._visit(place, mount, server)
            expect("requests after the next run", server.asked, 1)


ROWS = [ChromiumCache()]
