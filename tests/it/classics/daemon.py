"""Puts itself into the background as daemons do (daemon(7)): two forks and a session. The argument is its PID file,
from which main takes that it is ready. It answers SIGHUP, and ends at SIGTERM with the PID file removed."""

import os
import signal
import sys

path = sys.argv[1]
signals = [signal.SIGHUP, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
ready, done = os.pipe()
if os.fork() != 0:
    os.close(done)
    os.read(ready, 1)
    os.wait()
    with open(path) as file:
        pid = int(file.read())
    print("started, in a session of its own:", os.getsid(pid) not in (pid, os.getsid(0)), flush=True)
    os._exit(0)
os.setsid()
if os.fork() != 0:
    os._exit(0)
os.chdir("/")
os.umask(0)
with open(path, "w") as file:
    file.write(str(os.getpid()))
os.close(done)
while signal.sigwait(signals) == signal.SIGHUP:
    print("reloaded", flush=True)
os.unlink(path)
print("stopped", flush=True)
