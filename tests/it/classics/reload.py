"""A server that reads its configuration again at SIGHUP, tells its statistics at SIGUSR1 and ends at SIGTERM. Its
handlers write to a pipe, one byte for each signal that arrives, and a loop reads that. The argument is the
configuration."""

import collections
import os
import signal
import sys

# Realtime signals are queued, 35 (RTMIN+1) here.
signals = [signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, 35]
arrived, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
for number in signals:
    signal.signal(number, lambda *_: None)


def configured():
    with open(sys.argv[1]) as file:
        return file.read()


counts = collections.Counter()
print("serving", configured(), flush=True)
while not counts[signal.SIGTERM]:
    (number,) = os.read(arrived, 1)
    counts[number] += 1
    if number == signal.SIGHUP:
        print("reloaded", configured(), flush=True)
    elif number == signal.SIGUSR1:
        print("arrived:", *(counts[number] for number in signals), flush=True)
    elif number == 35 and counts[35] == 1000:
        print("all are here", flush=True)
print("ending", flush=True)
