# SPDX-License-Identifier: BSD-2-Clause
"""A GlusterFS of three bricks with every file on each, served and reached on this machine alone,
over UNIX sockets, without glusterd. A client mount of it is what another host would have."""
import collections
import os
import re
import signal
import subprocess
import time

BRICKS = (1, 2, 3)
WAIT_SECONDS = 120
PROFILE_SIZE = 1 << 16
VOLUME_ID = "00000000-0000-0000-0000-00000000004d"
ROOT_GFID = "0x" + "0" * 31 + "1"

# The stack of a server over a directory. Without access-control it would let anybody do anything.
BRICK = """\
volume posix
  type storage/posix
  option directory {directory}
  option volume-id {id}
end-volume
volume access-control
  type features/access-control
  subvolumes posix
end-volume
volume locks
  type features/locks
  subvolumes access-control
end-volume
volume upcall
  type features/upcall
  option cache-invalidation on
  option cache-invalidation-timeout {forget}
  subvolumes locks
end-volume
volume /brick{number}
  type performance/io-threads
  subvolumes upcall
end-volume
volume server
  type protocol/server
  option transport-type socket
  option transport.address-family unix
  option transport.socket.listen-path {socket}
  option auth.addr./brick{number}.allow *
  subvolumes /brick{number}
end-volume
"""
# A client that was stopped for longer than its ping may take would drop all servers at once when it
# goes on; so it asks hardly ever. A server that is killed is known by the end of its connection.
CONNECTION = """\
volume client{number}
  type protocol/client
  option transport-type socket
  option transport.address-family unix
  option transport.socket.connect-path {socket}
  option remote-host localhost
  option remote-subvolume /brick{number}
  option ping-timeout 1000
end-volume
"""
CLIENT = """\
volume replicate
  type cluster/replicate
  option quorum-type auto
  option self-heal-daemon off
  subvolumes client1 client2 client3
end-volume
volume write-behind
  type performance/write-behind
  subvolumes replicate
end-volume
volume md-cache
  type performance/md-cache
  option cache-invalidation on
  option md-cache-timeout 1
  subvolumes write-behind
end-volume
"""


def wait_until(condition, what):
    """Returns what the condition gives once that is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come about in {WAIT_SECONDS} s")
        os.sched_yield()
    return found


class Cluster:
    """Bricks and clients below a directory."""
    # When stores through a mapping are seen by other hosts, as `shmapctl status` says it.
    mappings = "after-msync"

    def __init__(self, top, forget=60):
        """The servers forget a host that has not asked about a file for so many seconds."""
        self.top = top
        self._forget = forget
        self._bricks = {}
        for number in BRICKS:
            directory = self._path(f"brick{number}")
            os.mkdir(directory)
            os.setxattr(directory, "trusted.glusterfs.volume-id", bytes.fromhex("00" * 15 + "4d"))
            os.setxattr(directory, "trusted.gfid", bytes.fromhex(ROOT_GFID[2:]))
            self.start(number)

    def _path(self, name):
        return os.path.join(self.top, name)

    def _volume(self, name, text):
        path = self._path(name + ".vol")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def _socket(self, number):
        return self._path(f"brick{number}.socket")

    def start(self, number):
        """Starts the server of a brick."""
        volume = self._volume(f"brick{number}", BRICK.format(
            directory=self._path(f"brick{number}"), id=VOLUME_ID, number=number,
            socket=self._socket(number), forget=self._forget))
        self._bricks[number] = subprocess.Popen(
            ["glusterfsd", "-N", "-f", volume, "-l", self._path(f"brick{number}.log")])
        wait_until(lambda: os.path.exists(self._socket(number)), f"the socket of brick {number}")

    def kill(self, number):
        """Kills the server of a brick."""
        brick = self._bricks.pop(number)
        brick.kill()
        brick.wait()
        os.unlink(self._socket(number))

    def stop(self, number):
        """Has the server of a brick answer nothing any more, until it is killed."""
        self._bricks[number].send_signal(signal.SIGSTOP)

    def end(self):
        """All of it ends with the namespaces of the program."""

    def mount(self, name):
        """Mounts it as a host of that name does. Returns the directory, and the client."""
        directory = self._path(name)
        os.makedirs(directory, exist_ok=True)
        volume = self._volume(name, "".join(CONNECTION.format(number=number,
                                                              socket=self._socket(number))
                                            for number in BRICKS) + CLIENT)
        client = subprocess.Popen(
            ["glusterfs", "-N", "-f", volume, "--attribute-timeout=0", "--entry-timeout=0",
             "-l", self._path(name + ".log"), directory])
        wait_until(lambda: _answers(directory), f"the mount of host {name}")
        return directory, client


def reaches(directory, number, name="client"):
    """Returns whether the client that has this mount is connected to a brick."""
    path = f"{directory}/.meta/graphs/active/{name}{number}/private"
    try:
        with open(path, encoding="utf-8") as file:
            return "connected = 1\n" in file.read()
    except OSError:
        return False


def requests(directory, name="client1"):
    """Returns how many requests of each kind the client that has this mount has sent to a brick since
    this was last asked."""
    # By a file whose size is said to be 0, or what it was before.
    fd = os.open(f"{directory}/.meta/graphs/active/{name}/profile", os.O_RDONLY | os.O_DIRECT)
    try:
        told = os.pread(fd, PROFILE_SIZE, 0).decode("ascii")
    finally:
        os.close(fd)
    counts = re.findall(r"\.latency\.(\w+) = .* CNT:(\d+)", told)
    return collections.Counter({kind: int(count) for kind, count in counts})


def _answers(directory):
    try:
        return os.path.ismount(directory) and os.stat(directory).st_ino == 1
    except OSError:
        return False
