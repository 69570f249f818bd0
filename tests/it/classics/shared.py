"""What multiprocessing offers: shared memory by name, locks, queues, a manager's process and an executor, one of whose
workers is killed. Its resource tracker outlives main by a moment, and ignores SIGTERM."""

import concurrent.futures
import multiprocessing
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import shared_memory


def count(name, lock, queue):
    memory = shared_memory.SharedMemory(name)
    for _ in range(500):
        with lock:
            memory.buf[0:4] = (int.from_bytes(memory.buf[0:4], "little") + 1).to_bytes(4, "little")
    memory.close()
    queue.put("counted")


def double(number):
    return 2 * number


def die():
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    memory = shared_memory.SharedMemory(create=True, size=4)
    lock, queue = context.Lock(), context.Queue()
    processes = [context.Process(target=count, args=(memory.name, lock, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    words = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    print(*words, int.from_bytes(memory.buf, "little"), *(process.exitcode for process in processes))
    memory.close()
    memory.unlink()

    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        print("executor:", *pool.map(double, range(5)))
        try:
            pool.submit(die).result()
        except BrokenProcessPool:
            print("a worker was killed")
    print("left in /dev/shm:", os.path.exists(f"/dev/shm/{memory.name}"))
