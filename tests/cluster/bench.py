#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Measures shmapfs with -o shared on a GlusterFS of three bricks against that itself.

By hand; needs root and glusterfs-server. All is on this machine, so the servers want its processors,
too: believe the ratios.

    tests/cluster/bench.py build/tests/bench/bench [options of the benchmark]
"""
import subprocess
import sys

from cluster import Cluster
from hosts import lacking, run_inside

WORKS = ("mmap warm store", "msync all", "msync 1 %", "pwrite 4 KiB$", "pread 4 KiB$",
         "pwrite 1 MiB$", "pread 1 MiB$", "open+close$", "create+close$", "stat warm", "rename$",
         "mkdir", "unlink$", "readdir 1k")


def main():
    if lacking("glusterfsd") or len(sys.argv) < 2:
        print(__doc__)
        return 2
    if sys.argv[1] != "inside":
        return run_inside(__file__, *sys.argv[1:])
    top, program, *options = sys.argv[2:]
    store, _ = Cluster(top).mount("one")
    return subprocess.run([program, "--directory", store, "--sides", "shared,directory,hp-directory",
                           "--size", "64", "--only", ",".join(WORKS), *options],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
