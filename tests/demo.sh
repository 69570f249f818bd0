#!/usr/bin/env bash
# Shows sexton at work: builds the static binary and runs it as PID 1 of a PID namespace, on a
# command that leaves zombies behind and is then stopped. Needs root, and the right to make PID namespaces: without
# it this says so, and fails.
#
#   IT_BIN=FILE    show this init instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
need_root
need unshare:util-linux
if [ -n "${IT_BIN-}" ]; then
  sexton=$IT_BIN
else
  need_rust
  need readelf:binutils
  target=x86_64-unknown-linux-musl
  cargo build --release --locked --bin sexton --target "$target"
  sexton=target/$target/release/sexton
  bash tests/static.sh "$sexton"
fi

# The command is a `sleep` that waits for nobody, as many programs do. A helper that it left behind makes five
# orphans, which end at once (`cat` sees the end of its input when the last is gone), and counts: for up to two seconds,
# which is more than an init needs on a busy machine.
command='( (until grep -q sleep /proc/$$/comm; do :; done
        for i in 1 2 3 4 5; do (sh -c : &); done | cat
        for i in $(seq 20); do
          zombies=$(grep -ls "^State:.Z" /proc/[0-9]*/status | wc -l)
          [ $zombies != 0 ] || break
          sleep 0.1
        done
        echo zombies: $zombies; echo ready) & )
      exec sleep 1000'

scratch=$(mktemp -d "${TMPDIR:-/tmp}/sexton-demo.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# in_namespace SECONDS PROGRAM... : runs it as PID 1, waits for the line "ready", sends SIGTERM to PID 1, and kills it
# if nothing comes for so many seconds. Whoever is in the namespace holds the pipe open, so its end is when the last of
# them has ended. Each namespace has a pipe of its own: those of the one before may still hold theirs, because a killed
# namespace ends after its unshare.
in_namespace() {
  local line='' begin status=0 pipe seconds=$1
  shift
  pipe=$(mktemp -u "$scratch/pipe.XXXXXX")
  mkfifo "$pipe"
  unshare --pid --fork --mount-proc --kill-child "$@" >"$pipe" &
  local unshare=$!
  exec 3<"$pipe"
  while read -r line <&3 && [ "$line" != ready ]; do echo "  $line"; done
  if [ "$line" != ready ]; then
    wait $unshare || status=$?
    echo "tests/demo.sh: NOT SHOWN: the command was not ready, and its namespace ended with status $status" >&2
    exit 1
  fi
  begin=$EPOCHREALTIME
  kill -TERM "$(cat /proc/$unshare/task/$unshare/children)"
  until read -r -t "$seconds" line <&3 || status=$?; [ $status != 0 ]; do echo "  $line"; done
  [ $status -le 128 ] || kill -KILL $unshare # nothing came
  status=0
  wait $unshare 2>/dev/null || status=$?
  exec 3<&-
  printf '    SIGTERM: gone after %d ms, status %d\n' $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) $status
}

echo "the command as PID 1, without an init (killed after 2 s, because SIGTERM has no effect):"
in_namespace 2 sh -c "$command"
echo "the same command under sexton as PID 1:"
in_namespace 20 "$sexton" -v -- sh -c "$command"
