#!/usr/bin/env bash
# xvfb-run of Debian 12 (xvfb 2:21.1.7-3+deb12u13) as PID 1, as the first word of an image's entry point makes it.
# Seen:    as a child it runs its command in less than 3 s. As PID 1 it never does: Xvfb runs, its socket is there, and
#          xvfb-run waits for ever.
# Guessed: a script that starts a server and a command does so wherever it runs.
# Why:     xvfb-run starts Xvfb with SIGUSR1 ignored, which asks the X server for a SIGUSR1 to its parent when it is
#          ready, and waits for that. The server leaves the signal out if its parent's process ID is 1 (os/connection.c,
#          NotifyParentProcess), because a server whose parent has gone is adopted by that process.
# So:      a container of xvfb-run hangs without any message. It needs an init in front of it, or Xvfb's own -displayfd.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root xvfb=2:21.1.7-3+deb12u13 xauth=1:1.1.2-1
for package in *.deb; do dpkg-deb -x "$package" root; done
cat >inside <<'END'
set -e
mount -t tmpfs tmpfs /tmp
mkdir -m 1777 /tmp/.X11-unix
export PATH=$PWD/root/usr/bin:$PATH HOME=/tmp
run() { # MESSAGE COMMAND...
  local server=no
  rm -f done
  timeout -s KILL 10 unshare --pid --fork --kill-child --mount-proc "${@:2}" >log 2>&1 & unshare=$!
  for _ in $(seq 90); do
    if [ -e done ]; then break; fi
    if [ -S /tmp/.X11-unix/X99 ]; then server=yes; fi
    sleep 0.1
  done
  if [ -e done ]; then result='the command has run'; else result="Xvfb listens: $server, the command did not run"; fi
  echo "$1: $result"
  kill -KILL $unshare 2>/dev/null || :
  wait $unshare 2>/dev/null || :
  rm -f /tmp/.X11-unix/X99 /tmp/.X99-lock
}
run 'child' sh -c 'xvfb-run touch done; exit $?'
run 'PID 1' xvfb-run touch done
END
timeout -s KILL 60 unshare --mount --net --pid --fork --kill-child --mount-proc bash inside | tee result
diff - result <<'END'
child: the command has run
PID 1: Xvfb listens: yes, the command did not run
END
