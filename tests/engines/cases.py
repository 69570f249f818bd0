#!/usr/bin/python3
"""The cases that each engine runs, with sexton and without. Started by inside.sh; writes /tmp/engines/out/SUITE.json.

    cases.py SUITE [ENGINE...]
"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import engines

HERE = Path("/tmp/engines")
LIMIT = 30.0  # for what must happen
PATIENCE = 4.0  # until something counts as not happening
READY = "it is ready"


def until(condition, limit=LIMIT):
    """Whether the condition came to hold within the limit."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
                line = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            state, parent = stat[stat.rindex(")") + 2:].split()[:2]
            yield int(entry), state, int(parent), line.split(b"\0")[:-1]


def find(mark):
    """The command with this mark, and its state."""
    shells = ([b"/bin/sh", b"-c"], [b"sh", b"-c"])
    for pid, state, _, line in processes():
        # The engine's own programs have the command in their arguments, too.
        if line[-2:] == [b"sleep", mark.encode()] and (len(line) == 2 or line[:2] in shells):
            return pid, state
    return None, None


def namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def zombies(pid):
    """Zombies of the process's PID namespace, but for those of this program."""
    own = namespace(pid)
    return [p for p, state, parent, _ in processes() if state == "Z" and parent != os.getpid() and namespace(p) == own]


class Run:
    """A container, seen through the engine's program in the foreground."""

    number = 0

    def __init__(self, engine, mode, command, flags=(), tty=False, options=()):
        Run.number += 1
        self.engine, self.name = engine, f"sexton-{os.getpid()}-{Run.number}"
        inner = (["/sexton", *engine.flags, *flags, "--"] if mode == "sexton" else []) + command
        argv, directory = engine.start(self.name, inner, tty, list(options))
        self.text, self.master = b"", None
        if tty:
            pid, self.master = pty.fork()
            if pid == 0:
                os.chdir(directory)
                os.execvp(argv[0], argv)
            self.pid, self.process, self.out = pid, None, self.master
        else:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=directory,
                                            stderr=subprocess.STDOUT, start_new_session=True, env=engine.environment())
            self.pid, self.out = self.process.pid, self.process.stdout.fileno()
        os.set_blocking(self.out, False)
        self.code = self.mark = None

    def read(self):
        while select.select([self.out], [], [], 0)[0]:
            try:
                data = os.read(self.out, 65536)
            except OSError:
                return
            if not data:
                return
            self.text += data

    def says(self, text, limit=LIMIT):
        def said():
            ended = self.ended()
            return text.encode() in self.text or ended
        return until(said, limit) and text.encode() in self.text

    def ended(self):
        self.read()
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                if self.process:
                    self.process.returncode = self.code
                self.read()
        return self.code is not None

    def status(self, limit=LIMIT):
        """The engine's exit status as a shell has it; `None` if it does not end."""
        if not until(self.ended, limit):
            return None
        return 128 - self.code if self.code < 0 else self.code

    def goes_on(self):
        """Whether the command is there although the engine's program is not."""
        return not until(lambda: find(self.mark)[0] is None, 1)

    def close(self):
        if not self.ended():
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            until(self.ended, 5)
        self.engine.remove(self.name)
        left = find(self.mark)[0] if self.mark else None
        if left:
            os.kill(left, signal.SIGKILL)
        if self.master is not None:
            os.close(self.master)
        elif self.process:
            self.process.stdout.close()


def mark():
    mark.last += 1
    return str(mark.last)


mark.last = 90000


def shell(script):
    return ["/bin/sh", "-c", script]


def seconds(begin):
    return f"{time.monotonic() - begin:.1f} s"


def cases(engine, mode):
    """Yields the name of each case and what came of it."""

    def plain(command):
        run = Run(engine, mode, command)
        status = run.status()
        run.close()
        return str(status), run.text.decode(errors="replace")

    status, text = plain(shell("exit 7"))
    if status == "1" and mode == "sexton":
        raise RuntimeError(f"did not start: {text[-400:]}")
    yield "exit 7", status
    yield "TERM", plain(shell("kill -TERM $$; exit 99"))[0]
    yield "RT 40", plain(shell("kill -40 $$; exit 99"))[0]
    yield "not found", plain(["/no-such-command"])[0]

    def ready(script, flags=(), **more):
        number = mark()
        command = shell(script.replace("{ready}", f"echo {READY}").replace("{mark}", number))
        run = Run(engine, mode, [*command, "sleep", number], flags, **more)
        run.mark = number
        if not run.says(READY):
            text = run.text.decode(errors="replace")
            run.close()
            raise RuntimeError(f"did not start: {text[-400:]}")
        return run

    def end(run, begin, limit=15.0):
        status = run.status(limit)
        took = seconds(begin)
        if status is None:
            return "goes on"
        return f"{status} after {took}" + (", the command goes on" if run.goes_on() else "")

    for name, script, flags in (
        ("stop", "{ready}; exec sleep {mark}", ()),
        ("stop, handler", 'trap "exit 3" TERM; {ready}; while :; do sleep 0.1; done', ()),
        ("stop, ignored", 'trap "" TERM; {ready}; while :; do sleep 0.1; done', ("--grace=1s",)),
    ):
        if not engine.stops:
            yield name, "–"
            continue
        run = ready(script, flags)
        begin = time.monotonic()
        engine.stop(run.name, 4)
        yield name, end(run, begin)
        run.close()

    if engine.has_outside:
        run = ready('trap "exit 3" TERM; {ready}; while :; do sleep 0.1; done')
        begin = time.monotonic()
        os.kill(run.pid, signal.SIGTERM)
        yield "TERM outside", end(run, begin, PATIENCE)
        run.close()
    else:
        yield "TERM outside", "–"

    run = ready("i=0; while [ $i -lt 50 ]; do (sleep 1 & ); i=$((i + 1)); done; {ready}; exec sleep {mark}")
    pid = find(run.mark)[0]
    own = namespace(pid)

    def orphans_ended():
        return not any(line[-2:] == [b"sleep", b"1"] and namespace(p) == own for p, _, _, line in processes())
    until(orphans_ended)
    until(lambda: not zombies(pid), 1)
    yield "zombies", str(len(zombies(pid)))
    if mode == "sexton" and engine.can_exec:
        code, text = engine.exec(run.name, ["/sexton", "--status"])
        yield "--status", "yes" if code == 0 and "sexton" in text else f"status {code}: {text.strip()[-80:]}"
    else:
        yield "--status", "–"
    run.close()

    number = mark()
    daemon = ("(setsid sh -c 'trap \"echo it was asked >&2; exit\" TERM; echo; exec >&2; while :; do sleep 0.1; done' "
              f"</dev/null sleep {number} &) | head -n 1; exit 0")
    run = Run(engine, mode, shell(daemon))
    status = run.status(8)
    run.mark = number
    asked = b"it was asked" in run.text
    yield "daemon", "asked to end" if asked else "goes on" if status is None or run.goes_on() else "killed"
    run.close()

    for name, key in (("Ctrl-C", b"\x03"), ("Ctrl-Z", b"\x1a")):
        if not engine.has_tty:
            yield name, "–"
            continue
        run = ready("{ready}; exec sleep {mark}", tty=True)
        os.write(run.master, key)
        if name == "Ctrl-C":
            status = run.status(PATIENCE)
            yield name, ("nothing" if status is None
                         else str(status) + (", the command goes on" if run.goes_on() else ""))
        else:
            # Not only for the moment until somebody continues it.
            stopped = until(lambda: find(run.mark)[1] == "T", 1) and not until(lambda: find(run.mark)[1] != "T", 2)
            yield name, "stopped" if stopped else "goes on" if find(run.mark)[0] else "ended"
        run.close()


# What sexton answers for, whichever engine: the others are the engine's.
EXPECTED = {"zombies": r"0", "--status": r"yes|–", "daemon": r"asked to end"}


def main():
    suite, *wanted = sys.argv[1:]
    out = HERE / "out"
    results, failed = [], []
    bed = engines.Bed(HERE)
    for engine in engines.all_of(suite, bed):
        if wanted and engine.name not in wanted:
            continue
        row = {"engine": engine.name, "suite": suite}
        results.append(row)
        try:
            row["version"] = engine.version()
            engine.up()
        except Exception as error:  # whatever it is, the table says so
            row["not run"] = re.sub(r"\s+", " ", str(error))[:300]
            print(f"{engine.name}: NOT RUN: {row['not run']}", flush=True)
            failed.append(engine.name)
            continue
        for mode in ("sexton",) if engine.flags else ("sexton", "bare"):
            row[mode] = {}
            try:
                for case, result in cases(engine, mode):
                    row[mode][case] = result
                    print(f"{engine.name} {row['version']}, {mode}: {case}: {result}", flush=True)
                    if mode == "sexton" and not re.fullmatch(EXPECTED.get(case, ".*"), result):
                        if case not in engine.differs:
                            failed.append(f"{engine.name}: {case}: {result}")
            except Exception as error:
                print(f"{engine.name}, {mode}: FAILED: {error!r}", flush=True)
                failed.append(f"{engine.name}, {mode}: {error}")
        engine.down()
    hybrid = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
    facts = {"date": time.strftime("%Y-%m-%d"), "kernel": os.uname().release.split("-")[0],
             "groups": "cgroup v1 beside v2" if hybrid else "cgroup v2", "results": results}
    (out / f"{suite}.json").write_text(json.dumps(facts, indent=1))
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    sys.exit(1 if failed else 0)


main()
