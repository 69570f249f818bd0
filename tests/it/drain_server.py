"""An HTTP server as they should be: on SIGTERM it closes its listener, finishes what it has begun, and ends."""

import asyncio
import signal


async def handle(reader, writer):
    request = await reader.readuntil(b"\r\n\r\n")
    if request.startswith(b"GET /slow "):
        await asyncio.sleep(0.5)
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()
    writer.close()


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = set()

    async def tracked(reader, writer):
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await handle(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.sleep(0.2)  # what the kernel has accepted for it is still to be served
    server.close()
    await asyncio.gather(*tasks)


asyncio.run(main())
