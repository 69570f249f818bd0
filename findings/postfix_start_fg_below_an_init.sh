#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12, postfix 3.7.11-0+deb12u1): `postfix start-fg`, made for containers, as PID 1 and as
# the child of a small init (here `sh -c`).
# Seen:    as PID 1 SIGTERM stops the mail system (status 0), and SIGHUP reloads it. As a child, SIGTERM ends it for its
#          parent only (status 143): 1 s later the master process and its daemons are still there, orphaned. SIGHUP does
#          nothing there.
# Guessed: start-fg is the same foreground process in both places.
# Why:     postfix-script looks whether its own process ID is 1. If so it executes the master process in its own place,
#          if not it stays in front of it, so that the master can have a process group of its own. The script ignores
#          SIGHUP and forwards nothing.
# So:      below an init the stop never reaches the mail system, and SIGKILL ends it in the middle of its work; the init
#          must signal what its command leaves, too, or the command must be `postfix start`, a wait, `postfix stop`.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root postfix=3.7.11-0+deb12u1
dpkg-deb -x postfix_*.deb root
cat >root/etc/postfix/main.cf <<'END'
compatibility_level = 3.6
inet_interfaces = loopback-only
inet_protocols = ipv4
mydestination =
maillog_file = /var/log/postfix.log
END
sed 's/^smtp *inet/#&/' root/usr/share/postfix/master.cf.dist >root/etc/postfix/master.cf # no port
cat >inside <<'END'
set -e
ip link set lo up
mount -t tmpfs tmpfs layers
for place in etc usr var; do # the package's files above the system's, and all writes to memory
  mkdir -p "layers/$place-upper" "layers/$place-work" "root/$place"
  mount -t overlay -o "lowerdir=root/$place:/$place,upperdir=layers/$place-upper,workdir=layers/$place-work" \
    overlay "/$place"
done
sed -i '/^post\(fix\|drop\):/d' /etc/passwd /etc/group
echo 'postfix:x:64901:64901::/var/spool/postfix:/usr/sbin/nologin' >>/etc/passwd
printf 'postfix:x:64901:\npostdrop:x:64902:\n' >>/etc/group
postfix set-permissions >/dev/null 2>&1 || :
echo "Postfix $(postconf -h mail_version)"

run() { # MESSAGE SIGNAL COMMAND... : signals what COMMAND's `postfix start-fg` has become
  local status=0 pid tries=0
  : >/var/log/postfix.log
  rm -f left
  unshare --pid --fork --kill-child --mount-proc "${@:3}" >/dev/null 2>&1 &
  until grep -q 'daemon started' /var/log/postfix.log; do kill -0 $!; sleep 0.1; done
  read -r pid <"/proc/$!/task/$!/children" || :
  if [ "$1" = child ]; then read -r pid <"/proc/$pid/task/$pid/children" || :; fi
  kill -"$2" "$pid"
  if [ "$2" = HUP ]; then
    until grep -q 'reload -- version' /var/log/postfix.log || [ $((tries += 1)) = 20 ]; do sleep 0.1; done
    kill -TERM "$pid"
  fi
  wait $! || status=$?
  echo "$1, SIG$2: status $status, reloaded: $(grep -c 'reload -- version' /var/log/postfix.log || :)," \
    "left after 1 s: $([ ! -e left ] || xargs <left)"
}
init='postfix start-fg; status=$?; sleep 1; ps -e -o comm= | grep -x "master\|qmgr\|pickup" | sort >left; exit $status'
run 'PID 1' TERM postfix start-fg
run 'PID 1' HUP postfix start-fg
run child TERM sh -c "$init"
run child HUP sh -c "$init"
END
mkdir layers
timeout -s KILL 60 unshare --mount --net --pid --fork --kill-child --mount-proc bash inside 2>/dev/null | tee result
diff - <(sed 1d result) <<'END'
PID 1, SIGTERM: status 0, reloaded: 0, left after 1 s: 
PID 1, SIGHUP: status 0, reloaded: 1, left after 1 s: 
child, SIGTERM: status 143, reloaded: 0, left after 1 s: master pickup qmgr
child, SIGHUP: status 143, reloaded: 0, left after 1 s: master pickup qmgr
END
