#!/usr/bin/env bash
# catatonit 0.1.7 (Debian 12, 0.1.7-1+b2; `podman run --init` has it): the signal mask that its command starts with.
# Seen:    SIGTSTP, SIGTTIN and SIGTTOU are blocked in the command (SigBlk 0000000000380000) and in all that it starts.
#          A process that gets SIGTSTP goes on sleeping with the signal pending. Below tini 0.19.0 (0.19.0-1+b3) the
#          mask is empty, and SIGTSTP stops the process.
# Guessed: an init hands its command an empty mask, or the one it was started with itself.
# Why:     make_foreground() (catatonit.c) adds the three to the mask "for pid1", so that a terminal cannot stop it. It
#          runs in the child, and the mask is the one the command is then executed with; exec and fork keep masks.
# So:      there `kill -TSTP`, and a program that suspends itself by it, do nothing; a program that reads the terminal
#          in the background gets an error (EIO) where it would be stopped. A command can undo it by sigprocmask(2).
#          Exit status of this script (it must run as root): 0 if this is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root catatonit=0.1.7-1+b2 tini=0.19.0-1+b3
for package in *.deb; do dpkg-deb -x "$package" root; done
cat >job <<'END'
sleep 10 &
kill -TSTP $!
tries=0
until grep -q '^State:.T' /proc/$!/status || [ $((tries += 1)) = 20 ]; do sleep 0.05; done
sed -n 's/^State:.\(.\).*/state \1/p; s/^SigBlk:./blocked /p; s/^ShdPnd:./pending /p' /proc/$!/status | sort | xargs
END
below() { # INIT...
  echo "${1##*/}: $(timeout -s KILL 20 unshare --pid --fork --kill-child --mount-proc "$@" sh job)"
}
{
  below root/usr/bin/catatonit --
  below root/usr/bin/tini --
} | tee result
diff - result <<'END'
catatonit: blocked 0000000000380000 pending 0000000000080000 state S
tini: blocked 0000000000000000 pending 0000000000000000 state T
END
