#!/usr/bin/env bash
# Go 1.19.8 (Debian 12, golang-1.19-go 1.19.8-2): a program without any signal handler, as PID 1, and SIGTERM.
# Seen:    as PID 1 it ends at once with status 2, also at SIGINT and SIGHUP. As a child it dies of the signal (143).
#          The same program in C goes on as PID 1, as if nothing had come.
# Guessed: PID 1 gets no signal that it has no handler for (pid_namespaces(7)), so the program would go on, and
#          `docker stop` would wait for its time-out, as with every other program without a handler.
# Why:     the Go runtime has handlers for all signals. Its own answer to SIGTERM is to put the default action back and
#          raise the signal on itself (runtime/signal_unix.go, dieFromSignal). PID 1 survives that, and so the last line
#          of the function is reached: exit(2).
# So:      a Go program needs no init to be stopped, but the stop looks like a panic, whose status is 2, too. With an
#          init in front of it the status is 143.
set -euo pipefail # Exit status: 0 if all of this is still so. It must run as root.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root golang-1.19-go=1.19.8-2 golang-1.19-src=1.19.8-2
for package in *.deb; do dpkg-deb -x "$package" root; done
ln -s "$folder/root/usr/share/go-1.19/src" root/usr/lib/go-1.19/src 2>/dev/null || :
export GOROOT=$folder/root/usr/lib/go-1.19 GOCACHE=$folder/cache GOPATH=$folder/path GO111MODULE=off CGO_ENABLED=0
for part in api misc pkg src test; do
  [ -e "$GOROOT/$part" ] || ln -sfn "$folder/root/usr/share/go-1.19/$part" "$GOROOT/$part"
done
go=$GOROOT/bin/go
"$go" version
cat >program.go <<'END'
package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
END
"$go" build -o go-program program.go
cat >program.c <<'END'
#include <stdio.h>
#include <unistd.h>
int main(void) { puts("ready"); fflush(stdout); sleep(3600); return 0; }
END
cc -o c-program program.c
run() { # MESSAGE SIGNAL COMMAND...
  local status=0 pid
  timeout -s KILL 3 unshare --pid --fork --kill-child --mount-proc "${@:3}" >log 2>&1 &
  until grep -q ready log; do kill -0 $!; sleep 0.05; done
  read -r pid <"/proc/$!/task/$!/children" || :
  read -r pid <"/proc/$pid/task/$pid/children" || :
  if [ "${1%%,*}" = child ]; then read -r pid <"/proc/$pid/task/$pid/children" || :; fi
  kill "-$2" "$pid"
  wait $! 2>/dev/null || status=$?
  if [ $status = 137 ]; then echo "$1, SIG$2: goes on"; else echo "$1, SIG$2: status $status"; fi
}
{
  for signal in TERM INT HUP; do run 'PID 1, Go' $signal ./go-program; done
  run 'child, Go' TERM sh -c './go-program; exit $?'
  run 'PID 1, C' TERM ./c-program
} | tee result
diff - result <<'END'
PID 1, Go, SIGTERM: status 2
PID 1, Go, SIGINT: status 2
PID 1, Go, SIGHUP: status 2
child, Go, SIGTERM: status 143
PID 1, C, SIGTERM: goes on
END
