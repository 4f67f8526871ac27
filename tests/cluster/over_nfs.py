#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Tries the cases of two_hosts.py over NFS 4.2, in an emulated machine with a kernel that has it:

  tests/cluster/over_nfs.py [SERIES]

SERIES is of Debian's kernels, from 6.9 on, which have passthrough: 6.12 where none is named. The programs under
test are those in build/. Takes no root, but qemu-system-x86, nfs-kernel-server, nfs-common, iproute2, hostname,
the library of Python, and apt's lists. The exit status is that of the cases."""
import glob
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "../kernels"))

import disk  # pylint: disable=wrong-import-position
import kernel  # pylint: disable=wrong-import-position
import machine  # pylint: disable=wrong-import-position
import registered  # pylint: disable=wrong-import-position

WORK = os.path.join(disk.BUILD, "kernels")
SECONDS = "1800"
PYTHON = os.path.basename(os.path.realpath("/usr/bin/python3"))
EXTRA = disk.Extra(modules=("nfsd", "nfsv4", "veth", "md5", "crc32c_generic"),
                   packages=("nfs-kernel-server", "nfs-common", "iproute2", "hostname", f"lib{PYTHON}-stdlib"),
                   files=("/etc/netconfig", "/etc/protocols", "/etc/services"))


def check_needs():
    if not os.path.exists(os.path.join(disk.BUILD, "fs/shmapfs")):
        sys.exit("over_nfs: there is no build/fs/shmapfs (packaging/build build)")
    for program in "qemu-system-x86_64", "rpc.nfsd", "mount.nfs", "ip", "hostname":
        if not shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin"):
            sys.exit(f"over_nfs: there is no {program}; its first lines say which packages it takes")


def main(series="6.12"):
    check_needs()
    sources = tuple(glob.glob(HERE + "/*.py"))
    command = ["env", "SHMAPFS_ENGINE=nfs", "/usr/bin/python3", "-B", disk.guest_path(HERE + "/two_hosts.py")]
    program = registered.Program("two hosts over NFS", command, sources, SECONDS)
    os.makedirs(WORK, exist_ok=True)
    image = kernel.fetch_kernel(series, WORK)
    (ended,) = machine.run(image, [program], WORK, os.path.join(WORK, series + ".nfs.log"), EXTRA)
    print(ended.printed)
    return 1 if ended.status is None else ended.status


sys.exit(main(*sys.argv[1:]))
