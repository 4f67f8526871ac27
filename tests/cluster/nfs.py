# SPDX-License-Identifier: BSD-2-Clause
"""An NFS 4.2 server of the kernel, for a guest alone: it changes what the machine exports. Each host
reaches it over a network of its own, and has a name of its own: otherwise all are one client for the
server, and their locks do not exclude each other."""
import os
import subprocess

CONTROL = "/proc/fs/nfsd"
DIRECTORIES = "/etc/exports.d", "/run/lock", "/var/lib/nfs/v4recovery"
FILES = "/etc/exports", "/var/lib/nfs/etab", "/var/lib/nfs/rmtab"
EXPORT = "rw,sync,no_root_squash,insecure,no_subtree_check,fsid=0"
# A host sees at once what another does, as far as NFS can.
MOUNT = "vers=4.2,actimeo=0,lookupcache=none"
# How long a server that has just begun waits for locks from before, in seconds: the least there is.
GRACE = 10


class Nfs:
    """A server, and hosts that mount what it exports."""
    mappings = "never"

    def __init__(self, top, _forget):
        self.top = top
        self._mounts = []
        if os.path.exists(f"{CONTROL}/threads"):
            raise RuntimeError("this machine serves NFS already")
        export = os.path.join(top, "export")
        for path in (export, *DIRECTORIES):
            os.makedirs(path, exist_ok=True)
        for path in FILES:
            with open(path, "a", encoding="ascii"):
                pass
        subprocess.run(["mount", "-t", "nfsd", "nfsd", CONTROL], check=True)
        for name in "nfsv4leasetime", "nfsv4gracetime":
            with open(f"{CONTROL}/{name}", "w", encoding="ascii") as file:
                file.write(str(GRACE))
        subprocess.run(["exportfs", "-o", EXPORT, f"10.0.0.0/8:{export}"], check=True)
        subprocess.run(["rpc.mountd", "--no-nfs-version", "3"], check=True)
        subprocess.run(["rpc.nfsd", "--no-nfs-version", "3", "4"], check=True)

    def mount(self, name):
        directory = os.path.join(self.top, name)
        os.mkdir(directory)
        server, host = (f"10.{len(self._mounts)}.0.{number}" for number in (1, 2))
        for command in (f"netns add {name}", f"link add s-{name} type veth peer name h-{name} netns {name}",
                        f"addr add {server}/24 dev s-{name}", f"link set s-{name} up",
                        f"-n {name} addr add {host}/24 dev h-{name}", f"-n {name} link set h-{name} up"):
            subprocess.run(["ip", *command.split()], check=True)
        subprocess.run(["nsenter", f"--net=/run/netns/{name}", "unshare", "--uts", "sh", "-c",
                        f"hostname {name} && mount -t nfs4 -o {MOUNT} {server}:/ {directory}"], check=True)
        self._mounts.append(directory)
        return directory, None

    def end(self):
        """Ends what the namespaces of the program do not end."""
        # A host whose server is gone would wait for it.
        for directory in self._mounts:
            subprocess.run(["umount", "-f", directory], check=False)
        subprocess.run(["rpc.nfsd", "0"], check=True)
