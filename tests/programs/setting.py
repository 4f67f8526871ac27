# SPDX-License-Identifier: BSD-2-Clause
"""The ways to mount under which each row is run, and the mounts themselves."""
import json
import os
import select
import stat
import subprocess

from deaths import without_deaths
from failure import Failure, Missing

NOBODY = 65534
SECONDS = 300
SETTINGS = {
    "passthrough": "size=2g",
    "cached": "size=2g,nopassthrough",
    "user": "size=2g",
    "native": "",
}

LIVES_ON = "was unmounted, but lives on in the mount namespaces of"


class Setting:
    """A mount with a store, whose directory `anon` is anonymous; `native`: plain directories
    instead. It lives below `top`, in a mount namespace that ends with this process."""

    def __init__(self, name, top, shmapfs, shmapctl, kills):
        self.name = name
        self.kills = kills  # whether its daemon is to be killed
        self.options = SETTINGS[name]
        self.top = top
        self.shmapfs, self.shmapctl = shmapfs, shmapctl
        self.mnt = os.path.join(top, "mnt")
        self.store = os.path.join(top, "store")
        self.areas = {area: os.path.join(self.mnt, area) for area in ("anon", "persist")}
        self.is_native = name == "native"
        self.is_users = name == "user"
        self._log = os.path.join(top, "log")
        self._daemon = None

    def prepare(self):
        """Makes the directories. For a user's mount this process becomes that user, for good."""
        for path in (self.mnt, self.store, os.path.join(self.store, "persist"),
                     os.path.join(self.top, "outside")):
            os.mkdir(path)
            os.chmod(path, 0o755)
            if self.is_users:
                os.chown(path, NOBODY, NOBODY)
        if self.is_native:
            for path in self.areas.values():
                os.mkdir(path)
        os.chmod(self.top, 0o777)
        if self.is_users:
            self._share_device()
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)

    def _share_device(self):
        """Lets a user open the device where the machine lets only root."""
        device = os.stat("/dev/fuse")
        if device.st_mode & 0o006 == 0o006:
            return
        directory = os.path.join(self.top, "dev")
        node = os.path.join(directory, "fuse")
        os.mkdir(directory)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", directory],
                       check=True)
        os.mknod(node, stat.S_IFCHR | 0o666, device.st_rdev)
        os.chmod(node, 0o666)
        subprocess.run(["mount", "--bind", node, "/dev/fuse"], check=True)

    def mount(self):
        """Mounts, and returns when the mount is there."""
        if self.is_native:
            return
        with open(self._log, "ab") as log, open("/proc/self/mountinfo", "rb") as table:
            self._daemon = subprocess.Popen(
                [self.shmapfs, "-f", self.store, self.mnt,
                 "-o", f"keeper,anon=anon,{self.options}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self._await_mount(table)

    def _await_mount(self, table):
        changes = select.poll()
        changes.register(table, select.POLLPRI)
        end = os.pidfd_open(self._daemon.pid)
        changes.register(end, select.POLLIN)
        try:
            while not self._is_mounted(table):
                if end in dict(changes.poll(SECONDS * 1000) or [(end, 0)]):
                    raise Failure(f"nothing was mounted: {self.said()}")
        finally:
            os.close(end)

    def _is_mounted(self, table):
        # Only its owner may look at a user's mount; the table shows it to all.
        table.seek(0)
        return any(line.split()[4] == self.mnt.encode() for line in table)

    def unmount(self):
        """Unmounts as the user who mounted, and holds the daemon to a silent good end. It may only say that
        a program beside has a copy of the mount, in a namespace of its own; it ends when that one does."""
        if self.is_native:
            return
        self._call_umount()
        status = self._daemon.wait(SECONDS)
        said = [line for line in self.said().splitlines() if LIVES_ON not in line]
        if status != 0 or said:
            raise Failure(f"the daemon ended with {status}: {' '.join(said)}")

    def _call_umount(self):
        words = ["fusermount3", "-u", self.mnt] if self.is_users else ["umount", self.mnt]
        subprocess.run(words, check=True, timeout=SECONDS)

    def said(self):
        """Returns what the daemon wrote."""
        with open(self._log, encoding="utf-8") as log:
            return self.without_wanted(log.read()).strip()

    def without_wanted(self, text):
        """Returns what a mount says, but for the deaths that were wanted."""
        return without_deaths(text) if self.kills else text

    def status(self):
        """The state of the mount, as shmapctl tells it."""
        answer = subprocess.run([self.shmapctl, "--json", "status", self.mnt], check=True,
                                capture_output=True, timeout=SECONDS)
        return json.loads(answer.stdout)

    def check(self):
        """Raises Missing where the kernel does not give what this setting is about."""
        if self.is_native:
            return
        status = self.status()
        for area in ("store_area", "ram_area"):
            if status[area]["passthrough"] != (self.name == "passthrough"):
                raise Missing(f"{area} is not {self.name}: {status[area]['reason'] or 'passed'}")
        if self.kills and status["survival"]:
            raise Missing(f"the mount does not survive its worker: {status['survival']}")
