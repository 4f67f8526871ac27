# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels, and the first files that they are booted with."""
import glob
import lzma
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ["virtio_pci", "virtio_blk", "fuse", "loop", "quota_v2"]


def fetch_kernel(series, work):
    """The directory in `work` with Debian's newest kernel of a series, which is fetched if it is not there."""
    pattern = rf"^linux-image-{re.escape(series)}[.][0-9.]*[-+a-z0-9]*-cloud-amd64-unsigned$"
    listed = subprocess.run(["apt-cache", "search", "--names-only", pattern], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    names = [line.split()[0] for line in listed.splitlines()]
    if not names:
        sys.exit(f"run: apt knows no kernel of {series} (apt-get update)")
    name = max(names, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
    directory = os.path.join(work, name)
    if not os.path.isdir(directory):
        with tempfile.TemporaryDirectory(dir=work) as place:
            os.chmod(place, 0o755)
            subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], check=True, cwd=place)
            package = glob.glob(place + "/*.deb")[0]
            subprocess.run(["dpkg-deb", "-x", package, place + "/kernel"], check=True)
            os.rename(place + "/kernel", directory)
    return directory


def modules_of(kernel, more):
    """The modules that are needed and not built in, each after those that it needs: (name, contents)."""
    base = glob.glob(kernel + "/lib/modules/*")[0]
    found = {os.path.basename(path).split(".ko")[0]: path
             for path in glob.glob(base + "/kernel/**/*.ko*", recursive=True)}
    order = []

    def add(name):
        if name in order or name not in found:
            return
        opener = lzma.open if found[name].endswith(".xz") else open
        with opener(found[name], "rb") as file:
            contents = file.read()
        needed = re.search(rb"\0depends=([^\0]*)\0", contents)
        for other in needed[1].decode().split(",") if needed else []:
            add(other.replace("-", "_"))
        order.append(name)
        loaded.append((name, contents))

    loaded = []
    for name in (*MODULES, *more):
        add(name)
    return loaded


def archive(files):
    """A cpio archive, as the kernel unpacks one: {name: (mode, contents)}."""
    result = b""
    for name, (mode, contents) in [*files.items(), ("TRAILER!!!", (0, b""))]:
        fields = [0, mode, 0, 0, 1, 0, len(contents), 0, 0, 0, 0, len(name) + 1, 0]
        entry = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        result += entry + b"\0" * (-len(entry) % 4) + contents + b"\0" * (-len(contents) % 4)
    return result


def make_initramfs(kernel, place, more=()):
    init = os.path.join(place, "init")
    subprocess.run(["cc", "-static", "-O1", "-D_GNU_SOURCE", "-o", init, HERE + "/init.c"], check=True)
    modules = modules_of(kernel, more)
    with open(init, "rb") as file:
        files = {"dev": (0o40755, b""), "root": (0o40755, b""), "modules": (0o40755, b""),
                 "init": (0o100755, file.read())}
    files["modules/order"] = (0o100644, "\n".join(name for name, _ in modules).encode())
    files.update({f"modules/{name}": (0o100644, contents) for name, contents in modules})
    with open(os.path.join(place, "initramfs"), "wb") as file:
        file.write(archive(files))
