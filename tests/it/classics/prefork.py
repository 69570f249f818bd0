"""A pre-fork server on a Unix socket. The parent accepts nothing, and ends without a word to its workers: at SIGTERM
with status 0, at SIGUSR1 with 3.

A worker has one client at a time. It answers "begin" by "begun" and "end" by "done", and ends itself at "quit". At
SIGTERM it closes its listener, finishes what it has begun, and ends.
"""

import os
import select
import signal
import socket
import sys

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(64)
listener.setblocking(False)
stopping = False


def stop(*_):
    global stopping
    stopping = True
    listener.close()
    os.write(1, b"a worker stops\n")


def serve(client):
    with client, client.makefile("rw") as stream:
        for line in stream:
            if line == "begin\n":
                stream.write("begun\n")
                stream.flush()
            elif line == "end\n":
                stream.write("done\n")
                return
            elif line == "quit\n":
                os._exit(0)


def work():
    # A signal that comes just before select() is in this pipe.
    wake, wake_end = os.pipe()
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end)
    signal.signal(signal.SIGTERM, stop)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    while not stopping:
        try:
            select.select([listener, wake], [], [])
            client, _ = listener.accept()
        except BlockingIOError:
            continue  # another worker has it
        except (OSError, ValueError):
            assert stopping
            continue
        client.setblocking(True)
        serve(client)
    os._exit(0)


ends = {signal.SIGTERM: 0, signal.SIGUSR1: 3}
signal.pthread_sigmask(signal.SIG_BLOCK, ends)
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        work()
os.write(1, b"ready\n")
os._exit(ends[signal.sigwait(ends)])
