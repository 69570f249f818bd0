"""A response of 16 MiB, in small parts."""

PART = b"x" * 16384


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    length = str(1024 * len(PART)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    for number in range(1024):
        await send({"type": "http.response.body", "body": PART, "more_body": number < 1023})
