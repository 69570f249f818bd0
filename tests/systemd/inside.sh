# run.sh runs this as PID 1 of namespaces of its own: starts a user manager, and tries units.
#   inside.sh SCRATCH [ROOT]     ROOT is the system whose systemd it is, instead of this one
set -euo pipefail
scratch=$1 root=${2-}
groups=$root/sys/fs/cgroup
if [ "$root" ]; then
  mount --bind "$root" "$root"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind /dev "$root/dev"
fi
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
if [ "$root" ] || [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  # systemd 258 and newer know cgroup v2 only. A user manager needs no controllers, so v1 may have them elsewhere.
  mount -t cgroup2 cgroup2 "$groups"
else
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
fi
cp "$scratch/sexton" "$root/run/sexton"
if [ "$root" ]; then
  cd "$root"
  pivot_root . mnt
  umount -l /mnt
fi
export XDG_RUNTIME_DIR=/run/user/0 XDG_CONFIG_HOME=/run/config HOME=/root
units=$XDG_CONFIG_HOME/systemd/user
mkdir -p "$XDG_RUNTIME_DIR" "$units" /run/systemd/system
/lib/systemd/systemd --version | sed -n 1p
/lib/systemd/systemd --user --log-target=console 2>/run/log &
manager=$!
until [ -S "$XDG_RUNTIME_DIR/systemd/private" ]; do
  kill -0 "$manager" || { cat /run/log; exit 1; }
  sleep 0.05
done
systemctl() { command systemctl --user --no-pager "$@"; }

failed=
# unit NAME LINE... : writes NAME.service; what its command prints is in /run/NAME.
unit() {
  local name=$1
  shift
  printf '%s\n' '[Service]' "StandardOutput=append:/run/$name" "StandardError=append:/run/$name" \
    TimeoutStartSec=3 "$@" >"$units/$name.service"
  systemctl daemon-reload
}
# property NAME PROPERTY
property() { systemctl show -P "$2" "$1.service"; }
# expect CLAIM VALUE VALUE
expect() {
  if [ "$2" = "$3" ]; then
    echo "ok $1"
  else
    echo "FAILED $1: '$2' instead of '$3'"
    failed=yes
  fi
}
# said NAME TEXT : waits until the unit has written it.
said() {
  for _ in $(seq 200); do
    ! grep -qF -e "$2" "/run/$1" 2>/dev/null || return 0
    sleep 0.05
  done
  echo "FAILED $1 did not write '$2'"
  failed=yes
}
sexton="ExecStart=/run/sexton --"

cat >/run/notify <<'END'
trap 'echo got TERM; exit 0' TERM
systemd-notify --ready
echo ready
while :; do sleep 0.1; done
END
unit main Type=notify "$sexton sh /run/notify"
expect 'Type=notify, NotifyAccess=main: the command is not heard' \
  "$(systemctl start main >/dev/null 2>&1 && echo started)" ''
systemctl stop main || :
unit all Type=notify NotifyAccess=all "$sexton sh /run/notify"
expect 'Type=notify, NotifyAccess=all: the command is heard' "$(systemctl start all 2>&1 && echo started)" started
systemctl stop all
expect 'a stop that the command obeys is a success' "$(property all Result)" success

cat >/run/watchdog <<'END'
[ "$WATCHDOG_PID" = $$ ] && echo it is mine
systemd-notify --ready
i=0
while [ $i -lt 25 ]; do systemd-notify WATCHDOG=1; sleep 0.1; i=$((i + 1)); done
echo silent
exec sleep 1000
END
unit watchdog Type=notify NotifyAccess=all WatchdogSec=1 "$sexton sh /run/watchdog"
systemctl start watchdog
said watchdog 'it is mine'
said watchdog silent
expect 'WatchdogSec: a command that answers lives' "$(property watchdog ActiveState)" active
for _ in $(seq 100); do [ "$(property watchdog ActiveState)" != active ] && break; sleep 0.1; done
for _ in $(seq 100); do [ "$(property watchdog ActiveState)" = failed ] && break; sleep 0.1; done
expect 'WatchdogSec: a silent command is ended' "$(property watchdog Result)" watchdog

unit socket "$sexton sh -c 'echo \$\$LISTEN_FDS \$\$LISTEN_PID is \$\$\$\$; exec sleep 1000'"
printf '%s\n' '[Socket]' ListenStream=/run/socket.sock >"$units/socket.socket"
systemctl daemon-reload
systemctl start socket.socket
python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("/run/socket.sock")'
said socket '1 '
read -r count pid _ own </run/socket
expect 'socket activation: one socket' "$count" 1
expect 'socket activation: LISTEN_PID is the command' "$pid" "$own"
systemctl stop socket.socket socket

cat >/run/counts <<'END'
import signal, sys, time
asked = {signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
print("ready", flush=True)
terms, end = 0, None
while end is None or time.monotonic() < end:
    info = signal.sigtimedwait(asked, 0.01)
    if info and info.si_signo == signal.SIGHUP:
        print("got HUP", flush=True)
    elif info:
        terms, end = terms + 1, end or time.monotonic() + 0.5
print("ended after", terms, flush=True)
sys.exit(int(sys.argv[1]))
END
counted() { # MODE
  rm -f "/run/$1"
  systemctl start "$1"
  said "$1" ready
  systemctl reload "$1"
  said "$1" 'got HUP'
  systemctl stop "$1"
  said "$1" 'ended after'
}
for mode in control-group mixed; do
  unit "$mode" KillMode=$mode "ExecReload=kill -HUP \$MAINPID" "$sexton python3 /run/counts 0"
done
# Two signals of one number are one, if the command has not taken the first when the second comes.
for _ in $(seq 20); do
  counted control-group
  ! grep -q 'ended after 2' /run/control-group || break
done
expect 'KillMode=control-group: the command may get SIGTERM twice' \
  "$(grep 'ended after' /run/control-group)" 'ended after 2'
counted mixed
expect 'KillMode=mixed: the command gets SIGTERM once' "$(grep 'ended after' /run/mixed)" 'ended after 1'
expect 'reload: once' "$(grep -c HUP /run/mixed)" 1

unit plain "$sexton sh -c 'echo ready; exec sleep 1000'"
systemctl start plain
said plain ready
systemctl stop plain
expect 'a command that dies of SIGTERM: success' \
  "$(property plain Result) $(property plain ActiveState)" 'success inactive'
for more in '' SuccessExitStatus=143; do
  unit status KillMode=mixed $more "$sexton python3 /run/counts 143"
  rm -f /run/status
  systemctl start status
  said status ready
  systemctl stop status
  expect "a command that exits with 143, ${more:-no setting}" "$(property status Result)" \
    "$([ -n "$more" ] && echo success || echo exit-code)"
done
unit mapped KillMode=mixed "ExecStart=/run/sexton --map-exit 143=0 -- python3 /run/counts 143"
systemctl start mapped
said mapped ready
systemctl stop mapped
expect 'a command that exits with 143, --map-exit 143=0' "$(property mapped Result)" success

version=$(/lib/systemd/systemd --version | awk 'NR == 1 { print $2 }')
unit access Type=notify "ExecStart=/run/sexton --notify-access -- sh /run/notify"
started=$(systemctl start access >/dev/null 2>&1 && echo started || :)
expect "--notify-access, NotifyAccess=main: heard from systemd 254 on, and this is $version" "$started" \
  "$([ "$version" -lt 254 ] || echo started)"
systemctl stop access || :

unit ignores KillMode=mixed \
  "ExecStart=/run/sexton --grace 1s -- sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; done'"
systemctl start ignores
said ignores ready
begin=${EPOCHREALTIME/./}
systemctl stop ignores
expect 'the grace period ends a stop before TimeoutStopSec' "$(((${EPOCHREALTIME/./} - begin) / 1000000))" 1
said ignores 'within the grace'

script='trap \\"echo daemon asked; exit\\" TERM; echo up; while :; do sleep 0.1; done'
unit daemon KillMode=mixed \
  "ExecStart=/run/sexton -- sh -c '(setsid sh -c \"$script\" &) ; sleep 0.5; exit 0'"
systemctl start daemon
said daemon 'daemon asked'
[ -z "$failed" ] || { echo "tests/systemd/run.sh: FAILED" >&2; exit 1; }
echo "tests/systemd/run.sh: all passed"
