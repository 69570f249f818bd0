"""The table of programs: programs/*.toml, one table a program, in the order of the page."""

import shlex
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
FIELDS = {
    "title", "package", "needs", "command", "user", "directory", "env", "files", "big", "prepare", "once", "helper",
    "helper_ready", "helped", "ready", "start", "calm", "load", "check", "stopsignal", "slow", "download", "silent",
    "work", "recipe", "note", "skip", "hangs",
}


def load():
    """The groups by their headings: (heading, {name: program})."""
    groups, names = [], set()
    for path in sorted((HERE / "programs").glob("*.toml")):
        programs = tomllib.loads(path.read_text())
        heading = programs.pop("heading")
        for name, program in programs.items():
            unknown = set(program) - FIELDS
            if unknown or name in names:
                raise SystemExit(f"{path.name}: {name}: unknown or given twice: {sorted(unknown) or name}")
            names.add(name)
        groups.append((heading, programs))
    return groups


def programs():
    return {name: program for _, group in load() for name, program in group.items()}


def packages(program):
    """(registry, name) of each package: "apt nginx-light", "pip uvicorn", "npm next", "unpack exim4-daemon-light",
    or "command npm" for what the machine has anyway."""
    return [tuple(text.split()) for text in [program["package"], *program.get("needs", [])]]


def command(program):
    words = shlex.split(program["command"])
    if user := program.get("user"):
        user, _, group = user.partition(":")
        words = ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--init-groups", *words]
    return words
