"""A response of 16 MiB, in small parts."""

PART = b"x" * 16384


def app(environment, start_response):
    start_response("200 OK", [("Content-Length", str(1024 * len(PART)))])
    return (PART for _ in range(1024))
