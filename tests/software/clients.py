"""What clients do while the program is stopped."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

SIZE = 12_000_000


class Download(threading.Thread):
    """A slow reader: it has the first bytes when the stop begins, and fetches the rest afterwards."""

    def __init__(self, where):
        super().__init__(daemon=True)
        port, self.path = where.split()
        self.port = int(port)
        self.begun, self.stopped = threading.Event(), threading.Event()
        self.got, self.wanted, self.failure = 0, None, None

    def begin(self):
        self.start()
        if not self.begun.wait(20) or self.failure:
            raise RuntimeError(f"the download did not begin: {self.failure}")

    def go_on(self):
        self.stopped.set()

    def run(self):
        try:
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(40)
                client.connect(("127.0.0.1", self.port))
                client.sendall(f"GET {self.path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                head = b""
                while b"\r\n\r\n" not in head:
                    part = client.recv(1000)
                    if not part:
                        raise OSError("no answer: " + head.decode(errors="replace"))
                    head += part
                head, _, body = head.partition(b"\r\n\r\n")
                length = re.search(rb"content-length:\s*(\d+)", head, re.I)
                self.wanted = int(length[1]) if length else SIZE
                if not head.split(b"\r\n")[0].split()[1:2] == [b"200"]:
                    raise OSError(head.decode(errors="replace"))
                self.got = len(body)
                self.begun.set()
                self.stopped.wait(30)
                time.sleep(0.7)  # slow: a server that hurries has ended by now
                while part := client.recv(65536):
                    self.got += len(part)
        except OSError as error:
            self.failure = str(error)
            self.begun.set()

    def outcome(self):
        self.join(45)
        if self.wanted is not None and self.got >= self.wanted:
            return "complete"
        return f"cut at {self.got / 1e6:.1f} MB"


def silent(port, first):
    """A connection that says nothing, or nothing after its first words."""
    client = socket.create_connection(("127.0.0.1", port), 5)
    if first:
        client.sendall(first.encode().decode("unicode_escape").encode())
    time.sleep(0.4)  # until the program has accepted it; nothing tells
    return client


def worker(script, env, folder):
    out = open(os.path.join(folder, "work"), "wb")
    return subprocess.Popen(["bash", "-c", script], env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                            stderr=subprocess.STDOUT, start_new_session=True)


def end(client, patience):
    try:
        client.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()
