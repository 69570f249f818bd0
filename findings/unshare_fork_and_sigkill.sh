#!/usr/bin/env bash
# util-linux 2.38.1 (Debian 12, 2.38.1-5+deb12u3): `unshare --fork COMMAND` passes the command's death by a signal on by
# dying of the same signal, so that a shell shows 128 + N. If the signal is SIGKILL, it exits with status 1 and an
# error about a signal mask instead.
#
# Seen:    status 1, "unshare: sigprocmask unblock failed: Invalid argument"; with SIGTERM status 143 and no message.
# Guessed: status 137, the same as with every other signal.
# Why:     before it sends itself the signal it sets the signal's default action, which signal(2) refuses for SIGKILL
#          (EINVAL); the message names the step behind it.
# So:      a script that asks whether what it ran below `unshare --fork` was killed (an OOM kill, a time-out with
#          SIGKILL) finds an ordinary failure.
#
# Exit status: 0 if all of this is still so.
set -euo pipefail
version=2.38.1-5+deb12u3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root "util-linux=$version"
dpkg-deb -x util-linux_*.deb root
unshare=$folder/root/usr/bin/unshare
"$unshare" --version

run() { # SIGNAL : prints the status and what was written to standard error
  local status=0
  "$unshare" --fork sh -c "kill -$1 \$\$" 2>error || status=$?
  echo "SIG$1: status $status, '$(cat error)'"
}
term=$(run TERM 2>/dev/null)
kill=$(run KILL 2>/dev/null)
printf '%s\n' "$term" "$kill"
[ "$term" = "SIGTERM: status 143, ''" ]
[ "${kill%%,*}" = "SIGKILL: status 1" ] && grep -q 'sigprocmask unblock failed: Invalid argument' <<<"$kill"
