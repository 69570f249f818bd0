#!/usr/bin/env bash
# systemd-nspawn 252 (Debian 12, systemd-container 252.39-1~deb12u2): what `--as-pid2`, whose stub init is PID 1 so that
# the command need not be, makes of the signal that `--kill-signal` names.
# Seen:    SIGTERM as that signal is dropped, and the command works on to its end (status 3). SIGRTMIN+3 stops the
#          command, which exits with 7, and nspawn's own status is 0. SIGINT stops it too; nspawn's own status is 133.
# Guessed: SIGTERM reaches the command, as it does without --as-pid2, and the status is 7 in all three cases.
# Why:     the stub waits for SIGCHLD, SIGINT and eight real-time signals only (nspawn-stub-pid1.c: SIGTERM would be
#          sysvinit's "execute again"). Each of them orders a power-off or a reboot, which the stub carries out by
#          reboot(2) after the command's end: 0 is the power-off, 133 is EXIT_FORCE_RESTART, and the 7 is lost.
# So:      below --as-pid2 a service is stopped cleanly by SIGRTMIN+3 only, and no failure of its stop is ever seen.
#          Without the stub --kill-signal=SIGTERM gives both. Exit status of this script (as root): 0 if this is so.
set -euo pipefail
version=252.39-1~deb12u2
folder=$(mktemp -d)
groups=() # nspawn makes control groups below its own, and leaves them: so it gets one that can be removed
finish() {
  for group in "${groups[@]}"; do rmdir "$group"/payload "$group"/supervisor "$group" 2>/dev/null || :; done
  rm -r "$folder"
}
trap finish EXIT
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  if [ -e "$hierarchy/cgroup.procs" ]; then
    mkdir "$hierarchy/finding.$$"
    groups+=("$hierarchy/finding.$$")
  fi
done
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root "systemd-container=$version" "libsystemd-shared=$version" \
  busybox-static=1:1.35.0-4+deb12u1+b1
for package in *.deb; do dpkg-deb -x "$package" root; done
mkdir -p tree/bin tree/etc tree/usr tree/proc tree/sys tree/dev tree/run tree/tmp tree/var tree/root
cp root/bin/busybox tree/bin/busybox
ln -s busybox tree/bin/sh
touch tree/etc/os-release
cat >tree/service <<'END'
trap 'echo stopped cleanly >/seen; exit 7' TERM
trap '' HUP
echo >/ready
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do busybox usleep 100000; done
echo worked to its end >/seen
exit 3
END
cat >inside <<'END'
for group; do echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs tmpfs /run
run() { # OPTIONS OF NSPAWN : prints the status and what the service wrote
  local status=0 pid
  rm -f tree/ready tree/seen
  root/usr/bin/systemd-nspawn -q --register=no --keep-unit "$@" -D tree /bin/sh /service </dev/null 2>/dev/null &
  pid=$!
  until [ -e tree/ready ]; do kill -0 "$pid"; sleep 0.05; done
  kill -TERM "$pid"
  wait "$pid" || status=$?
  echo "$*: status $status, $(cat tree/seen)"
}
set -e
run --kill-signal=SIGTERM
run --as-pid2 --kill-signal=SIGTERM
run --as-pid2 --kill-signal=SIGRTMIN+3
run --as-pid2 --kill-signal=SIGINT
END
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu/systemd
root/usr/bin/systemd-nspawn --version | sed -n 1p
timeout -s KILL 60 unshare --mount --pid --fork --kill-child --mount-proc bash inside "${groups[@]}" | tee result
diff - result <<'END'
--kill-signal=SIGTERM: status 7, stopped cleanly
--as-pid2 --kill-signal=SIGTERM: status 3, worked to its end
--as-pid2 --kill-signal=SIGRTMIN+3: status 0, stopped cleanly
--as-pid2 --kill-signal=SIGINT: status 133, stopped cleanly
END
