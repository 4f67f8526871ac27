# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: further languages' and libraries' ways to map a file."""
from language import Language
from row import source

BOOST = "/usr/include/boost/interprocess/mapped_region.hpp"


class Crate(Language):
    """A participant in Rust, built of the crates that Debian packages, not of a registry's."""

    MANIFEST = """\
[package]
name = "participant"
version = "0.0.0"
edition = "2021"

[dependencies]
memmap2 = "*"

[[bin]]
name = "participant"
path = "{source}/memmap2.rs"
"""

    def prepare(self, shop):
        with open(shop.file("Cargo.toml"), "w", encoding="utf-8") as manifest:
            manifest.write(self.MANIFEST.format(source=source("languages")))
        super().prepare(shop)


ROWS = [
    Language("boost-region", "Boost.Interprocess, mapped_region",
             {"libboost-dev": BOOST, "g++": "g++"},
             "file_mapping, growth by fstream, flush", ["{shop}/participant"], tier=2,
             build=("participant", ["mapped_region.cpp", "participant.hpp"],
                    ["g++", "-O1", "-o", "participant", "{source}/mapped_region.cpp"])),
    Language("boost-iostreams", "Boost.Iostreams, mapped_file",
             {"libboost-iostreams-dev": "/usr/lib/*/libboost_iostreams.so", "g++": "g++"},
             "a file that it makes and resizes", ["{shop}/participant"], tier=2,
             build=("participant", ["mapped_file.cpp", "participant.hpp"],
                    ["g++", "-O1", "-o", "participant", "{source}/mapped_file.cpp",
                     "-lboost_iostreams"])),
    Language("d", "D, std.mmfile", {"ldc": "ldc2"}, "a file that it makes and extends, flush",
             ["{shop}/participant"], tier=2,
             build=("participant", ["mmfile.d"],
                    ["ldc2", "-O1", "-of=participant", "{source}/mmfile.d"])),
    Crate("rust", "Rust, memmap2",
          {"librust-memmap2-dev": "/usr/share/cargo/registry/memmap2-*/Cargo.toml",
           "cargo": "/usr/bin/cargo", "rustc": "/usr/bin/rustc"},
          "MmapMut, set_len, flush", ["{shop}/release/participant"], tier=2,
          build=("release/participant", ["memmap2.rs"],
                 ["env", "RUSTC=/usr/bin/rustc", "CARGO_HOME={shop}/home",
                  "/usr/bin/cargo", "build", "--quiet", "--offline", "--release",
                  "--target-dir", "{shop}", "--config",
                  'source.crates-io.replace-with="debian"', "--config",
                  'source.debian.directory="/usr/share/cargo/registry"'])),
    Language("numpy", "Python, numpy.memmap",
             {"python3-numpy": "/usr/lib/python3/dist-packages/numpy/__init__.py"},
             "a file that it makes and extends, flush",
             ["/usr/bin/python3", "{source}/memmap.py"], tier=2),
    Language("r-ff", "R, ff", {"r-cran-ff": "/usr/lib/R/site-library/ff/DESCRIPTION"},
             "a vector of bytes that it makes and extends", ["/usr/bin/Rscript", "--vanilla",
                                                             "{source}/ff.R"], tier=2),
]
