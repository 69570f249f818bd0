#!/usr/bin/env bash
# BusyBox 1.35.0 (Debian 12, busybox-static 1:1.35.0-4+deb12u1+b1): `busybox init` as PID 1 of a container, stopped by
# SIGTERM as engines do it.
# Seen:    the service gets SIGTERM, and SIGKILL 1 s later, in the middle of a stop that takes 2 s. A service that ends
#          at once shortens nothing: the whole takes 2 s. The status is 129, a death by SIGHUP.
# Guessed: init waits for the service as long as the engine lets it (10 s or 30 s), ends with it, and exits with 0.
# Why:     SIGTERM is an order to reboot. init/init.c signals all, sleeps 1 s, kills all, sleeps 1 s and reboots,
#          whatever has ended by then; no setting changes that. In a PID namespace reboot(2) makes PID 1 die of SIGHUP,
#          and a halt or a power-off (SIGUSR1, SIGUSR2) of SIGINT.
# So:      an image with it loses what a service does after its first second, and a stop that went well has status 129.
#          Exit status of this script (it must run as root): 0 if this is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root busybox-static=1:1.35.0-4+deb12u1+b1
dpkg-deb -x busybox-static_*.deb root
mkdir -p tree/bin tree/etc tree/proc tree/dev
cp root/bin/busybox tree/bin/busybox
ln -s busybox tree/bin/sh
echo '::respawn:/bin/sh /service' >tree/etc/inittab
cat >tree/service <<'END'
trap 'echo stopping >>/seen; busybox sleep $(busybox cat /stop-takes); echo stopped >>/seen; exit' TERM
echo >/ready
while :; do busybox usleep 100000; done
END
cat >inside <<'END'
run() { # SIGNAL SECONDS : stops a container whose service takes SECONDS to end
  local status=0 pid start end
  rm -f tree/ready tree/seen
  echo "$2" >tree/stop-takes
  unshare --pid --fork --kill-child chroot tree /bin/busybox init </dev/null >/dev/null 2>&1 &
  until [ -e tree/ready ]; do kill -0 $! || return; sleep 0.05; done
  pid=$(cat "/proc/$!/task/$!/children")
  start=$EPOCHREALTIME
  kill -"$1" $pid || return
  wait $! 2>/dev/null || status=$?
  end=$EPOCHREALTIME
  if ((${end/./} - ${start/./} >= 2000000)); then end='after 2 s or more'; else end='at once'; fi
  echo "SIG$1, stop of $2 s: $(tr '\n' ' ' <tree/seen)$end, status $status"
}
run TERM 0
run TERM 2
run USR2 0
END
root/bin/busybox | sed -n 1p
timeout -s KILL 60 unshare --mount --pid --fork --kill-child --mount-proc bash inside 2>/dev/null | tee result
diff - result <<'END'
SIGTERM, stop of 0 s: stopping stopped after 2 s or more, status 129
SIGTERM, stop of 2 s: stopping after 2 s or more, status 129
SIGUSR2, stop of 0 s: stopping stopped after 2 s or more, status 130
END
