"""The table of programs: programs/*.toml, one table a program, in the order of the page."""

import shlex
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
# In texts $D is the folder of a case, $B that of what is installed, $O what `once` has made.
FIELDS = {
    "title": "its name on the page",
    "package": "registry and name, whose version the page has",
    "needs": "further packages",
    "command": "the documented command in the foreground, in words as a shell splits them",
    "user": "USER or USER:GROUP, whom setpriv(1) makes of root",
    "directory": "its working directory; / if there is none",
    "env": "its variables",
    "files": "files in $D by their names, and their content; executable if it begins with #!",
    "big": "a file of 12 MB in $D",
    "once": "a script that runs once, in $O",
    "prepare": "a script that runs in $D before each start",
    "helper": "a server outside of the PID namespace, which runs first",
    "helper_ready": "as `ready`",
    "helped": "a script that runs when the helper is ready",
    "ready": "port N, udp N, unix PATH, file PATH, log REGEX or sh SCRIPT",
    "start": "seconds that a start may take: 40",
    "calm": "seconds without a new process until it is taken for started: 0.4",
    "load": "a script that runs when it is ready",
    "stopsignal": "the signal that its documentation or its image names, if it is not TERM",
    "slow": "it may take longer than 12 s by itself",
    "hangs": "as PID 1 it does not start",
    "download": "PORT PATH of 12 MB",
    "silent": "PORT for a client that says nothing, or PORT WORDS",
    "work": "start: a client's script; begun: it succeeds when the signal may come; check: prints what became of it",
    "check": "a script that prints, after the end, what became of the program's own",
    "recipe": "the flags that it needs",
    "note": "a sentence for the page",
    "skip": "why it is not measured",
}


def load():
    """The groups by their headings: (heading, {name: program})."""
    groups, names = [], set()
    for path in sorted((HERE / "programs").glob("*.toml")):
        programs = tomllib.loads(path.read_text())
        heading = programs.pop("heading")
        for name, program in programs.items():
            unknown = set(program) - set(FIELDS)
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
