"""A child that asks to be told of its parent's end (prctl(2), PR_SET_PDEATHSIG)."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
asked, asking = os.pipe()
parent = os.getpid()
if os.fork() == 0:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGUSR2)
    os.close(asking)
    signal.sigwait([signal.SIGUSR2])
    print("the parent has ended:", os.getppid() != parent, flush=True)
    os._exit(0)
os.close(asking)
os.read(asked, 1)
os._exit(4)
