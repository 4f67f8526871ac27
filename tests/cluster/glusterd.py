# SPDX-License-Identifier: BSD-2-Clause
"""A GlusterFS volume of three replicas as its administrator sets it up: with glusterd, which starts
the bricks and tells clients of them, and with the daemon that heals. All of it is on this machine;
a client mount is what another host would have.

Needs mount, PID and network namespaces that end with the program.
"""
import glob
import os
import re
import signal
import subprocess

from cluster import BRICKS, reaches, wait_until

NAME = "shared"
# One that is for documentation: a brick cannot have an address of the loopback network.
ADDRESS = "192.0.2.1"
DOCUMENTATION = os.path.join(os.path.dirname(__file__), "../../docs/cluster.md")
# A start of glusterd asks it some twenty things, which would take half a minute.
GEO_REPLICATION = "/usr/lib/*/glusterfs/gsyncd"


def documented_options():
    """Returns the options that the documentation has a volume given, with their values."""
    with open(DOCUMENTATION, encoding="utf-8") as file:
        table = file.read().split("`gluster volume set shared …`")[1].split("gluster volume start")[0]
    return [word for pair in re.findall(r"^ +\| `(\S+ \S+)` \|", table, re.MULTILINE)
            for word in pair.split()]


def gluster(*words):
    """Returns what the command has said, or None if it failed."""
    ran = subprocess.run(["gluster", "--mode=script", *words], capture_output=True, text=True,
                         check=False)
    return ran.stdout if ran.returncode == 0 else None


def order(*words):
    said = wait_until(lambda: gluster(*words), f"gluster {' '.join(words)}")
    assert "fail" not in said, said


class Volume:
    """The volume, and its clients, below a directory."""

    def __init__(self, top):
        self.top = top
        self.started = 0
        self._use_own_directories()
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "address", "add", ADDRESS + "/32", "dev", "lo"], check=True)
        subprocess.run(["glusterd", "--log-level", "WARNING"], check=True)
        wait_until(lambda: gluster("volume", "info") is not None, "an answer of glusterd")
        order("volume", "create", NAME, "replica", str(len(BRICKS)),
              *[f"{ADDRESS}:{self.path(f'brick{number}')}" for number in BRICKS], "force")
        self.set(*documented_options())
        order("volume", "start", NAME)

    def path(self, name):
        return os.path.join(self.top, name)

    def _use_own_directories(self):
        """Nothing of the machine's own glusterd is seen or touched, if it has one."""
        for name, place in ("state", "/var/lib/glusterd"), ("logs", "/var/log"), ("run", "/run"):
            os.mkdir(self.path(name))
            subprocess.run(["mount", "--bind", self.path(name), place], check=True)
        os.makedirs("/var/log/glusterfs")
        os.mkdir("/run/gluster")
        with open(self.path("gsyncd"), "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho gsyncd\n")
        os.chmod(file.name, 0o755)
        for program in glob.glob(GEO_REPLICATION):
            subprocess.run(["mount", "--bind", file.name, program], check=True)

    @staticmethod
    def set(*options):
        order("volume", "set", NAME, *options)

    def _pid(self, number):
        (path,) = glob.glob(f"/run/gluster/vols/{NAME}/*-brick{number}.pid")
        with open(path, encoding="ascii") as file:
            return int(file.read())

    def kill(self, number):
        """Kills the server of a brick. It was left to the first process of the namespace, this one."""
        brick = self._pid(number)
        os.kill(brick, signal.SIGKILL)
        os.waitpid(brick, 0)

    @staticmethod
    def start():
        """Starts the servers that do not run."""
        order("volume", "start", NAME, "force")

    @staticmethod
    def healed():
        """Returns whether all bricks answer, and none lacks what another has."""
        said = gluster("volume", "heal", NAME, "info") or ""
        return said.count("Number of entries: 0\n") == len(BRICKS)

    def mount(self, name):
        """Mounts it as a host of that name does. Returns the directory, and the client."""
        directory = self.path(name)
        os.makedirs(directory, exist_ok=True)
        client = subprocess.Popen(
            ["glusterfs", "-N", f"--volfile-server={ADDRESS}", f"--volfile-id=/{NAME}",
             "--attribute-timeout=0", "--entry-timeout=0", "-l", self.path(name + ".log"), directory])
        wait_until(lambda: connected(directory), f"the mount of host {name}")
        return directory, client


def connected(directory):
    """Returns whether the client that has this mount reaches all bricks."""
    return all(reaches(directory, number - 1, f"{NAME}-client-") for number in BRICKS)
