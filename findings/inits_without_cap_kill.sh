#!/usr/bin/env bash
# tini 0.19.0 (0.19.0-1+b3), dumb-init 1.2.5 (1.2.5-2) and catatonit 0.1.7 (0.1.7-1+b2), all Debian 12's: each is PID 1
# as root without CAP_KILL (`--cap-drop ALL --cap-add SETUID,SETGID`), and its command becomes another user, the usual
# way of an image's start script. Then the container is stopped by SIGTERM.
# Seen:    tini ends at once with status 1 ("Unexpected error when forwarding signal: 'Operation not permitted'"), and
#          the command is killed with it. dumb-init and catatonit drop the signal: the command works on to its end.
#          None of the three lets the command stop cleanly.
# Guessed: root may signal its own child; if not, an init says so and goes on.
# Why:     kill(2) wants the same user or CAP_KILL, and root without it is a user like others. tini.c returns from its
#          loop at any error but ESRCH; dumb-init.c does not look at the result; catatonit.c goes on after a warning.
# So:      such a container needs --cap-add KILL, or an init that becomes the other user itself, before its command.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root catatonit=0.1.7-1+b2 tini=0.19.0-1+b3 dumb-init=1.2.5-2
for package in *.deb; do dpkg-deb -x "$package" root; done
service='trap "echo stopped cleanly >&4; exit 7" TERM; echo >&3; sleep 2 & wait; echo worked to its end >&4; exit 3'
mkfifo ready

below() { # CAPABILITY-TO-DROP INIT... : prints the status and what the service wrote
  local status=0 container child
  unshare --pid --fork --kill-child --mount-proc setpriv --bounding-set "$1" --inh-caps "$1" "${@:2}" \
    sh -c "sleep 0.3; exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '$service'" \
    3>ready 4>seen 2>error &
  container=$!
  read -r <ready
  read -r child <"/proc/$container/task/$container/children" || [ -n "$child" ]
  kill -TERM "$child"
  wait "$container" || status=$?
  echo "${2##*/}, dropped $1: status $status, $(cat seen)"
  if grep -q "FATAL.*Operation not permitted" error; then echo 'with the message'; fi
}
for init in 'tini --' dumb-init 'catatonit --'; do
  for dropped in -kill -setpcap; do
    # shellcheck disable=SC2086 # a word or two
    below "$dropped" root/usr/bin/$init
  done
done | tee result
diff - result <<'END'
tini, dropped -kill: status 1, 
with the message
tini, dropped -setpcap: status 7, stopped cleanly
dumb-init, dropped -kill: status 3, worked to its end
dumb-init, dropped -setpcap: status 7, stopped cleanly
catatonit, dropped -kill: status 3, worked to its end
catatonit, dropped -setpcap: status 7, stopped cleanly
END
