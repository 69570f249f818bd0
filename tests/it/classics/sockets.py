"""Processes that talk over pipes and sockets across fork: bytes, ends of file, descriptors and credentials."""

import os
import socket
import struct
import zlib

SIZE = 8 << 20


def child(action):
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    return pid


def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def say(*words):
    print(*words, flush=True)


# There and back through two pipes. The reader's end comes only when nobody has the other end open.
def back_and_forth():
    to_child, from_parent = os.pipe()
    to_parent, from_child = os.pipe()
    sent = os.urandom(SIZE)

    def echo():
        os.close(from_parent)
        os.close(to_parent)
        while data := os.read(to_child, 65536):
            os.write(from_child, data)

    def feed():
        os.close(to_child)
        os.close(from_child)
        with open(from_parent, "wb") as file:
            file.write(sent)

    pids = [child(echo), child(feed)]
    for fd in to_child, from_parent, from_child:
        os.close(fd)
    with open(to_parent, "rb") as file:
        got = file.read()
    say("pipes:", len(got), zlib.crc32(got) == zlib.crc32(sent), *map(status, pids))


def broken():
    read, write = os.pipe()
    pid = child(lambda: None)
    os.close(read)
    status(pid)
    try:
        os.write(write, b"x")
    except BrokenPipeError:
        say("broken pipe")


def over_a_socketpair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def answer():
        ours.close()
        while request := theirs.recv(100):
            theirs.send(request.upper())

    pid = child(answer)
    theirs.close()
    for word in b"one", b"two":
        ours.send(word)
        say("socketpair:", ours.recv(100).decode())
    ours.close()
    say("it has seen the end:", status(pid))


def descriptors():
    ours, theirs = socket.socketpair()

    def send():
        read, write = os.pipe()
        os.write(write, b"from a pipe of the child")
        socket.send_fds(theirs, [b"x"], [read])

    pid = child(send)
    theirs.close()
    _, (read,), _, _ = socket.recv_fds(ours, 1, 1)
    status(pid)
    say("SCM_RIGHTS:", os.read(read, 100).decode(), os.read(read, 100))


def credentials():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def send():
        os.setgid(12)
        os.setuid(11)
        theirs.send(b"x")

    pid = child(send)
    _, [(level, kind, data)], _, _ = ours.recvmsg(1, socket.CMSG_SPACE(12))
    assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
    sender, user, group = struct.unpack("3i", data)
    say("SCM_CREDENTIALS:", sender == pid, user, group, status(pid))

    # Who made the pair. An orphan, which somebody else reaps, is known all the same.
    def orphan():
        child(lambda: ours.sendmsg([b"y"]))

    status(child(orphan))
    data = theirs.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    say("SO_PEERCRED:", struct.unpack("3i", data)[0] == os.getpid(), theirs.recv(1).decode())


back_and_forth()
broken()
over_a_socketpair()
descriptors()
credentials()
