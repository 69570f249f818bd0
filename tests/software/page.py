#!/usr/bin/env python3
"""Writes docs/software.md from results.json and the table; --check compares instead.

It also finds fault with a program that has neither a whole row nor a reason, and with a recipe that is not the measured
one: so no row is written by hand.
"""

import json
import re
import sys
import textwrap
from pathlib import Path

import driver
import table

ROOT = table.HERE.parent.parent
PAGE = ROOT / "docs/software.md"
WIDTH = 120
HEAD = """\
# Software

How {rows} programs end, and the flags that each needs: search for the name. This page is written from measurements by
`tests/software`; `just test-software NAME` measures a program again. Debian 12, PyPI and npm; the version is that of
the package.

A program without a recipe needs none: `ENTRYPOINT ["/sexton", "--"]`. The flags of a recipe stand before the `--`. Each
recipe was run, with everything that the columns name. The engine's time-out must be longer than the grace period, which
is 30 s by default: [docker.md](docker.md#stopping).

| column | content |
| --- | --- |
| PID 1 | the status after SIGTERM, as PID 1 without an init; *never*: it went on for {limit} s; *no start*: it hangs |
| init | the status with sexton and no flags. Where tini's is another one, a sentence below the table has it |
| recipe | the status with the recipe |
| under way | what became of a slow download of 12 MB, a request, a task, writes: without the recipe → with it |
| silent | how long a TCP client that sends nothing delays the end, with the recipe; *killed*: by the end of the grace |
| leaves | *zombies* of others, such as those of `docker exec`, as PID 1; with sexton there are none |
| | *processes* when it ends: sexton sends them SIGTERM, and they have the rest of the grace period |

"""
GROUP = """\
## --forward-to group

The same stop with `--forward-to group` (tini's `-g`): every process of the command's group gets the signal, not only
the first. This changed the end of {count} of {rows} programs:

| program | default | `--forward-to group` |
| --- | --- | --- |
"""
COUNTS = """\
## Counts

Of {rows} programs

"""
NAMED = 20  # as many programs of a count are named
IMAGES = """\
## Images

Each image in `docker/examples` is made from Debian's packages, and is stopped under load, in Docker and in Podman, by
`tests/containers`.

| image | flags of its entry point |
| --- | --- |
"""
MISSING = """\
## Not measured

"""


def fold(text, first="", rest=""):
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False,
                         break_on_hyphens=False)


def fitting(line):
    if len(line) > WIDTH:
        raise SystemExit(f"too long by {len(line) - WIDTH}: {line}")
    return line


def said(case):
    """What a client or a check says of a case, after its status and its time."""
    rest = [part for part in case[2:] if not part.startswith(("killed ", "left "))]
    return rest[0] if rest else ""


class Row:
    def __init__(self, name, program, result):
        self.name, self.program, self.cases = name, program, result["cases"]
        self.title = program["title"]
        self.version = result["version"]
        if self.cases["sexton orphans"] != [0, "lives"]:
            raise SystemExit(f"{name}: with sexton there are zombies, or it has ended: {self.cases['sexton orphans']}")

    def status(self, variant):
        if variant == "recipe" and "recipe TERM" not in self.cases:
            variant = "sexton"
        return self.cases[f"{variant} TERM"][0]

    def kind(self):
        return "work" if "work" in self.program else "download" if "download" in self.program else "plain"

    def end(self, variant):
        """What became of its own processes."""
        return said(self.cases[f"{variant} TERM"]) if "check" in self.program else ""

    def outcome(self, variant):
        """What became of what was under way, or of the program's own processes."""
        kind = self.kind()
        text = said(self.cases.get(driver.name_of(variant, "TERM", kind), []))
        return "cut" if text.startswith("cut at") else text

    def changed(self):
        return self.status("alone") not in ("never", "no start", self.status("sexton"))

    def killed_by_tini(self):
        return self.end("tini") != self.end("sexton") and "killed" in self.end("tini")

    def cuts(self, variant):
        return self.kind() == "download" and self.outcome(variant) == "cut"

    def under_way(self):
        before, after = self.outcome("sexton"), self.outcome("recipe")
        return before if after in ("", before) else f"{before} → {after}"

    def silent(self):
        case = self.cases.get("recipe TERM silent") or self.cases.get("silent TERM silent")
        if case is None:
            return ""
        if case[1] >= driver.PATIENT:
            return f"over {driver.PATIENT} s"
        killed = ", killed" if case[0] == 137 else ""
        return f"{case[1]:.0f} s{killed}" if case[1] >= 0.5 else "0"

    def zombies(self):
        return self.cases.get("alone orphans", [0])[0] > 0

    def processes(self):
        return any(part.startswith("left ") for part in self.cases["sexton TERM"][2:])

    def leaves(self):
        kinds = ["zombies" if self.zombies() else "", "processes" if self.processes() else ""]
        return ", ".join(filter(None, kinds))

    def line(self):
        recipe = self.program.get("recipe")
        cells = [f"{self.title} {self.version}", f"`{recipe}`" if recipe else "none needed", self.status("alone"),
                 self.status("sexton"), self.status("recipe"), self.under_way(), self.silent(), self.leaves()]
        return fitting("| " + " | ".join(str(cell) or " " for cell in cells).replace("|  ", "| ") + " |")

    def sentences(self):
        found = [" ".join(self.program["note"].split())] if "note" in self.program else []
        if self.cases.get("alone orphans", [0, "lives"])[1] == "ended":
            found.append("As PID 1 it ends when a process that `docker exec` has left ends")
        busy = self.cases[driver.name_of("sexton", "TERM", self.kind())][0]
        if busy != self.status("sexton"):
            found.append(f"With a client at work the status is {busy} without the recipe")
        status, end = self.status("tini"), self.end("tini")
        if end != self.end("sexton"):
            found.append(f"With tini {end}")
        if status != self.status("sexton"):
            late = f"With tini it had not ended after {driver.LIMIT} s"
            found.append(late if status == "never" else f"With tini the status is {status}")
        return found

    def harm(self):
        """(default, with --forward-to group), if they differ."""
        ends = []
        for variant in ("sexton", "group"):
            case = self.cases[driver.name_of(variant, "TERM", self.kind())]
            ends.append((f"status {case[0]}" if case[0] != "never" else "never ends", self.outcome(variant)))
        return None if ends[0] == ends[1] else [", ".join(filter(None, end)) for end in ends]


COUNTED = [
    ("do not end at SIGTERM as PID 1, or do not start", lambda row: row.status("alone") in ("never", "no start")),
    ("do not end within 30 s of SIGTERM with an init either", lambda row: row.status("sexton") in (137, "never")),
    ("have another status because an init is there", lambda row: row.changed()),
    ("end a stop with a status other than 0, with an init and no flags", lambda row: row.status("sexton") != 0),
    ("end it so with the recipe", lambda row: row.status("recipe") != 0),
    ("start programs that are killed with tini, and end by themselves with sexton", lambda row: row.killed_by_tini()),
    ("leave zombies of others, as PID 1", lambda row: row.zombies()),
    ("leave processes when they end, which sexton ends", lambda row: row.processes()),
    ("cut the download, without the recipe", lambda row: row.cuts("sexton")),
    ("cut it with the recipe, too", lambda row: row.cuts("recipe") if row.outcome("recipe") else row.cuts("sexton")),
]


def rows_of(results):
    groups, missing = [], []
    for heading, programs in table.load():
        rows = []
        for name, program in programs.items():
            if "skip" in program:
                missing.append(f"{program['title']}: {program['skip']}")
            elif driver.whole(program, results.get(name)):
                rows.append(Row(name, program, results[name]))
            else:
                raise SystemExit(f"{name}: results.json has no whole row of it: just test-software {name}")
        groups.append((heading, rows))
    return groups, missing


def images():
    """Each Dockerfile, with the flags of its entry point."""
    for path in sorted((ROOT / "docker/examples").glob("*/Dockerfile")):
        flags = json.loads(re.search(r"^ENTRYPOINT (.*)", path.read_text(), re.M)[1])[1:-1]
        setting = f"`{' '.join(flags)}`" if flags else "none"
        yield fitting(f"| [{path.parent.name}](../{path.relative_to(ROOT)}) | {setting} |")


def page(results):
    groups, missing = rows_of(results)
    every = [row for _, rows in groups for row in rows]
    text = HEAD.format(rows=len(every), limit=driver.LIMIT)
    for heading, rows in groups:
        text += f"## {heading}\n\n| program | recipe | PID 1 | init | recipe | under way | silent | leaves |\n"
        text += "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        text += "".join(row.line() + "\n" for row in rows) + "\n"
        notes = [f"- **{row.title}**: {'. '.join(row.sentences())}." for row in rows if row.sentences()]
        text += "".join(fold(note, rest="  ") + "\n" for note in notes) + ("\n" if notes else "")
    harmed = [(row, row.harm()) for row in every if row.harm()]
    text += GROUP.format(rows=len(every), count=len(harmed))
    text += "".join(fitting(f"| {row.title} | {before} | {after} |") + "\n" for row, (before, after) in harmed) + "\n"
    text += COUNTS.format(rows=len(every))
    for label, wanted in COUNTED:
        found = [row.title for row in every if wanted(row)]
        names = f": {'; '.join(found)}" if 0 < len(found) <= NAMED else ""
        text += fold(f"- {len(found)} {label}{names}", rest="  ") + "\n"
    text += "\n" + IMAGES + "".join(line + "\n" for line in images())
    if missing:
        text += "\n" + MISSING + "".join(fold(f"- {line}.", rest="  ") + "\n" for line in missing)
    return text


def main():
    made = page(json.loads(driver.RESULTS.read_text()))
    if sys.argv[1:] == ["--check"]:
        if PAGE.read_text() != made:
            raise SystemExit("docs/software.md is not what tests/software/page.py makes of results.json: run it")
    else:
        PAGE.write_text(made)


if __name__ == "__main__":
    main()
