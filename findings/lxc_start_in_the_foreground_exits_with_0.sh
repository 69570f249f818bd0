#!/usr/bin/env bash
# LXC 5.0.2 (Debian 12, lxc 1:5.0.2-1+deb12u4): `lxc-start --foreground` waits for the container's end, and its exit
# status says nothing about that end.
# Seen:    status 0 if the container's PID 1 exits with 7, and 0 if it is killed by SIGKILL. `lxc-execute` with the
#          same command exits with 7.
# Guessed: 7 and 137, the same as with `docker run` and `podman run`.
# Why:     lxc-start knows the status (its library has stored it as the container's `error_num`), and exits with it only
#          if the container could not be started (src/lxc/tools/lxc_start.c); lxc_execute.c has the code that exits with
#          it. The man page of lxc-start is silent on exit statuses.
# So:      a unit with ExecStart=lxc-start -F (LXC's own lxc@.service has it) and Restart=on-failure never restarts.
#          lxc-execute has the status. Exit status of this script (it must run as root): 0 if this is still so.
set -euo pipefail
version=1:5.0.2-1+deb12u4
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root "lxc=$version" "liblxc1=$version" \
  busybox-static=1:1.35.0-4+deb12u1+b1
for package in *.deb; do dpkg-deb -x "$package" root; done
mkdir -p tree/bin tree/proc tree/sys tree/dev root-mount containers
cp root/bin/busybox tree/bin/busybox
ln -s busybox tree/bin/sh
cat >tree/service <<'END'
echo >/ready
while :; do busybox usleep 100000; done
END
cat >settings <<END
lxc.rootfs.path = dir:$folder/tree
lxc.rootfs.mount = $folder/root-mount
lxc.mount.auto = proc:rw
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
END
cat >inside <<'END'
set -e
mount -t tmpfs tmpfs /run
umount -R /sys/fs/cgroup # LXC leaves control groups behind
status_of() { # MESSAGE COMMAND...
  local status=0
  "${@:2}" || status=$?
  echo "$1: status $status"
}
start() { # COMMAND OF PID 1
  (cat settings; echo "lxc.init.cmd = $1") >started
  root/usr/bin/lxc-start -P containers -n one --foreground -f started
}
killed() {
  local pid
  start '/bin/sh /service' &
  until [ -e tree/ready ]; do kill -0 $!; sleep 0.05; done
  pid=$(root/usr/bin/lxc-info -P containers -n one --pid --no-humanize)
  kill -KILL "$pid" || return
  wait $!
}
status_of 'lxc-execute, exit 7' root/usr/bin/lxc-execute -P containers -n one -f settings -- /bin/sh -c 'exit 7'
status_of 'lxc-start, exit 7' start '/bin/sh -c "exit 7"'
status_of 'lxc-start, SIGKILL' killed
END
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
echo "LXC $(root/usr/bin/lxc-start --version)"
timeout -s KILL 60 unshare --mount --pid --fork --kill-child --mount-proc bash inside | tee result
diff - result <<'END'
lxc-execute, exit 7: status 7
lxc-start, exit 7: status 0
lxc-start, SIGKILL: status 0
END
