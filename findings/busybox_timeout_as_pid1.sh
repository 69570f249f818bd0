#!/usr/bin/env bash
# BusyBox 1.35.0 (Debian 12, busybox-static 1:1.35.0-4+deb12u1+b1): `timeout 1 COMMAND` as PID 1, as the first word of
# an image's entry point makes it, never ends COMMAND.
# Seen:    `busybox timeout 1 sleep 2` ends after 1 s as a child. As PID 1 it ends after 2 s with the command's own
#          status, and `-s KILL` changes nothing. `timeout` of GNU coreutils ends after 1 s with 124 in both places.
# Guessed: the same as GNU's: the tool is PID 1, the command its child, and a child is not spared by the kernel.
# Why:     BusyBox's timeout turns the two around: it forks the clock off, as an orphan, and executes COMMAND in its own
#          place (coreutils/timeout.c: COMMAND shall be the child of the tool's own parent). So COMMAND is PID 1, and
#          the clock's signal comes from within its PID namespace, where even SIGKILL is dropped (pid_namespaces(7)).
# So:      such a limit needs an init in front of it: PID 1, and the command with its clock below.
#          Exit status of this script (it must run as root): 0 if this is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root busybox-static=1:1.35.0-4+deb12u1+b1 coreutils=9.1-1
for package in *.deb; do dpkg-deb -x "$package" root; done
busybox=$folder/root/bin/busybox
gnu=$folder/root/usr/bin/timeout
"$busybox" | sed -n 1p
"$gnu" --version | sed -n 1p

run() { # MESSAGE COMMAND... : how long it took, and its status
  local status=0 start=$EPOCHREALTIME end
  timeout -s KILL 20 "${@:2}" 2>/dev/null || status=$?
  end=$EPOCHREALTIME
  if ((${end/./} - ${start/./} < 1900000)); then end='at its limit'; else end='when the command ended'; fi
  echo "$1: $end, status $status"
}
pid1=(unshare --pid --fork --kill-child --mount-proc)
work='sleep 2; exit 7'
{
  run 'BusyBox, child' "$busybox" timeout 1 sh -c "$work"
  run 'BusyBox, PID 1' "${pid1[@]}" "$busybox" timeout 1 sh -c "$work"
  run 'BusyBox, PID 1, SIGKILL' "${pid1[@]}" "$busybox" timeout -s KILL 1 sh -c "$work"
  run 'GNU, child' "$gnu" 1 sh -c "$work"
  run 'GNU, PID 1' "${pid1[@]}" "$gnu" 1 sh -c "$work"
} | tee result
diff - result <<'END'
BusyBox, child: at its limit, status 143
BusyBox, PID 1: when the command ended, status 7
BusyBox, PID 1, SIGKILL: when the command ended, status 7
GNU, child: at its limit, status 124
GNU, PID 1: at its limit, status 124
END
