# SPDX-License-Identifier: BSD-2-Clause
"""Does in Chromium what it is told, and answers as a participant of the exchange (see exchange.py):

    visit URL            loads a page
    evaluate EXPRESSION  in that page; waits for what it promises; answers with it
    leave                has the browser end in order

It speaks with the browser through two pipes, as DevTools do: JSON that ends with a zero byte.
"""
import ctypes
import json
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36

OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-default-apps", "--disable-extensions", "--remote-debugging-pipe"]


class Browser:
    """A method for each order."""

    def __init__(self, profile, *options):
        # The browser has its pipes as 3 and 4, and nothing to say to ours.
        self._process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1', "sh", "chromium",
             *OPTIONS, f"--user-data-dir={profile}", *options, "about:blank"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._number, self._received = 0, b""
        targets = self._call("Target.getTargets")["targetInfos"]
        target = next(target for target in targets if target["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"],
                                   flatten=True)["sessionId"]
        self._call_page("Page.enable")

    def _hear(self):
        while b"\0" not in self._received:
            received = os.read(self._process.stdout.fileno(), 65536)
            if not received:
                raise RuntimeError("the browser has ended")
            self._received += received
        message, self._received = self._received.split(b"\0", 1)
        return json.loads(message)

    def _call(self, method, session=None, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while True:
            answer = self._hear()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                return answer["result"]

    def _call_page(self, method, **parameters):
        return self._call(method, self._session, **parameters)

    def visit(self, url):
        self._call_page("Page.navigate", url=url)
        while self._hear().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression):
        answer = self._call_page("Runtime.evaluate", expression=expression, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return str(answer["result"].get("value"))

    def leave(self):
        self._call("Browser.close")
        status = self._process.wait()
        if status != 0:
            raise RuntimeError(f"chromium ended with {status}")
        try:
            while True:
                os.wait()  # for what it has left behind, such as who reports its crashes
        except ChildProcessError:
            pass


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    browser = Browser(*sys.argv[1:])
    for line in sys.stdin:
        order, *words = line.strip().split(" ", 1)
        try:
            answer = getattr(browser, order)(*words)
            print("ok" if answer is None else f"ok {answer}", flush=True)
        except RuntimeError as error:
            print(error, flush=True)


main()
