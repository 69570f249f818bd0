#!/usr/bin/env bash
# Shows the main job, for real: builds the static binary and runs it as PID 1 of a PID namespace, on a
# command that leaves zombies behind and is then stopped. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
need_root
need_rust
need unshare:util-linux readelf:binutils
target=x86_64-unknown-linux-musl
cargo build --release --locked --bin sexton --target "$target"
sexton=target/$target/release/sexton
bash tests/static.sh "$sexton"

# Main is a `sleep` that waits for nobody, as many programs do. A helper that it left behind makes five
# orphans, which end at once (`cat` sees the end of its input when the last is gone), and counts.
main='( (until grep -q sleep /proc/$$/comm; do :; done
        for i in 1 2 3 4 5; do (sh -c : &); done | cat
        sleep 0.1; echo zombies: $(grep -l "^State:.Z" /proc/[0-9]*/status | wc -l); echo ready) & )
      exec sleep 1000'

# in_namespace PROGRAM... : runs it as PID 1, waits until main says ready, sends SIGTERM to PID 1.
in_namespace() {
  local pipe
  pipe=$(mktemp -u)
  mkfifo "$pipe"
  unshare --pid --fork --mount-proc --kill-child "$@" >"$pipe" &
  local unshare=$!
  while read -r line; do
    [ "$line" = ready ] || { echo "  $line"; continue; }
    kill -TERM "$(cat /proc/$unshare/task/$unshare/children)"
    break
  done <"$pipe"
  rm "$pipe"
  local begin=$EPOCHREALTIME status=0
  timeout 2 tail --pid=$unshare -f /dev/null || kill -KILL $unshare
  wait $unshare || status=$?
  printf '    SIGTERM: gone after %d ms, status %d\n' \
    $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) $status
}

echo "main as PID 1, without an init (killed after 2 s, as SIGTERM has no effect):"
in_namespace sh -c "$main" 2>/dev/null
echo "the same main under sexton as PID 1:"
in_namespace "$sexton" -v -- sh -c "$main"
