# SPDX-License-Identifier: BSD-2-Clause
"""Results of programs on a kernel: a file for each, as `meson test` writes a line of its log."""
import collections
import glob
import json
import os
import re
import subprocess

SKIPPED = re.compile(r"^(?:# *)?SKIPPED: (.*)$", re.MULTILINE)
# As cmocka names a case, at its end and once more in a list.
CASE_SKIPPED = re.compile(r"^(?:\[ +SKIPPED +\] [^\d\s]\S*|ok \d+ - \S+ # *SKIP.*)$", re.MULTILINE)
RESULT = {0: "OK", 77: "SKIP"}


def revision():
    """The state of the sources that the programs were built from, as far as git knows."""
    described = subprocess.run(["git", "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    return described.stdout.strip()


def result_of(series, ended):
    return {"name": f"{series} / {ended.program.name}", "stdout": ended.printed,
            "result": RESULT.get(ended.status, "FAIL"), "duration": ended.seconds, "revision": revision()}


def reasons(result):
    """Why cases of a program were skipped, and how many were for each reason."""
    given = collections.Counter(SKIPPED.findall(result["stdout"]))
    silent = len(set(CASE_SKIPPED.findall(result["stdout"]))) - given.total()
    return given + collections.Counter({"(no reason given)": silent})


def show(result):
    print(f"{result['result']:4} {result['duration']:4} s  {result['name']}", flush=True)
    for reason, count in sorted(reasons(result).items()):
        print(f"        {count} skipped: {reason}", flush=True)


class Results:
    """The files in a directory."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def path_of(self, name):
        return os.path.join(self.directory, re.sub(r"[^\w.=*]+", "-", name) + ".json")

    def put(self, name, result):
        with open(self.path_of(name) + ".part", "w", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        os.rename(self.path_of(name) + ".part", self.path_of(name))

    def find(self, name):
        """Returns None for a program that has not been run."""
        try:
            with open(self.path_of(name), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def summarize(self, names, left_out):
        """Says what became of these programs, and of those that no guest can run. Returns whether none failed."""
        found = {name: self.find(name) for name in names}
        skips = collections.Counter()
        for result in filter(None, found.values()):
            skips += reasons(result)
        counts = collections.Counter(result["result"] if result else "not run" for result in found.values())
        for name in (name for name, result in found.items() if result and result["result"] == "FAIL"):
            print(f"FAILED: {name} ({os.path.relpath(self.path_of(name))})")
        for reason, count in skips.most_common():
            print(f"skipped: {count} cases: {reason}")
        for reason in sorted(set(left_out.values())):
            those = [name for name, why in left_out.items() if why == reason]
            print(f"left out: {len(those)} programs, which a guest cannot run: {reason}: {', '.join(those)}")
        print(f"{counts['OK']} programs passed, {counts['FAIL']} failed, {counts['SKIP']} were skipped as a whole, "
              f"{counts['not run']} not run yet, {len(left_out)} left out")
        return counts["FAIL"] == 0


def native_seconds(build):
    """How long programs took on this machine's own kernel, the last time that `meson test` ran them here."""
    seconds = {}
    for path in sorted(glob.glob(build + "/meson-logs/*.json"), key=os.path.getmtime):
        with open(path, encoding="utf-8") as file:
            for line in file:
                test = json.loads(line)
                seconds[test["name"].rpartition(" / ")[2]] = test["duration"]
    return seconds
