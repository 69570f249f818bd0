"""A pool of workers, each pinned to one CPU and with a niceness of its own. It ends at SIGUSR1."""

import multiprocessing
import os
import signal

WORKERS = 3


def pin(number, cpus):
    with number.get_lock():
        own = number.value
        number.value += 1
    os.sched_setaffinity(0, [cpus[own % len(cpus)]])
    os.nice(own + 1)


def standing():
    return os.nice(0), tuple(sorted(os.sched_getaffinity(0)))


def task(number):
    return standing(), number * number


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    cpus = sorted(os.sched_getaffinity(0))
    before = standing()
    allowed = {(i + 1, (cpus[i % len(cpus)],)) for i in range(WORKERS)}
    with multiprocessing.Pool(WORKERS, pin, (multiprocessing.Value("i", 0), cpus)) as pool:
        standings, squares = zip(*pool.map(task, range(100), chunksize=1))
        print("as they were set:", set(standings) <= allowed, squares == tuple(i * i for i in range(100)), flush=True)
        signal.sigwait([signal.SIGUSR1])
        pool.close()
        pool.join()
    print("main is as it was:", standing() == before)
