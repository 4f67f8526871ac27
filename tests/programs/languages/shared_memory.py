# SPDX-License-Identifier: BSD-2-Clause
"""Does what it is told with multiprocessing.shared_memory, one line at a time (see exchange.py):
«other», before an order, has it carried out by another process that is executed for that.

Python ends each segment that a process has used when the process ends: its resource tracker sees
to that. Programs that want to keep segments unregister them, which is what track=False is short
for since Python 3.13."""
import subprocess
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import ShareableList, SharedMemory

from participant import serve


def keep(memory):
    resource_tracker.unregister(memory._name, "shared_memory")


class Participant:
    """Each order is a method; what that returns is the answer."""

    def __init__(self):
        self._other = None

    def make(self, name, size):
        self._memory = SharedMemory(name, create=True, size=int(size))
        keep(self._memory)

    def attach(self, name):
        self._memory = SharedMemory(name)
        keep(self._memory)
        return self._memory.size

    def store(self, offset, text):
        offset = int(offset)
        self._memory.buf[offset:offset + len(text)] = text.encode()

    def load(self, offset, length):
        return bytes(self._memory.buf[int(offset):int(offset) + int(length)]).decode()

    def make_list(self, name):
        self._list = ShareableList([0, 2.5, True, None, "alpha", b"beta"], name=name)
        keep(self._list.shm)

    def attach_list(self, name):
        self._list = ShareableList(name=name)
        keep(self._list.shm)

    def count(self):
        self._list[0] += 1

    def replace(self, index, text):
        self._list[int(index)] = text

    def items(self):
        return list(self._list)

    def unlink(self, name):
        memory = SharedMemory(name)
        memory.close()
        memory.unlink()

    def other(self, *words):
        if not self._other:
            self._other = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, text=True)
        print(*words, file=self._other.stdin, flush=True)
        answer = self._other.stdout.readline().split(maxsplit=1)
        if answer[0] != "ok":
            raise RuntimeError(" ".join(answer))
        return answer[1].rstrip() if len(answer) > 1 else None

    def end(self):
        if self._other:
            self._other.stdin.close()
            self._other.wait()


participant = Participant()
serve(participant)
participant.end()
