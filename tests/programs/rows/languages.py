# SPDX-License-Identifier: BSD-2-Clause
"""Tier 1: the languages' own ways to map a file."""
from language import Language

# A machine that is there soon, leaves the other processors to others, and has no file in /tmp that
# is named after its process id: in another namespace another one may have the same.
JAVA = ["/usr/bin/java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData",
        "-Xmx64m"]

ROWS = [
    Language("c", "C, mmap", {"gcc": "gcc"}, "shared mapping, ftruncate, msync",
             ["{shop}/partner"]),
    Language("python-mmap", "Python, mmap", {"python3": "/usr/bin/python3"},
             "shared mapping, resize, flush", ["/usr/bin/python3", "{source}/mapping.py"]),
    Language("perl-file-map", "Perl, File::Map",
             {"libfile-map-perl": "/usr/lib/*/perl5/*/File/Map.pm", "perl": "perl"},
             "map_handle, truncate and remap, sync", ["/usr/bin/perl", "{source}/file_map.pl"]),
    Language("perl-sys-mmap", "Perl, Sys::Mmap",
             {"libsys-mmap-perl": "/usr/lib/*/perl5/*/Sys/Mmap.pm", "perl": "perl"},
             "mmap, truncate, munmap", ["/usr/bin/perl", "{source}/sys_mmap.pl"]),
    Language("ruby", "Ruby, Mmap",
             {"ruby-mmap2": "/usr/lib/*/rubygems-integration/*/gems/mmap2-*/lib/mmap.rb",
              "ruby": "ruby"},
             "shared mapping, extend, msync", ["/usr/bin/ruby", "{source}/mapping.rb"],
             until=12),
    Language("java", "Java, FileChannel.map", {"default-jdk-headless": "javac"},
             "map that makes the file grow, force", [*JAVA, "-cp", "{shop}", "Mapping"],
             build=("Mapping.class", ["Mapping.java"],
                    ["javac", "-d", "{shop}", "{source}/Mapping.java"])),
    Language("mono", ".NET, MemoryMappedFile",
             {"mono-runtime": "mono", "mono-mcs": "mcs",
              "libmono-system-core4.0-cil": "/usr/lib/mono/4.5/System.Core.dll"},
             "view accessor, SetLength before each map, Flush",
             ["/usr/bin/mono", "{shop}/mapping.exe"],
             build=("mapping.exe", ["mapping.cs"],
                    ["mcs", "-out:mapping.exe", "{source}/mapping.cs"])),
    # Without the configuration of this machine, which need not allow FFI.
    Language("php", "PHP, FFI", {"php-cli": "/usr/bin/php"},
             "mmap of the C library, ftruncate, msync",
             ["/usr/bin/php", "-n", "-d", "extension=ffi", "-d", "ffi.enable=1",
              "{source}/mapping.php"]),
    Language("lua", "Lua, LuaJIT FFI", {"luajit": "/usr/bin/luajit"},
             "mmap, mremap and msync of the C library",
             ["/usr/bin/luajit", "{source}/mapping.lua"]),
]
