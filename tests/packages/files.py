#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""Holds what packaging/debian says of the packages against what `meson install` installs. Answers
in TAP.

    files.py BUILD
"""
import fnmatch
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGING = os.path.join(ROOT, "packaging")
DEBIAN = os.path.join(PACKAGING, "debian")


def read(*names):
    with open(os.path.join(*names), encoding="utf-8") as file:
        return file.read()


class Installation:
    """The files that `meson install` puts below a directory, named as with the prefix /usr."""

    def __init__(self, build, top):
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--skip-subprojects", "--quiet",
                        "--destdir", top], check=True)
        options = json.loads(subprocess.run(["meson", "introspect", "--buildoptions", build], check=True,
                                            stdout=subprocess.PIPE).stdout)
        prefix = next(option["value"] for option in options if option["name"] == "prefix")
        self.files = {}
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                inside = re.sub(rf"^{re.escape(prefix)}/", "/usr/", path[len(top):])
                self.files[inside.lstrip("/")] = path


def claims():
    """Returns the patterns of each package's .install."""
    found = {}
    for path in glob.glob(os.path.join(DEBIAN, "*.install")):
        lines = (line.split() for line in read(path).splitlines())
        found[os.path.basename(path)[:-len(".install")]] = [words[0] for words in lines if words]
    return found


def is_claimed(path, pattern):
    """Returns whether a pattern names a file, or a directory above it, component by component."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def each_file_is_in_one_package(installed):
    for path in installed.files:
        owners = [package for package, patterns in claims().items()
                  for pattern in patterns if is_claimed(path, pattern)]
        assert len(owners) == 1, f"{path} is in {owners or 'no package'}: see packaging/debian/*.install"


def each_line_finds_a_file(installed):
    for package, patterns in claims().items():
        for pattern in patterns:
            # Pages come from the source, and are not installed otherwise.
            assert any(is_claimed(path, pattern) for path in installed.files) or \
                glob.glob(os.path.join(ROOT, pattern)), \
                f"packaging/debian/{package}.install: {pattern} is not installed"


def documents_are_there(_installed):
    for path in glob.glob(os.path.join(DEBIAN, "*.docs")) + glob.glob(os.path.join(DEBIAN, "*.examples")):
        for pattern in read(path).split():
            assert glob.glob(os.path.join(ROOT, pattern)), f"{path}: there is no {pattern}"


def the_symbols_are_those_of_the_library(installed):
    library = next(path for path in installed.files.values() if path.endswith("/libshmap.so.0"))
    exported = {line.split()[-1] for line in
                subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.splitlines()}
    name, *lines = read(DEBIAN, "libshmap0.symbols").splitlines()
    assert name.split()[0] == "libshmap.so.0", name
    listed = {line.split("@")[0].strip() for line in lines}
    assert listed == exported, f"packaging/debian/libshmap0.symbols: {sorted(listed ^ exported)}"


def all_name_the_same_version(_installed):
    version = re.search(r"^ *version: '([^']+)',$", read(ROOT, "meson.build"), re.M).group(1)
    for pattern, *names in ((r"^shmapfs \((\S+)\)", DEBIAN, "changelog"),
                            (r"^## (\S+)", ROOT, "CHANGELOG.md"),
                            (r"^Version: *(\S+)", PACKAGING, "rpm", "shmapfs.spec"),
                            (r"^pkgver=(\S+)", PACKAGING, "arch", "PKGBUILD")):
        found = re.search(pattern, read(*names), re.M).group(1)
        assert found == version, f"{os.path.join(*names)} has {found}, meson.build {version}"


def all_build_the_same_libfuse(_installed):
    wrap = read(ROOT, "subprojects", "fuse3.wrap")
    for key, *names in (("source_url", PACKAGING, "rpm", "shmapfs.spec"),
                        ("source_url", PACKAGING, "arch", "PKGBUILD"),
                        ("source_hash", PACKAGING, "arch", "PKGBUILD")):
        value = re.search(rf"^{key} *= *(\S+)", wrap, re.M).group(1)
        assert value in read(*names), f"{os.path.join(*names)} does not have {value}"


def the_scripts_can_be_read(_installed):
    scripts = glob.glob(os.path.join(DEBIAN, "shmapfs.p*")) + [os.path.join(PACKAGING, "deb")]
    for path in scripts:
        shell = read(path).splitlines()[0].lstrip("#!").strip()
        subprocess.run([shell, "-n", path], check=True)
    assert len(scripts) >= 4, scripts


CASES = [each_file_is_in_one_package, each_line_finds_a_file, documents_are_there,
         the_symbols_are_those_of_the_library, all_name_the_same_version, all_build_the_same_libfuse,
         the_scripts_can_be_read]


def main():
    failures = 0
    print(f"1..{len(CASES)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="shmapfs-packages-", dir="/var/tmp") as top:
        installed = Installation(sys.argv[1], top)
        for number, case in enumerate(CASES, 1):
            try:
                case(installed)
                print(f"ok {number} - {case.__name__}", flush=True)
            except (AssertionError, AttributeError, OSError, subprocess.CalledProcessError) as failure:
                failures += 1
                print(f"not ok {number} - {case.__name__}\n# {failure}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
