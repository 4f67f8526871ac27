#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause
"""libshmap, as it is installed: what it exports, and the examples of docs/examples with it, each in
its language, on a mount. Answers in TAP.

    installed.py BUILD

Needs root: the mount lives in a mount and a PID namespace that end with this program.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "docs", "examples")
HEADERS = [os.path.join(ROOT, "lib", "api", name)
           for name in ("shmap.h", "shmap_hosts.h", "shmap_reattach.h", "shmap_save.h")]


def run(*command, **changes):
    """Runs a command that is to succeed. Returns what it prints."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False,
                         env={**os.environ, **changes})
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


class Installation:
    """The files that `meson install` puts below a directory."""

    def __init__(self, build, top):
        self.top = top
        run("meson", "install", "-C", build, "--no-rebuild", "--skip-subprojects", "--quiet",
            "--destdir", top)
        self.shmapfs = self.find("shmapfs")
        self.library = self.find("libshmap.so.0")
        self.search = {"LD_LIBRARY_PATH": os.path.dirname(self.library)}

    def find(self, name):
        for directory, _, names in os.walk(self.top):
            if name in names and os.path.basename(directory) != "bash-completion":
                return os.path.join(directory, name)
        raise AssertionError(f"{name} is not installed")

    def flags(self, *more):
        """Returns what a compiler needs to use the library."""
        return run("pkg-config", "--cflags", "--libs", *more, "shmap",
                   PKG_CONFIG_PATH=os.path.dirname(self.find("shmap.pc")),
                   PKG_CONFIG_SYSROOT_DIR=self.top).split()


def only_the_interface_is_exported(installed, _mount, _scratch):
    symbols = {line.split()[-1] for line in
               run("nm", "-D", "--defined-only", installed.library).splitlines()}
    declared = set()
    for path in HEADERS:
        with open(path, encoding="utf-8") as header:
            text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
        declared |= set(re.findall(r"\b(shmap_\w+)\(", text))
    assert symbols == declared, symbols ^ declared


def a_program_in_c(installed, mount, scratch):
    program = os.path.join(scratch, "class")
    run("cc", "-Wall", "-Werror", os.path.join(EXAMPLES, "class.c"), *installed.flags(), "-o", program)
    assert run(program, mount, **installed.search) == "persist\n"
    assert run(program, os.path.join(mount, "ram"), **installed.search) == "anon\n"
    ran = subprocess.run([program, "/"], capture_output=True, text=True, check=False,
                         env={**os.environ, **installed.search})
    assert ran.returncode == 1 and ran.stderr == "class: No data available\n", ran


def a_program_that_has_all_within(installed, mount, scratch):
    program = os.path.join(scratch, "class.static")
    flags = [flag for flag in installed.flags("--static") if flag != "-lshmap"]
    run("cc", os.path.join(EXAMPLES, "class.c"), installed.find("libshmap.a"), *flags, "-o", program)
    assert run(program, mount) == "persist\n"


def a_program_in_cpp(installed, mount, scratch):
    program = os.path.join(scratch, "class.c++")
    run("g++", "-Wall", "-Werror", "-x", "c++", os.path.join(EXAMPLES, "class.c"), *installed.flags(),
        "-o", program)
    assert run(program, mount, **installed.search) == "persist\n"


def a_program_in_python(installed, mount, _scratch):
    assert run("/usr/bin/python3", "-B", os.path.join(EXAMPLES, "class.py"), mount,
               **installed.search) == "persist\n"


def a_program_in_rust(installed, mount, scratch):
    program = os.path.join(scratch, "class.rust")
    run("rustc", os.path.join(EXAMPLES, "class.rs"), "-L", os.path.dirname(installed.library),
        "-l", "shmap", "-o", program)
    assert run(program, mount, **installed.search) == "persist\n"


CASES = [only_the_interface_is_exported, a_program_in_c, a_program_that_has_all_within,
         a_program_in_cpp, a_program_in_python]
CASES += [a_program_in_rust] if shutil.which("rustc") else []


def run_cases(build, top):
    installed = Installation(build, os.path.join(top, "installed"))
    scratch, mount, store = (os.path.join(top, name) for name in ("scratch", "mnt", "store"))
    for directory in (scratch, mount, store):
        os.mkdir(directory)
    run(installed.shmapfs, store, mount, "-o", "anon=ram")
    failures = 0
    print(f"1..{len(CASES)}", flush=True)
    if a_program_in_rust not in CASES:
        print("# the example in Rust was left out: there is no rustc here", flush=True)
    try:
        for number, case in enumerate(CASES, 1):
            try:
                case(installed, mount, scratch)
                print(f"ok {number} - {case.__name__}", flush=True)
            except (AssertionError, OSError) as failure:
                failures += 1
                print(f"not ok {number} - {case.__name__}\n# {failure}", flush=True)
    finally:
        run("umount", mount)
    return failures


def main():
    if len(sys.argv) == 2:
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                               sys.executable, "-B", __file__, sys.argv[1], "inside"],
                              check=False).returncode
    with tempfile.TemporaryDirectory(prefix="shmapfs-library-", dir="/var/tmp") as top:
        return 1 if run_cases(sys.argv[1], top) else 0


if __name__ == "__main__":
    sys.exit(main())
