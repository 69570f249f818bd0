#!/usr/bin/env bash
# Linux 6.18 (6.18.44; Python 3.11.2, Debian 12's 3.11.2-6+deb12u9, makes the calls): when a pidfd hands out an exit
# status, by ioctl(PIDFD_GET_INFO) with PIDFD_INFO_EXIT, and to which process.
# Seen:    poll(2) says POLLIN at the process's end, and the status is not there: for as long as it is a zombie, the
#          ioctl answers as for a running process. Once the parent has reaped it, poll(2) says POLLIN and POLLHUP, and
#          the ioctl has the status. A server can then ask for its client's, though it is not the client's parent and
#          the client was reaped before the server's accept(2): SO_PEERPIDFD makes a pidfd of a process that is gone.
# Guessed: the status is there with POLLIN; none can be made of a process that was reaped (pidfd_open(2): ESRCH).
# Why:     fs/pidfs.c records the status where the process is reaped (6.15), and a socket keeps what is needed for its
#          peer's pidfd from connect(2) on (6.16). The man page pidfd_open(2) does not have the ioctl.
# So:      a watcher that is no parent waits for POLLHUP, not for POLLIN; where no parent ever reaps, it never comes.
set -euo pipefail # Exit status: 0 if all of this is still so.
version=3.11.2-6+deb12u9
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
case $(uname -r) in 6.18.*) ;; *) echo "Linux $(uname -r): seen on 6.18 only" ;; esac
apt-get download -qq -o APT::Sandbox::User=root "python3.11-minimal=$version" "libpython3.11-minimal=$version" \
  "libpython3.11-stdlib=$version"
for package in *.deb; do dpkg-deb -x "$package" root; done
cat >look.py <<'END'
import fcntl, os, select, socket, struct

PIDFD_INFO_EXIT, SIZE, SO_PEERPIDFD = 1 << 3, 64, 77
PIDFD_GET_INFO = 3 << 30 | SIZE << 16 | 0xFF << 8 | 11

def look(moment, pidfd):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    events = poll.poll(0)[0][1] if poll.poll(0) else 0
    names = [name for name in ("POLLIN", "POLLHUP") if events & getattr(select, name)]
    info = bytearray(struct.pack("Q", PIDFD_INFO_EXIT).ljust(SIZE, b"\0"))
    fcntl.ioctl(pidfd, PIDFD_GET_INFO, info)
    known = struct.unpack_from("Q", info)[0] & PIDFD_INFO_EXIT
    code = struct.unpack_from("i", info, 60)[0]
    print(f"{moment}: {' '.join(names) or 'no event'}, {f'status {os.waitstatus_to_exitcode(code)}' if known else '-'}")

goes_on, go_on = os.pipe()
child = os.fork()
if child == 0:
    os.close(go_on)
    os.read(goes_on, 1)
    os._exit(7)
pidfd = os.pidfd_open(child)
look("running", pidfd)
os.close(go_on)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
look("zombie", pidfd)
os.waitpid(child, 0)
look("reaped", pidfd)

server = socket.socket(socket.AF_UNIX)
server.bind("socket")
server.listen()
child = os.fork()
if child == 0:
    socket.socket(socket.AF_UNIX).connect("socket")
    os._exit(9)
os.waitpid(child, 0)
try:
    os.pidfd_open(child)
except ProcessLookupError:
    print("client, reaped: pidfd_open says ESRCH")
connection, _ = server.accept()
look("client, reaped: SO_PEERPIDFD", connection.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
END
PYTHONHOME=$folder/root/usr root/usr/bin/python3.11 -I look.py | tee result
diff - result <<'END'
running: no event, -
zombie: POLLIN, -
reaped: POLLIN POLLHUP, status 7
client, reaped: pidfd_open says ESRCH
client, reaped: SO_PEERPIDFD: POLLIN POLLHUP, status 9
END
