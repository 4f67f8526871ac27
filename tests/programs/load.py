# SPDX-License-Identifier: BSD-2-Clause
"""Processors that are busy with something else."""
import os
import subprocess
import sys


class Load:
    """One process for each processor that never waits; ends with the block."""

    def __enter__(self):
        self._busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                      for _ in range(os.cpu_count())]
        return self

    def __exit__(self, *_):
        for process in self._busy:
            process.kill()
            process.wait()
