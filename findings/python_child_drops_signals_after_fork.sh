#!/usr/bin/env bash
# CPython 3.11.2 (Debian 12, 3.11.2-6+deb12u9; 3.6 to 3.13 do the same): a signal that the parent sends to a child right
# after os.fork(), while the child has the parent's handler for it.
# Seen:    nearly all of them are lost (97 of 100 on two cores): the handler never runs, and the signal is neither
#          pending nor blocked. None is lost if the signal is blocked around the fork, or if the child has spoken first.
# Guessed: a child that exists has its handlers (fork(2) hands them on), so it runs them late at worst.
# Why:     Python's C handler only marks the signal; the handler in Python runs between two bytecodes. On its way out of
#          os.fork() the child clears all marks (_PySignal_AfterFork, Modules/signalmodule.c), which are meant to be
#          marks copied from the parent. A signal of its own that came before is cleared with them.
# So:      a supervisor in Python that forks and at once passes a stop on to the child waits for a child that was never
#          asked. Block the signal before os.fork() and unblock it in both after, or reset it to its default first.
set -euo pipefail # Exit status: 0 if all of this is still so.
version=3.11.2-6+deb12u9
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root "python3.11-minimal=$version" "libpython3.11-minimal=$version" \
  "libpython3.11-stdlib=$version"
for package in *.deb; do dpkg-deb -x "$package" root; done
cat >children.py <<'END'
import os, signal, time

STOP = {signal.SIGUSR1}
handled = False

def handler(number, frame):
    global handled
    handled = True

def child(spoken):
    os.write(spoken, b".")
    end = time.monotonic() + 0.2
    while not handled and time.monotonic() < end:
        time.sleep(0.01)
    assert not signal.sigpending() & STOP
    os._exit(0 if handled else 1)

def lost(children, block, wait):
    count = 0
    for _ in range(children):
        hears, speaks = os.pipe()
        if block:
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        pid = os.fork()
        if block:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
        if pid == 0:
            child(speaks)
        if wait:
            os.read(hears, 1)
        os.kill(pid, signal.SIGUSR1)
        count += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(hears)
        os.close(speaks)
    return count

signal.signal(signal.SIGUSR1, handler)
at_once = lost(100, block=False, wait=False)
print(f"signalled at once: {at_once} of 100 lost")
blocked = lost(100, block=True, wait=False)
print(f"blocked around the fork: {blocked} of 100 lost")
spoken = lost(100, block=False, wait=True)
print(f"signalled when the child has spoken: {spoken} of 100 lost")
raise SystemExit(0 if at_once > 0 and blocked == spoken == 0 else 1)
END
PYTHONHOME=$folder/root/usr root/usr/bin/python3.11 -I children.py
