#!/usr/bin/env bash
# Whether a binary does its work: as PID 1 of a PID namespace it starts a command, forwards a signal, reaps, kills after
# the grace, and has the status. Main is the machine's own shell. Needs root.
#
#   tests/smoke.sh BINARY [RUNNER...]      the runner is an emulator, for a binary of another architecture
set -euo pipefail
binary=$(realpath "$1")
runner=("${@:2}")
dash=$(command -v dash)
bash "$(dirname "$0")/static.sh" "$binary"
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# expect STATUS TEXT ARGUMENT... : sexton with these arguments, as PID 1, exits with that status and prints the text.
expect() {
  local status=0
  timeout --signal=KILL 120 unshare --pid --fork --mount-proc --kill-child "${runner[@]}" "$binary" "${@:3}" \
    </dev/null >"$output" 2>&1 || status=$?
  [ $status = "$1" ] && grep -q -- "$2" "$output" && return
  printf '%s: exit status %d, not %d with "%s":\n' "${*:3}" "$status" "$1" "$2" >&2
  cat "$output" >&2
  exit 1
}

expect 0 '^sexton [0-9]' --version
expect 0 '^tini version ' --as tini --version
expect 7 '^Linux' -- "$dash" -c 'uname; exit 7'
expect 127 'no-such-command' -- /no-such-command
expect 125 'nonsense' --grace nonsense -- "$dash"
expect 143 'command killed by SIGTERM' -v -- "$dash" -c 'kill -TERM 1; exec sleep 1000'
expect 5 'forwarded' -- "$dash" -c 'trap "echo forwarded; exit 5" TERM; kill -TERM 1; while :; do sleep 0.1; done'
expect 137 'within the grace' --grace 0.2 -- "$dash" -c 'trap "" TERM; kill -TERM 1; exec sleep 1000'
# The orphans have ended when `cat` sees the end of its input; a zombie that nobody reaps would last for ever.
expect 0 'all are reaped' -- "$dash" -c '
  for i in 1 2 3 4 5 6 7 8 9 10; do (dash -c : &); done | cat
  while grep -q "^State:.Z" /proc/[0-9]*/status; do sleep 0.1; done
  echo all are reaped'
expect 0 "sleep 1000" -- "$dash" -c "sleep 1000 & ${runner[*]} $binary --status"
expect 0 'peak memory [1-9]' -v -- "$dash" -c :
expect 0 '^77$' --rlimit nofile=77 -- "$dash" -c 'ulimit -n'
echo "$binary: works"
