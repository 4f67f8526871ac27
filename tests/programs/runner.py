# SPDX-License-Identifier: BSD-2-Clause
"""Runs other people's programs for a bounded time, in an environment that holds nothing of ours."""
import os
import select
import subprocess
import tempfile
import time

from failure import Failure
from process import PATH, SECONDS, close_pipes, expect_mapped, stop, tail
from server import Server


class Conversation:
    """A process that answers each line with a line, «ok …» or what went wrong, and says nothing
    else."""

    def __init__(self, words, process, errors, wanted):
        self.words = words
        self._process = process
        self._errors = errors
        self._wanted = wanted
        self._heard = b""

    def ask(self, *words):
        """The answer without its «ok»."""
        self.tell(*words)
        return self.answer()

    def tell(self, *words):
        """Asks, and leaves the answer for answer(): the other side may have to be asked first."""
        self._line = " ".join(str(word) for word in words)
        try:
            self._process.stdin.write(self._line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def answer(self):
        """The answer to what it was told, without its «ok»."""
        answer = self._hear()
        if answer != "ok" and not answer.startswith("ok "):
            raise Failure(f"{self._name()}: {self._line}: {answer or 'no answer'} "
                          f"{self._complaints()}")
        return answer[3:]

    def ask_in_vain(self, *words, reason):
        """Holds it to a refusal that names the reason."""
        try:
            answer = self.ask(*words)
        except Failure as refusal:
            if reason not in str(refusal):
                raise
        else:
            raise Failure(f"{self._name()}: {' '.join(map(str, words))}: «ok {answer}», "
                          f"wanted {reason!r}")

    def expect_mapped(self, path):
        """Holds the process to have a file in its memory, not only open."""
        expect_mapped(self._process.pid, path)

    def _complaints(self):
        self._errors.seek(0)
        return tail(self._wanted(self._errors.read()))

    def _hear(self):
        end = time.monotonic() + SECONDS
        output = self._process.stdout.fileno()
        while b"\n" not in self._heard:
            ready, _, _ = select.select([output], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Failure(f"{self._name()}: {self._line}: no answer for {SECONDS} s")
            more = os.read(output, 65536)
            if not more:
                break
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def _name(self):
        return os.path.basename(self.words[0]) + " " + os.path.basename(self.words[-1])

    def end(self):
        """Closes its input and waits for it to end well."""
        self._process.stdin.close()
        try:
            status = self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self._name()}: does not end") from None
        complaints = self._complaints()
        if status != 0 or complaints:
            raise Failure(f"{self._name()}: ended with {status} {complaints}")

    def stop(self):
        """Ends it and all that it started, whatever it is doing."""
        stop(self._process)
        close_pipes(self._process)
        self._errors.close()


class Runner:
    """Starts programs in a directory; as another user, if one is named. `wanted` takes out of
    what they write what is no fault."""

    def __init__(self, directory, home, wanted, uid=None):
        self.directory = directory
        self._wanted = wanted
        self._identity = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        self._environment = {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": home,
            "TMPDIR": home,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _popen(self, words, environment, directory=None, **pipes):
        return subprocess.Popen(
            [str(word) for word in words], cwd=directory or self.directory, text=True,
            env=self._environment | environment, start_new_session=True, **pipes,
            **self._identity)

    def run(self, *words, stdin="", directory=None, seconds=SECONDS, status=0, **environment):
        """Returns what a program writes; it must end in time, with this status (None: any)."""
        process = self._popen(words, environment, directory, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{words[0]}: does not end within {seconds} s") from None
        finally:
            stop(process)
            close_pipes(process)
        if status is not None and process.returncode != status:
            raise Failure(f"{words[0]}: ended with {process.returncode}: {tail(output)}")
        return self._wanted(output)

    def talk(self, *words, **environment):
        """Starts a participant."""
        errors = tempfile.TemporaryFile("w+")
        process = self._popen(words, environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=errors)
        return Conversation([str(word) for word in words], process, errors, self._wanted)

    def serve(self, *words, ready, directory=None, **environment):
        """Starts a Server, and returns when it has said that it is ready: a pattern."""
        process = self._popen(words, environment, directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        server = Server(os.path.basename(str(words[0])), process)
        try:
            server.hear(ready)
        except Failure:
            server.kill()
            raise
        return server
