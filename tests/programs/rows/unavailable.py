# SPDX-License-Identifier: BSD-2-Clause
"""The programs that the distribution does not have, or has only at a price: (name, reason, slug of
the row that comes closest)."""

ABSENT = "no package in Debian 12"

UNAVAILABLE = [
    ("Julia, Mmap", ABSENT, "numpy"),
    ("J, jmf", ABSENT, "aplus-beam"),
    (".NET (Core), MemoryMappedFile", ABSENT, "mono"),
    ("Fmstream", ABSENT, "boost-iostreams"),
    ("Cpp-mmf", ABSENT, "boost-region"),
    ("mio", ABSENT, "boost-region"),
    ("Arrow C++, MemoryMappedFile", ABSENT, "polars"),
    ("Python, pyarrow", ABSENT, "polars"),
    ("Python, Polars", ABSENT, "polars"),
    ("R, arrow", ABSENT, "r-bigmemory"),
    ("Go, syscall.Mmap", "the compiler takes 464 MB (golang-go), or 228 MB (gccgo-12)", "rust"),
]
