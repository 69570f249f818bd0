#!/usr/bin/env bash
# Linux 6.18 (6.18.44; unshare and nsenter are util-linux 2.38.1, Debian 12's 2.38.1-5+deb12u3): PID 1 of a container
# gets SIGKILL while somebody outside has not yet reaped a process that entered by setns(2), which `docker exec` uses.
# Seen:    PID 1 does not end. It is in state S, in zap_pid_ns_processes, and a second SIGKILL changes nothing; the
#          process that entered is a zombie. Its parent outside, nsenter, is stopped here; once it goes on and reaps,
#          PID 1 is gone.
# Guessed: SIGKILL ends a sleeping PID 1, the kernel kills the rest, and a zombie of somebody else keeps nobody waiting.
# Why:     PID 1 kills all others on its way out and waits until no process ID of the namespace is in use
#          (kernel/pid_namespace.c). It reaps its own children; a process that entered has its parent outside, whose
#          zombie it stays. pid_namespaces(7) does not name the wait.
# So:      an engine that waits for the end of a PID 1 it killed must go on reaping what it started by exec meanwhile.
shopt -s inherit_errexit
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
version=2.38.1-5+deb12u3
folder=$(mktemp -d)
container='' entered=''
finish() { # nsenter can always go on: the container then ends
  if [ -n "$entered" ]; then kill -CONT "$entered" 2>/dev/null || :; fi
  if [ -n "$container" ]; then kill -KILL "$container" 2>/dev/null || :; fi
  rm -r "$folder"
}
trap finish EXIT
cd "$folder"
case $(uname -r) in 6.18.*) ;; *) echo "Linux $(uname -r): seen on 6.18 only" ;; esac
apt-get download -qq -o APT::Sandbox::User=root "util-linux=$version"
dpkg-deb -x util-linux_*.deb root

child_of() { # PID : its only child, once there is one
  local children=''
  until [ -n "$children" ]; do
    kill -0 "$1"
    read -r children <"/proc/$1/task/$1/children" || sleep 0.05
  done
  echo "$children"
}
state() { # PID : as in /proc/PID/status, or "gone"
  sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null || echo gone
}
look() { # MOMENT
  echo "$1: PID 1 $(state "$pid1"), the process that entered $(state "$stranger")"
}
"$folder/root/usr/bin/unshare" --pid --fork --kill-child sleep 60 2>/dev/null &
container=$!
pid1=$(child_of "$container")
"$folder/root/usr/bin/nsenter" --target "$pid1" --pid sleep 60 2>/dev/null &
entered=$!
stranger=$(child_of "$entered")
{
  look 'before'
  kill -STOP "$entered"
  kill -KILL "$pid1"
  sleep 1
  look '1 s after SIGKILL'
  cat "/proc/$pid1/wchan"
  echo
  kill -KILL "$pid1"
  sleep 0.5
  look 'after another SIGKILL'
  kill -CONT "$entered"
  tail --pid="$container" -f /dev/null
  look 'after the parent outside went on'
} | tee result
diff - result <<'END'
before: PID 1 S, the process that entered S
1 s after SIGKILL: PID 1 S, the process that entered Z
zap_pid_ns_processes
after another SIGKILL: PID 1 S, the process that entered Z
after the parent outside went on: PID 1 gone, the process that entered gone
END
