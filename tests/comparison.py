#!/usr/bin/python3
"""Runs inits on the same cases, as PID 1 of a PID namespace, and compares the results with the tables in
docs/comparison.md and README.md. Needs root. The cells link to the functions of the cases.

    comparison.py [--write] [--tino FILE] SEXTON

tino is no Debian package (cargo install tino@0.1.24). Without it the cells of its column are left as they are, and this
says so. The column of s6-overlay comes from its documentation, because it is an image rather than a program.
"""

import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

REPOSITORY = pathlib.Path(__file__).parent.parent
S6 = "https://github.com/just-containers/s6-overlay/blob/v3.2.3.2/README.md"
arguments = sys.argv[1:]
write = "--write" in arguments
tino = arguments[arguments.index("--tino") + 1] if "--tino" in arguments else None
PROGRAMS = {
    "sexton": arguments[-1],
    "tini": "/usr/bin/tini",
    "dumb-init": "/usr/bin/dumb-init",
    "catatonit": "/usr/bin/catatonit",
    "gosu": "/usr/sbin/gosu",
    "tino": tino,
}
PATIENCE = 20  # seconds, for events that are certain to come
# Python runs a handler between two of its instructions: a signal just before pause(2) would not end that.
PYTHON = """
import os, signal, sys, time
say = lambda text: os.write(1, (text + '\\n').encode())
def wait():
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    while True: os.read(woken, 1)
"""


class Run:
    """An init as PID 1, with the lines of its output, its command's and those of all that the command starts."""

    def __init__(self, name, flags, command):
        words = [PROGRAMS[name], *flags, *([] if name == "gosu" else ["--"]), *command]
        if name == "gosu" and not flags:
            words.insert(1, "0")
        self.unshare = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.text = ""

    def read(self, wanted, seconds):
        """Whether the text comes in that time, before the end of all output."""
        until = time.monotonic() + seconds
        while wanted not in self.text:
            ready, _, _ = select.select([self.unshare.stdout], [], [], max(0, until - time.monotonic()))
            piece = os.read(self.unshare.stdout.fileno(), 4096) if ready else b""
            if not piece:
                return False
            self.text += piece.decode()
        return True

    def expect(self, wanted):
        assert self.read(wanted, PATIENCE), f"{self.unshare.args}: no {wanted!r} in {self.text!r}"
        return self

    def kill(self, number):
        with open(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children") as children:
            os.kill(int(children.read()), number)

    def status(self, seconds=PATIENCE):
        """The exit status; or None if it has not ended by then, and then it is killed."""
        try:
            status = self.unshare.wait(seconds)
        except subprocess.TimeoutExpired:
            self.unshare.kill()
            self.unshare.wait()
            status = None
        self.read("\0", 1)  # the rest of the output
        self.unshare.stdout.close()
        return status


def python(script):
    return ["/usr/bin/python3", "-c", PYTHON + script]


def yes(value, flags=()):
    """A cell: the flag that it takes, if any."""
    return (f"`{' '.join(flags[:1])}`" if flags else "yes") if value else "no"


def offers(name, pattern):
    """For flags that an init lacks: whether its help names one."""
    output = subprocess.run([PROGRAMS[name], "--help"], capture_output=True, text=True, check=False)
    return re.search(pattern, output.stdout + output.stderr) is not None


def lacks(name, pattern):
    assert not offers(name, pattern), f"{name} --help has {pattern}: look at it again"
    return "no"


def ends_a_command_without_a_handler(name):
    """The kernel ignores SIGTERM for PID 1 without a handler: the command must be another process."""
    run = Run(name, [], ["sh", "-c", "echo ready; exec sleep 1000"]).expect("ready")
    time.sleep(0.05)  # the exec; if it is still the shell, that has no handler, either
    run.kill(signal.SIGTERM)
    return yes(run.status(1 if name == "gosu" else PATIENCE) is not None)


def reaps_orphans(name):
    patience = 3 if name == "gosu" else PATIENCE / 2
    script = """
if os.fork() == 0:
    reader, writer = os.pipe()
    for _ in range(5):
        if os.fork() == 0:
            if os.fork() == 0: os._exit(0)
            os._exit(0)
        os.wait()
    until = time.monotonic() + PATIENCE
    def zombies(): return [p for p in os.listdir('/proc') if p.isdigit() and p != '1' and ') Z ' in read(p)]
    def read(p):
        try: return open(f'/proc/{p}/stat').read()
        except OSError: return ''
    while zombies() and time.monotonic() < until: time.sleep(0.01)
    say('orphans' if zombies() else 'no orphans')
    os._exit(0)
os.execvp('sleep', ['sleep', '1000'])
"""
    run = Run(name, [], python(script.replace("PATIENCE", str(patience)))).expect("orphans\n")
    run.status(0)
    return yes("no orphans" in run.text)


def forwards_fatal_signals(name):
    """SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS and SIGTRAP, as sent by kill(2)."""
    numbers = [getattr(signal, f"SIG{name}") for name in "ABRT BUS FPE ILL SEGV SYS TRAP".split()]
    script = f"""
for number in {[number.value for number in numbers]}:
    signal.signal(number, lambda number, frame: say(f'got {{number}}'))
say('ready')
wait()
"""
    run = Run(name, [], python(script)).expect("ready")
    got = []
    for number in numbers:
        try:
            run.kill(number)
        except (OSError, ValueError):
            break
        got.append(run.read(f"got {number.value}\n", 2 if name in ("tini", "catatonit", "tino") else PATIENCE))
        if not got[-1]:
            break
    run.status(0)
    return yes(len(got) == 7 and all(got))


def kills_after_a_grace_period(name):
    flags = {"sexton": ["--grace", "0.3s"], "tino": ["-g", "-t", "300"]}.get(name, [])
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('ready'); wait()"
    run = Run(name, flags, python(script)).expect("ready")
    run.kill(signal.SIGTERM)
    ended = run.status(PATIENCE if flags else 2) is not None
    return yes(ended, flags if name == "tino" else [])  # sexton needs no flag: 30 s


def lets_the_rest_end(name):
    """The command ends and leaves a process, which needs 0.3 s after SIGTERM."""
    script = """
reader, writer = os.pipe()
if os.fork() == 0:
    def end(*_):
        time.sleep(0.3); say('left: done'); os._exit(0)
    signal.signal(signal.SIGTERM, end)
    os.write(writer, b'1')
    wait()
os.read(reader, 1)
"""
    flags = ["-g"] if name == "tino" else []
    run = Run(name, flags, python(script))
    result = run.read("left: done", PATIENCE)
    run.status()
    return yes(result, flags)


def signals_a_group(name):
    """A shell that survives SIGTERM and forwards nothing, and its child."""
    flags = {"sexton": ["--forward-to", "group"], "tini": ["-g"], "catatonit": ["-g"], "tino": ["-g"]}.get(name, [])
    child = """
signal.signal(signal.SIGTERM, lambda *_: (say('child: done'), os._exit(0)))
say('ready'); wait()
"""
    run = Run(name, flags, ["sh", "-c", 'trap : TERM; "$@"; exit 3', "sh", *python(child)]).expect("ready")
    run.kill(signal.SIGTERM)
    result = run.read("child: done", 1 if name == "gosu" else PATIENCE)
    run.status(PATIENCE if result else 0)
    return yes(result, flags)


def rewrites_signals(name):
    flags = {"sexton": ["--rewrite", "TERM=QUIT"], "dumb-init": ["-r", "15:3"]}.get(name)
    if flags is None:
        return lacks(name, "(?i)rewrite")
    script = "signal.signal(signal.SIGQUIT, lambda *_: os._exit(9)); say('ready'); wait()"
    run = Run(name, flags, python(script)).expect("ready")
    run.kill(signal.SIGTERM)
    return yes(run.status() == 9, flags)


def maps_the_exit_status(name):
    flags = {"sexton": ["--map-exit", "143=0"], "tini": ["-e", "143"], "tino": ["-e", "143"]}.get(name)
    if flags is None:
        return lacks(name, "(?i)(remap|map-exit)")
    return yes(Run(name, flags, ["sh", "-c", "exit 143"]).status() == 0, flags)


def delays_a_stop(name):
    if name != "sexton":
        return lacks(name, "(?i)(drain|delay)")
    script = """
signal.signal(signal.SIGTERM, lambda *_: (say(f'{time.monotonic()}'), os._exit(0)))
say('ready'); wait()
"""
    run = Run(name, ["--drain", "0.4s"], python(script)).expect("ready\n")
    begin = time.monotonic()
    run.kill(signal.SIGTERM)
    run.status()
    return yes(float(run.text.splitlines()[-1]) - begin >= 0.4, ["--drain"])


def changes_the_user(name):
    flags = {"sexton": ["--user", "1234"], "gosu": ["1234"]}.get(name)
    if flags is None:
        return lacks(name, "(?i)--user")
    run = Run(name, flags, ["id", "-u"])
    run.status()
    return yes(run.text == "1234\n", flags if name == "sexton" else [])


def limits_capabilities(name):
    if name != "sexton":
        return lacks(name, "(?i)(capabilit|cap-|rlimit)")
    script = "ulimit -n; grep CapEff /proc/self/status"
    run = Run(name, ["--cap-drop", "all", "--rlimit", "nofile=77"], ["sh", "-c", script])
    run.status()
    return yes(run.text.split() == ["77", "CapEff:", "0000000000000000"], ["--cap-drop"])


def expands_variables(name):
    if name not in ("sexton", "tino"):
        return lacks(name, "(?i)expand")
    run = Run(name, ["--expand-env"], ["echo", "${PATH}"])
    run.status()
    return yes(run.text.startswith(os.environ["PATH"] + "\n"), ["--expand-env"])


def reports_the_end(name):
    if name != "sexton":
        return lacks(name, "(?i)(report|json)")
    run = Run(name, ["--report", "-"], ["sh", "-c", "kill -KILL $$"])
    run.status()
    return yes('"signal":"SIGKILL"' in run.text.replace(" ", ""), ["--report"])


def inspects_the_container(name):
    if name != "sexton":
        return lacks(name, "(?i)(--status|inspect)")
    run = Run(name, [], [PROGRAMS[name], "--status"])
    run.status()
    return yes("--status" in run.text and run.text.startswith("PID "), ["--status"])


def restricts_files(name):
    """Landlock: the command may write nowhere else."""
    flags = {"sexton": ["--fs-write", "/tmp"], "tino": ["--write-restrict", "--write-allow", "/tmp"]}.get(name)
    if flags is None:
        return lacks(name, "(?i)(landlock|restrict)")
    script = "echo >/var/tmp/comparison && echo written"
    run = Run(name, flags, ["sh", "-c", script])
    run.status()
    if "written" in run.text:
        os.unlink("/var/tmp/comparison")
    return yes("written" not in run.text, flags)


def runs_services(name):
    return lacks(name, "(?i)(restart|services)")


EXIT = "setting-the-exit-code-of-the-container-to-the-exit-code-of-your-main-service"
SETTINGS = "customizing-s6-overlay-behaviour"
# The words of a row, its case, what s6-overlay's documentation says, and in which section. A row with `+` is in the
# README, too.
ROWS = [
    ("+The command ends at SIGTERM though it has no handler", ends_a_command_without_a_handler, "yes", "init-stages"),
    ("+Reaps orphans", reaps_orphans, "yes", "features"),
    ("+Forwards SIGABRT, SIGSEGV and the like", forwards_fatal_signals, "no", SETTINGS),
    ("+Kills a command that ignores the stop", kills_after_a_grace_period, "yes", "init-stages"),
    ("+Lets processes end that the command leaves behind", lets_the_rest_end, "yes", "init-stages"),
    ("Forwards to the command's group", signals_a_group, None, None),
    ("Forwards one signal as another", rewrites_signals, None, None),
    ("Changes the exit status", maps_the_exit_status, "by a script", EXIT),
    ("Delays a stop", delays_a_stop, None, None),
    ("Changes the user", changes_the_user, "yes", "dropping-privileges"),
    ("Drops capabilities, sets limits", limits_capabilities, None, None),
    ("Expands variables without a shell", expands_variables, None, None),
    ("+Reports the cause of the end as JSON", reports_the_end, None, None),
    ("Lists the container's processes", inspects_the_container, None, None),
    ("+Restricts files, ports and sockets (Landlock)", restricts_files, None, None),
    ("+Starts and restarts several services, rotates logs", runs_services, "yes", "features"),
]
ORDER = ["sexton", "tini", "dumb-init", "catatonit", "tino", "s6-overlay", "gosu"]
BEGIN, END = "<!-- comparison: made -->\n", "<!-- comparison: end -->\n"


def split(path):
    before, _, rest = path.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    return before, table, after


def cell(row, name, old):
    title, case, documented, section = row
    if name == "s6-overlay":
        return f"[{documented}]({S6}#{section})" if documented else "–"
    if PROGRAMS[name] is None:
        return old.get((title.lstrip("+"), name), "–")
    return f"[{case(name)}](../tests/comparison.py#{case.__name__})"


def table(rows):
    lines = [["", *ORDER], ["---"] * (len(ORDER) + 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def main():
    if not tino:
        print("tino is not compared: --tino FILE names it", file=sys.stderr)
    page, readme = REPOSITORY / "docs/comparison.md", REPOSITORY / "README.md"
    old = {}
    for line in split(page)[1].splitlines():
        title, *columns = [text.strip() for text in line.strip("|").split("|")]
        old |= {(title, name): text for name, text in zip(ORDER, columns)}
    with ThreadPoolExecutor(6) as executor:
        rows = [[row[0].lstrip("+"), *(executor.submit(cell, row, name, old) for name in ORDER)] for row in ROWS]
        rows = [[title, *(future.result() for future in futures)] for title, *futures in rows]
    short = [row for row, (title, *_) in zip(rows, ROWS) if title.startswith("+")]
    plain = [[re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text) for text in row] for row in short]
    differs = False
    for path, wanted in ((page, table(rows)), (readme, table(plain))):
        before, found, after = split(path)
        if write:
            path.write_text(before + BEGIN + wanted + END + after)
        elif found != wanted:
            print(f"{path} has another table than these inits make:\n{wanted}", file=sys.stderr)
            differs = True
    print(f"{len(ROWS)} cases: {'not ' if differs else ''}as the pages have them")
    sys.exit(differs)


main()
