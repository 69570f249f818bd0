"""Starts children and never waits for them: their zombies are its own until it ends. A witness outlives it."""

import os
import signal

CHILDREN = 5


def stat(pid):
    """The state and the parent; nothing of a process that is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, parent = file.read().rpartition(")")[2].split()[:2]
            return state, int(parent)
    except (FileNotFoundError, ProcessLookupError):
        return None, None


def zombies():
    """Their parents."""
    all_processes = map(stat, filter(str.isdigit, os.listdir("/proc")))
    return [parent for state, parent in all_processes if state == "Z"]


def say(line):
    os.write(1, f"{line}\n".encode())


def own():
    return zombies().count(os.getpid())


def child(action):
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    return pid


def orphans():
    for _ in range(CHILDREN):
        os.write(tell, b"%d\n" % child(lambda: None))


signal.signal(signal.SIGTERM, signal.SIG_IGN)
for pid in [child(lambda: None) for _ in range(CHILDREN)]:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # which leaves it a zombie
say(f"{own()} of its own")
told, tell = os.pipe()
os.waitpid(child(orphans), 0)
for pid in os.read(told, 4096).split():
    while stat(int(pid))[0] not in ("Z", None):
        pass
while len(zombies()) > own():
    pass
say(f"{own()} of its own, and no others")

end, lives = os.pipe()
if os.fork() == 0:
    os.close(lives)
    os.read(end, 1)  # until the parent ends
    while zombies():
        pass
    say("none is left")
    os._exit(0)
say("ending")
os._exit(6)
