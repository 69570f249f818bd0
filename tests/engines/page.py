#!/usr/bin/python3
"""Writes docs/compatibility.md of what cases.py found.

    page.py FOLDER PAGE       FOLDER has SUITE.json of each suite that ran
"""
import json
import sys
from pathlib import Path

CASES = ["exit 7", "TERM", "RT 40", "not found", "stop", "stop, handler", "stop, ignored", "TERM outside", "zombies",
         "daemon", "Ctrl-C", "Ctrl-Z", "--status"]

HEAD = """# Compatibility

`just test-engines` runs each case below in each engine, with sexton as the command's init and with the command alone,
and writes this page. The versions are those of Debian's packages. An engine whose command is not PID 1 by itself has
an init of its own; sexton is then its child.

| case | command | the cell |
| --- | --- | --- |
| exit 7 | exits with 7 | the engine's own exit status |
| TERM, RT 40 | sends itself SIGTERM, signal 40; exits with 99 if it lives | the same |
| not found | does not exist | the same |
| stop | `sleep 1000` | status and time after the engine's stop, with a time-out of 4 s where there is one |
| stop, handler | exits with 3 at SIGTERM | the same |
| stop, ignored | ignores SIGTERM; sexton has `--grace 1s` | the same |
| TERM outside | exits with 3 at SIGTERM | status and time after SIGTERM to the engine's process in the foreground |
| zombies | leaves 50 orphans, which end | how many are left as zombies |
| daemon | leaves a daemon in a session of its own, and exits \
| whether the daemon got SIGTERM before the container ended |
| Ctrl-C, Ctrl-Z | `sleep 1000` on a terminal | status; whether the command is stopped |
| --status | | whether `sexton --status` works by the engine's exec |

A dash says that the engine has no such command. *Goes on* means longer than 4 s, or 15 s after a stop. The commands are
busybox's, and its shell. The rows without sexton show what the engine, its init if it has one, and the kernel's rules
for PID 1 make of the same command. 99 means that the signal had no effect. `lxc-start` exits with 0 whatever the
command's status; rootlesskit, proot and `systemd-nspawn --as-pid2` with 255 for any signal.
"""


def main():
    folder, page = map(Path, sys.argv[1:])
    lines = [HEAD]
    for file in sorted(folder.glob("*.json"), reverse=True):
        data = json.loads(file.read_text())
        lines += [f"## Debian {file.stem}", ""]
        lines += [f"On {data['date']}, with Linux {data['kernel']}, {data['groups']}.", ""]
        names = " | ".join(f"`{case}`" if case == "--status" else case for case in CASES)
        lines += [f"| engine | init | {names} |", "| --- | --- |" + " --- |" * len(CASES)]
        for row in data["results"]:
            for mode in ("sexton", "bare"):
                if mode in row:
                    name = f"{row['engine']} {row['version']}" if mode == "sexton" else ""
                    init = "sexton" if mode == "sexton" else "none"
                    cells = [row[mode].get(case, "?").replace("|", "\\|") for case in CASES]
                    lines.append(f"| {name} | {init} | " + " | ".join(cells) + " |")
        left_out = [row for row in data["results"] if "not run" in row]
        if left_out:
            lines += ["", "Not run:", ""]
            lines += [f"- {row['engine']} {row.get('version', '')}: {row['not run']}" for row in left_out]
        lines.append("")
    page.write_text("\n".join(lines))


main()
