#!/usr/bin/env bash
# Kills and signals before sexton's first count of OOM kills, and after it: each case of tests/window so many times,
# with the static binary. Needs root, and a memory controller of cgroup v1 or v2. 1,000 times take nine minutes, or more
# than an hour, emulated.
#
#   tests/window.sh [COUNT [NAME...]]     each case, or those with a NAME in theirs; 1,000 times
#   tests/window.sh --qemu [COUNT [NAME]]     on cgroup v2, in a virtual machine, emulated: 20 times
#
#   IT_BIN=FILE         test this sexton instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
need_root
need_rust
if [ "${1-}" = --qemu ]; then
  shift
  exec tests/qemu/run.sh --window "${1:-20}" ${2+"$2"}
fi
case ${1-} in
'' | [0-9]*) ;;
*) exec sed -n '2,/^set/s/^# \{0,1\}//p' tests/window.sh ;;
esac
target=x86_64-unknown-linux-musl
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")/$target/release
if [ -z "${IT_BIN-}" ]; then
  cargo build --locked --release --bin sexton --target "$target"
fi
cargo build --locked --release --example window --target "$target"
SEXTON=$(realpath "${IT_BIN:-$folder/sexton}")
export SEXTON
exec "$folder/examples/window" "${1:-1000}" "${@:2}"
