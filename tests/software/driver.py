#!/usr/bin/env python3
"""Measures how programs stop: driver.py [-j N] [--cases NAME] [NAME...]. run.sh calls it once all is installed.

Every case of a program runs in namespaces of its own (case.py), so that several can wait at the same time. A program's
results are written to results.json when all its cases are done; those of other programs stay as they are.
"""

import argparse
import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import table

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
CACHE = Path(os.environ.get("SOFTWARE_CACHE") or Path.home() / ".cache/sexton/software")
SEXTON = os.environ.get("IT_BIN", "")
LIMIT = 12  # seconds, for what has no grace period
PATIENT = 65  # for programs that take their time, and for silent clients


def init(variant, program):
    flags = {"sexton": "", "group": "--forward-to group", "recipe": program.get("recipe", "")}
    match variant:
        case "alone":
            return []
        case "tini":
            return ["tini", "--"]
        case "silent":
            words = ["--grace", f"{PATIENT}s"]
        case _:
            words = shlex.split(flags[variant])
    return [SEXTON, *words, "--report", "$D/report.json", "--"]


def cases(program):
    """(variant, signal, kind, limit) of every case. What does not start without an init is tried once without."""
    hangs = "hangs" in program
    for case in every_case(program):
        if case[:3] == ("alone", "TERM", "plain") or not (hangs and case[0] == "alone"):
            yield case


def every_case(program):
    stop = program.get("stopsignal", "TERM")
    limit = PATIENT if program.get("slow") else LIMIT
    recipe = "recipe" in program
    for variant in ("sexton", "alone", "tini"):
        yield variant, "TERM", "plain", limit if variant != "sexton" else PATIENT
    if stop != "TERM":
        for variant in ("alone", "sexton"):
            yield variant, stop, "plain", LIMIT
    for signal in ("INT", "QUIT"):
        if signal != stop:
            for variant in ("alone", "sexton"):
                yield variant, signal, "plain", 4
    for variant in ("alone", "sexton"):
        yield variant, "", "orphans", 0
    if recipe:
        yield "recipe", "TERM", "plain", PATIENT
    busy = [kind for kind in ("download", "work") if kind in program]
    for kind in busy:
        yield "sexton", "TERM", kind, PATIENT
        if stop != "TERM" and f"TERM={stop}" not in program.get("recipe", ""):
            yield "sexton", stop, kind, PATIENT
        if recipe:
            yield "recipe", "TERM", kind, PATIENT
    yield "group", "TERM", busy[-1] if busy else "plain", PATIENT
    if "silent" in program:
        yield "silent", "TERM", "silent", PATIENT + 5
        if recipe:
            yield "recipe", "TERM", "silent", PATIENT + 5


def name_of(variant, signal, kind):
    return " ".join(filter(None, [variant, signal, "" if kind == "plain" else kind]))


def run(name, program, variant, signal, kind, limit):
    folder = tempfile.mkdtemp(prefix=name + ".", dir=CACHE / "run")
    case = {
        "program": program,
        "folder": folder,
        "cache": str(CACHE),
        "once": str(CACHE / "once" / name),
        "init": [word.replace("$D", folder) for word in init(variant, program)],
        "command": table.command(program),
        "signal": signal,
        "kind": kind,
        "limit": limit,
        "hangs": variant == "alone" and "hangs" in program,
    }
    command = ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, str(HERE / "case.py")]
    try:
        done = subprocess.run(command, input=json.dumps(case), capture_output=True, text=True, timeout=400)
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": "the case did not end"}
    except ValueError:
        return {"error": "the case failed: " + done.stderr[-600:]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def once(name, program):
    """What is made once for all cases, such as an empty database; $O."""
    folder = CACHE / "once" / name
    if "once" not in program or folder.exists():
        return
    new = folder.with_name(name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    env = os.environ | {"O": str(new), "B": str(CACHE)}
    done = subprocess.run(["bash", "-ec", program["once"]], cwd=new, env=env, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError("once: " + done.stdout[-600:] + done.stderr[-600:])
    new.rename(folder)


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def version(program):
    registry, package = table.packages(program)[0]
    match registry:
        case "apt":
            text = output(["dpkg-query", "-W", "-f", "${Version}", package])
        case "unpack":
            file = next((CACHE / "unpacked").glob(f"{package}_*.deb"))
            text = output(["dpkg-deb", "-f", file, "Version"])
        case "pip":
            text = re.search(r"^Version: (.*)$", output([CACHE / "venv/bin/pip", "show", package]), re.M)[1]
        case "npm":
            text = json.loads((CACHE / "npm/node_modules" / package / "package.json").read_text())["version"]
        case "command":
            text = re.search(r"\d[\d.]+", output([package, "--version"]))[0]
    return re.match(r"(\d+:)?([\w.]*\w)", text.replace(".dfsg", ""))[2]  # without what Debian adds


def compact(result):
    """What results.json keeps of a case."""
    if "error" in result:
        return {"error": result["error"][:300]}
    if "zombies" in result:
        return [result["zombies"], "lives" if result["lives"] else "ended"]
    kept = [result["status"], result["seconds"]]
    if result.get("left") is not None:
        kept.append(f"left processes for {result['left']:.1f} s")
    if result.get("killed"):
        kept.append(f"killed {result['killed']}")
    if "outcome" in result:
        kept.append(result["outcome"])
    return kept


def text_of(results):
    """A line for each case, so that a change can be read."""
    lines = []
    for name in sorted(results):
        row = results[name]
        rest = {key: value for key, value in row.items() if key != "cases"}
        inner = ",\n  ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in row["cases"].items())
        lines.append(f'{json.dumps(name)}: {json.dumps(rest)[:-1]}, "cases": {{\n  {inner}}}}}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def whole(program, row):
    """Whether a row has every case, measured with the recipe that the table has."""
    wanted = {name_of(*case[:3]) for case in cases(program)}
    return bool(row) and row.get("recipe") == program.get("recipe") and wanted == set(row["cases"]) \
        and not any("error" in case for case in row["cases"].values())


class Program:
    """The cases of one program; the last one to end writes the row."""

    lock = threading.Lock()

    def __init__(self, name, program, wanted):
        self.name, self.program = name, program
        every = list(cases(program))
        self.cases = [case for case in every if wanted == name_of(*case[:3])]
        self.cases = self.cases or [case for case in every if wanted in name_of(*case[:3])]
        self.complete = not wanted
        self.results = {}
        self.made = threading.Lock()
        self.failed = ""  # why it does not start: then no other case is tried

    def measure(self, case):
        label = name_of(*case[:3])
        try:
            with self.made:
                once(self.name, self.program)
            if self.failed:
                raise RuntimeError(self.failed)
            result = run(self.name, self.program, *case)
            if "error" in result:  # once more, because the machine may have been busy
                result = run(self.name, self.program, *case)
        except RuntimeError as error:
            result = {"error": str(error)}
        if case[:3] == ("sexton", "TERM", "plain"):
            self.failed = result.get("error", "")
        with Program.lock:
            print(f"{self.name}: {label}: {json.dumps(compact(result))}", flush=True)
            if "error" in result or not self.complete:
                print(result.get("error") or result["log"], flush=True)
            self.results[label] = compact(result)
            if len(self.results) == len(self.cases):
                self.write()

    def write(self):
        with open(CACHE / "lock", "w") as lock:  # another driver may measure other programs
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.write_locked()

    def write_locked(self):
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        if not self.complete:
            row = results.get(self.name, {})
            if row.get("recipe") != self.program.get("recipe"):
                return
            self.results = row.get("cases", {}) | self.results
        names = [name_of(*case[:3]) for case in cases(self.program)]
        ordered = {name: self.results[name] for name in names if name in self.results}
        row = {"version": version(self.program)}
        row |= {"recipe": self.program["recipe"]} if "recipe" in self.program else {}
        results[self.name] = row | {"cases": ordered}
        new = RESULTS.with_suffix(".new")
        new.write_text(text_of(results))
        new.rename(RESULTS)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("-j", type=int, default=3, help="how many cases at the same time")
    arguments.add_argument("--cases", default="", help="only the case of this name, or those with it in their names")
    arguments.add_argument("--missing", action="store_true", help="only programs without a whole row")
    arguments.add_argument("--packages", metavar="REGISTRY", help="print the packages that the programs need")
    arguments.add_argument("names", nargs="*")
    arguments = arguments.parse_args()
    programs = table.programs()
    unknown = set(arguments.names) - set(programs)
    if unknown:
        raise SystemExit(f"no such program: {', '.join(sorted(unknown))}; the table is tests/software/programs/*.toml")
    chosen = {name: p for name, p in programs.items() if (name in arguments.names or not arguments.names)}
    if arguments.packages:
        needed = [found for p in chosen.values() if "skip" not in p for found in table.packages(p)]
        print(*sorted({package for registry, package in needed if registry == arguments.packages}), sep="\n")
        return
    if arguments.missing:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        chosen = {name: p for name, p in chosen.items() if not whole(p, known.get(name))}
    (CACHE / "run").mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)
    with ThreadPoolExecutor(arguments.j) as pool:
        jobs = [pool.submit(program.measure, case)
                for program in [Program(name, p, arguments.cases) for name, p in chosen.items() if "skip" not in p]
                for case in program.cases]
        for job in jobs:
            job.result()


if __name__ == "__main__":
    main()
