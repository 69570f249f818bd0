#!/usr/bin/env bash
# util-linux 2.38.1 (Debian 12, 2.38.1-5+deb12u3): `runuser -u USER -- SERVICE`, the last line of many start scripts, at
# a stop and at a reload. runuser(1) has nothing on signals (su(1), of the same source, has the first half).
# Seen:    at SIGTERM the service gets SIGTERM, and SIGKILL 2 s later: a stop of 3 s is cut off. A service that ends at
#          once, with status 7, does not shorten the 2 s, and the status is 143. SIGHUP and SIGUSR1 do nothing at all,
#          neither to runuser nor to the service.
# Guessed: runuser is replaced by the service, as with setpriv or gosu; or it forwards, waits, and passes the status on.
# Why:     a parent stays, to close PAM's session. It blocks all signals but TERM, INT, QUIT and ALRM; at one of the
#          first three it signals the child, calls sleep(2), kills, and raises the signal on itself
#          (login-utils/su-common.c).
# So:      below runuser a grace of 30 s is one of 2 s, and a reload by SIGHUP is lost. setpriv has no parent:
#          `setpriv --reuid USER --regid GROUP --init-groups SERVICE`.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
version=2.38.1-5+deb12u3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root "util-linux=$version"
dpkg-deb -x util-linux_*.deb root
root/sbin/runuser --version
cat >service <<'END'
trap 'echo reloaded >>seen' HUP USR1
trap 'sleep "$takes"; echo stopped cleanly >>seen; exit 7' TERM
echo >ready
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.1; done
echo worked to its end >>seen
exit 3
END
cat >inside <<'END'
mount -t tmpfs tmpfs /run # PAM's modules may write there
export takes
stop() { # MESSAGE SIGNAL SECONDS COMMAND... : signals COMMAND, whose service takes SECONDS to stop
  local status=0 start end
  takes=$3
  rm -f ready seen
  "${@:4}" sh service 2>/dev/null &
  until [ -e ready ]; do kill -0 $! || return; sleep 0.05; done
  start=$EPOCHREALTIME
  kill -"$2" $!
  wait $! 2>/dev/null || status=$?
  end=$EPOCHREALTIME
  if ((${end/./} - ${start/./} >= 1900000)); then end='2 s or more'; else end='less than 2 s'; fi
  echo "$1, SIG$2: $end, status $status, $([ ! -e seen ] || xargs <seen)"
}
stop 'stop of 3 s' TERM 3 root/sbin/runuser -u root --
stop 'stop of 0 s' TERM 0 root/sbin/runuser -u root --
stop 'reload' HUP 0 root/sbin/runuser -u root --
stop 'reload' USR1 0 root/sbin/runuser -u root --
stop 'setpriv, stop of 0 s' TERM 0 setpriv --reuid 0 --regid 0 --clear-groups
END
timeout -s KILL 60 unshare --mount --pid --fork --kill-child --mount-proc bash inside | tee result
diff - result <<'END'
stop of 3 s, SIGTERM: 2 s or more, status 143, 
stop of 0 s, SIGTERM: 2 s or more, status 143, stopped cleanly
reload, SIGHUP: less than 2 s, status 3, worked to its end
reload, SIGUSR1: less than 2 s, status 3, worked to its end
setpriv, stop of 0 s, SIGTERM: less than 2 s, status 7, stopped cleanly
END
