# SPDX-License-Identifier: BSD-2-Clause
"""Programs that change files through mappings, and can say of each version what the file contains."""
import ctypes
import math
import mmap
import os
import random

from disk import LIBC

PAGE = 4096
PAGES_MOST = 2048
STORED_MOST = 1500  # in a transaction
SYNC_FILE_RANGE_ALL = 7


def page_of(stamp):
    return stamp.to_bytes(8, "little") * (PAGE // 8)


class Step:
    """The changes of a version: a pure function of the seed, the file and the version."""

    def __init__(self, seed, version, pages):
        self.random = random.Random(f"{seed}/{version}")
        self.kind = self.random.choices(("store", "resize", "replace"), (70, 15, 15))[0]
        self.pages = pages if self.kind == "store" else self.random.randint(1, PAGES_MOST)
        count = min(int(math.exp(self.random.uniform(0, math.log(STORED_MOST)))), self.pages)
        # The first page tells the version.
        self.stored = {0, *self.random.sample(range(self.pages), count)}


def replay(seed, version):
    """The stamps of all pages as of a version."""
    stamps = [0]
    for number in range(1, version + 1):
        step = Step(seed, number, len(stamps))
        if step.kind == "replace":
            stamps = []
        stamps = stamps[:step.pages] + [0] * (step.pages - len(stamps))
        for page in step.stored:
            stamps[page] = number
    return stamps


class Pages:
    """One file, and the process that changes it."""

    def __init__(self, name, seed):
        self._name, self._seed = name, f"{seed}/{name}"
        self._stamps = [0]  # as of the version that was asked for last
        self._stamps_of = 0

    def prepare(self, directory):
        with open(os.path.join(directory, self._name), "wb") as file:
            file.write(page_of(0))
            file.flush()
            os.fsync(file.fileno())

    def work(self, directory, acknowledge):
        """Makes version after version until it is killed."""
        path = os.path.join(directory, self._name)
        where = os.open(directory, os.O_RDONLY)
        file = os.open(path, os.O_RDWR)
        pages, version = 1, 0
        while True:
            version += 1
            step = Step(self._seed, version, pages)
            pages = step.pages
            if step.kind == "replace":
                os.close(file)
                file = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.ftruncate(file, pages * PAGE)
            self._store(file, step, version)
            if step.kind == "replace":
                os.rename(path + ".new", path)
                os.fsync(where)
            acknowledge(version)

    @staticmethod
    def _store(file, step, version):
        with mmap.mmap(file, step.pages * PAGE) as mapping:
            early = step.random.random() < 0.3
            for page in step.stored:
                mapping[page * PAGE:(page + 1) * PAGE] = page_of(version)
                # Some of it is written before it is committed, and taken out of the memory.
                if early and step.random.random() < 0.01:
                    LIBC.sync_file_range(file, ctypes.c_long(0), ctypes.c_long(0), SYNC_FILE_RANGE_ALL)
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            if step.random.random() < 0.5:
                mapping.flush()
            else:
                os.fsync(file)

    def _stamps_as_of(self, version):
        if self._stamps_of != version:
            self._stamps, self._stamps_of = replay(self._seed, version), version
        return self._stamps

    def judge(self, directory, acknowledged):
        """Returns what is wrong, or None."""
        with open(os.path.join(directory, self._name), "rb") as file:
            data = file.read()
        version = int.from_bytes(data[:8], "little")
        if version < acknowledged:
            return f"version {acknowledged} was acknowledged, and there is {version}"
        if version > acknowledged + 1:
            return f"version {version} is there, and only {acknowledged} was acknowledged"
        stamps = self._stamps_as_of(version)
        if len(data) != len(stamps) * PAGE:
            return f"version {version} should have {len(stamps) * PAGE} bytes, and has {len(data)}"
        for page, stamp in enumerate(stamps):
            if data[page * PAGE:(page + 1) * PAGE] != page_of(stamp):
                found = int.from_bytes(data[page * PAGE:page * PAGE + 8], "little")
                return f"page {page} of version {version} should be of {stamp}, and is of {found}"
        return None
