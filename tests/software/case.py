#!/usr/bin/env python3
"""One case: a program is started in namespaces of its own, made busy, and signalled; what becomes of it is printed.

driver.py starts this in a new mount and network namespace, with the case as JSON on standard input. The program gets a
PID namespace: it is PID 1 there, or the init is. The signal comes from outside, as an engine sends it.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import clients

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games"
NAMESPACES = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
ORPHANS = ["sleep 0.3; exit 3", "sleep 0.3; kill -KILL $$"] * 3


def wait_until(condition, seconds, pause=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return False


class Case:
    def __init__(self, case):
        self.case = case
        self.program = case["program"]
        self.folder = case["folder"]
        self.values = {"$D": self.folder, "$B": case["cache"], "$O": case["once"]}
        self.env = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
        self.env |= {name[1:]: value for name, value in self.values.items()}
        self.env |= {name: self.filled(value) for name, value in self.program.get("env", {}).items()}
        self.out = Path(self.folder, "out")
        self.first = None  # PID 1, by its number outside
        self.unshare = None

    def filled(self, text):
        for name, value in self.values.items():
            text = text.replace(name, value)
        return text

    def shell(self, script, **options):
        options = {"env": self.env, "cwd": self.folder, "stdin": subprocess.DEVNULL, "timeout": 150} | options
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        return subprocess.run(["bash", "-ec", script], **piped, **options)

    def prepare(self):
        script = "mount --make-rprivate /; ip link set lo up; mount -t tmpfs -o mode=755 tmpfs /run"
        subprocess.run(["sh", "-ec", script + "; mkdir -m 1777 /run/lock"], check=True)
        os.chmod(self.folder, 0o755)
        for name, text in self.program.get("files", {}).items():
            path = Path(self.folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.filled(text))
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        if big := self.program.get("big"):
            path = Path(self.folder, big)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(clients.SIZE))
        if script := self.program.get("prepare"):
            done = self.shell(script)
            if done.returncode != 0:
                raise RuntimeError("prepare: " + done.stdout[-600:])

    def helper(self):
        """A server that the program needs: outside of its PID namespace, in the same network."""
        if not (command := self.program.get("helper")):
            return None
        helper = subprocess.Popen(
            ["bash", "-c", "exec " + command.strip()],
            stdin=subprocess.DEVNULL,
            stdout=open(self.folder + "/helper", "wb"),
            stderr=subprocess.STDOUT,
            env=self.env,
            cwd=self.folder,
        )
        if not wait_until(lambda: self.is_ready(self.program["helper_ready"]), 40):
            helper.kill()
            raise RuntimeError("the helper is not ready: " + Path(self.folder, "helper").read_text()[-600:])
        if script := self.program.get("helped"):
            done = self.shell(script)
            if done.returncode != 0:
                helper.kill()
                raise RuntimeError("helped: " + done.stdout[-600:])
        return helper

    def is_ready(self, text):
        kind, _, rest = text.partition(" ")
        rest = self.filled(rest)
        try:
            match kind:
                case "port":
                    socket.create_connection(("127.0.0.1", int(rest)), 1).close()
                case "unix":
                    with socket.socket(socket.AF_UNIX) as client:
                        client.connect(rest)
                case "udp":
                    tables = Path("/proc/net/udp").read_text() + Path("/proc/net/udp6").read_text()
                    return f":{int(rest):04X} " in tables
                case "log":
                    return re.search(rest, self.out.read_text(errors="replace"), re.S) is not None
                case "file":
                    return os.path.exists(rest)
                case "sh":
                    return self.shell(rest, timeout=20).returncode == 0
                case _:
                    raise RuntimeError(f"unknown readiness: {text}")
        except (OSError, subprocess.TimeoutExpired):
            return False
        return True

    def start(self):
        command = [self.filled(word) for word in self.case["command"]]
        directory = self.filled(self.program.get("directory", "/"))
        self.unshare = subprocess.Popen(
            NAMESPACES + self.case["init"] + command,
            stdin=subprocess.DEVNULL,
            stdout=open(self.out, "wb"),
            stderr=subprocess.STDOUT,
            env=self.env,
            cwd=directory,
            start_new_session=True,
        )
        children = Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children")
        wait_until(lambda: self.unshare.poll() is not None or children.read_text(), 10, 0.01)
        text = children.read_text() if self.unshare.poll() is None else ""
        if not text:
            raise RuntimeError("it did not start: " + self.out.read_text(errors="replace")[-600:])
        self.first = int(text.split()[0])

    def processes(self):
        """Name and state of each process in the namespace, by its number there."""
        try:
            space = os.readlink(f"/proc/{self.first}/ns/pid")
        except OSError:
            return {}
        found, inside = [], {self.first}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                text = Path(f"/proc/{entry}/status").read_text()
            except OSError:
                continue
            fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
            numbers = fields["NSpid"].split()
            if len(numbers) < 2:
                continue
            try:
                same = os.readlink(f"/proc/{entry}/ns/pid") == space
            except OSError:
                same = None  # of a zombie it cannot be read: its parent says where it is
            if same:
                inside.add(int(entry))
            found.append((int(numbers[-1]), fields["Name"], fields["State"][0], same, int(fields["PPid"])))
        return {number: (name, state) for number, name, state, same, parent in found
                if same or (same is None and parent in inside)}

    def await_ready(self):
        ended = lambda: self.unshare.poll() is not None
        wait_until(lambda: ended() or self.is_ready(self.program["ready"]), self.program.get("start", 40))
        if ended() or not self.is_ready(self.program["ready"]):
            said = self.out.read_text(errors="replace")[-900:]
            raise RuntimeError(f"not ready; status {self.unshare.poll()}; {said}")
        # Programs listen before their workers run: nothing may come or go any more.
        last = None
        def calm():
            nonlocal last
            now = set(self.processes())
            before, last = last, now
            return before == now
        wait_until(calm, 8, self.program.get("calm", 0.4))

    def orphans(self):
        """Six processes of nobody, as `docker exec` leaves them: how many become zombies that stay."""
        before = set(self.processes())
        for script in ORPHANS:
            inside = f"(sh -c '{script}' >/dev/null 2>&1 &)"
            subprocess.run(["nsenter", "-t", str(self.first), "-p", "-m", "sh", "-c", inside], stdin=subprocess.DEVNULL)

        def states():
            return [state for number, (_, state) in self.processes().items() if number not in before]

        wait_until(lambda: set(states()) <= {"Z"}, 10, 0.1)  # all have ended
        wait_until(lambda: not states(), 3, 0.2)
        count = states().count("Z")
        ended = wait_until(lambda: self.unshare.poll() is not None, 4)  # because of them
        return {"zombies": count, "lives": not ended}

    def signalled(self, kind):
        client = None
        work = self.program.get("work", {})
        match kind:
            case "download":
                client = clients.Download(self.program["download"])
                client.begin()
            case "silent":
                silent = str(self.program["silent"]).partition(" ")
                client = clients.silent(int(silent[0]), silent[2])
            case "work":
                client = clients.worker(work["start"], self.env, self.folder)
                if not wait_until(lambda: self.shell(work["begun"]).returncode == 0, 30, 0.1):
                    raise RuntimeError("the work did not begin: " + Path(self.folder, "work").read_text()[-600:])
        if kind in ("download", "work") and self.unshare.poll() is not None:
            raise RuntimeError("it ended before the signal")
        begin = time.monotonic()
        os.kill(self.first, getattr(signal, "SIG" + self.case["signal"]))
        if kind == "download":
            client.go_on()
        result = {}
        try:
            status = self.unshare.wait(self.case["limit"])
            result["status"] = status if status >= 0 else 128 - status
            result["seconds"] = round(time.monotonic() - begin, 1)
        except subprocess.TimeoutExpired:
            result["status"] = "never"
            result["seconds"] = self.case["limit"]
            os.kill(self.first, signal.SIGKILL)
            self.unshare.wait(20)
        if kind == "download":
            result["outcome"] = client.outcome()
        if kind == "work":
            clients.end(client, work.get("patience", 5))
        check = work.get("check") if kind == "work" else self.program.get("check")
        if check:
            done = self.shell(check)
            lines = done.stdout.strip().splitlines() or [f"check: status {done.returncode}"]
            result["outcome"] = lines[-1][:80]
        return result

    def run(self):
        result = {}
        self.prepare()
        helper = self.helper()
        try:
            self.start()
            try:
                self.await_ready()
            except RuntimeError:
                if not self.case.get("hangs"):
                    raise
                return {"status": "no start", "seconds": self.program["start"]}
            if script := self.program.get("load"):
                done = self.shell(script)
                if done.returncode != 0:
                    raise RuntimeError("load: " + done.stdout[-600:])
            kind = self.case["kind"]
            result |= self.orphans() if kind == "orphans" else self.signalled(kind)
        finally:
            if self.unshare and self.unshare.poll() is None:
                if self.first:
                    os.kill(self.first, signal.SIGKILL)
                else:
                    self.unshare.kill()
                self.unshare.wait(20)
            if helper:
                helper.kill()
                helper.wait()
        report = Path(self.folder, "report.json")
        if report.exists() and result.get("status", "never") != "never":  # one that was killed may be half written
            report = json.loads(report.read_text())
            result["killed"] = report.get("processes_killed")
            result["left"] = report["phase_seconds"].get("linger")  # processes were there after the command's end
        result["log"] = self.out.read_text(errors="replace")[-1500:]
        return result


def main():
    for name in ("INT", "QUIT", "HUP", "PIPE", "USR1", "USR2"):  # a shell's background job ignores some of them
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)
    case = Case(json.load(sys.stdin))
    try:
        result = case.run()
    except RuntimeError as error:
        result = {"error": str(error)}
    json.dump(result, sys.stdout)


main()
