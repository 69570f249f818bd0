"""An HTTP server as they should be: on SIGTERM it closes its listener, finishes what it has begun, and ends.

The argument is for how many seconds it does that; without one, for ever. Then it gives up, with status 1; on SIGINT at
once, with 2. /held is answered when SIGUSR1 has come.
"""

import asyncio
import os
import signal
import sys


def say(line):
    print(line, flush=True)


async def handle(reader, writer, released):
    request = await reader.readuntil(b"\r\n\r\n")
    if request.startswith(b"GET /slow "):
        await asyncio.sleep(0.5)
    elif request.startswith(b"GET /held "):
        say("holding")
        await released.wait()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()
    writer.close()


def hurry():
    say("hurried")
    os._exit(2)


async def main(patience=None):
    stop, released = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, released.set)
    loop.add_signal_handler(signal.SIGINT, hurry)
    tasks = set()

    async def tracked(reader, writer):
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await handle(reader, writer, released)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0, backlog=1000)
    say(server.sockets[0].getsockname()[1])
    await stop.wait()
    say("stopping")
    await asyncio.sleep(0.2)  # what the kernel has accepted for it is still to be served
    server.close()
    say("closed")
    try:
        await asyncio.wait_for(asyncio.gather(*tasks), patience)
    except asyncio.TimeoutError:
        say("gave up")
        return 1
    return 0


sys.exit(asyncio.run(main(*map(float, sys.argv[1:]))))
