#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Tries the cases of two_hosts.py over NFS 4.2, in an emulated machine with a kernel that has it:

  tests/cluster/over_nfs.py [SERIES]

SERIES is of Debian's kernels, from 6.9 on, which have passthrough: 6.12 where none is named. A file of the
build is taken from build/. Takes qemu-system-x86, nfs-kernel-server, iproute2, hostname and apt's lists, and no
root. The exit status is that of the cases."""
import glob
import os
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


def main(series="6.12"):
    sources = tuple(glob.glob(HERE + "/*.py"))
    command = ["env", "SHMAPFS_ENGINE=nfs", "/usr/bin/python3", "-B", disk.guest_path(HERE + "/two_hosts.py")]
    program = registered.Program("two hosts over NFS", command, sources, SECONDS)
    os.makedirs(WORK, exist_ok=True)
    image = kernel.fetch_kernel(series, WORK)
    (ended,) = machine.run(image, [program], WORK, os.path.join(WORK, series + ".nfs.log"), EXTRA)
    print(ended.printed)
    return ended.status or 0 if ended.status is not None else 1


sys.exit(main(*sys.argv[1:]))
