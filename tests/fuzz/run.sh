#!/usr/bin/env bash
# Fuzzes the parsers with libFuzzer, each for so many seconds (60): run.sh [SECONDS [TARGET...]]. On demand:
# tests/it/parsers.rs tries the same invariants in every run of the tests. Installs what it needs. What is found
# is left in the target folder, below fuzz/found, and so is the corpus, which later runs begin with.
set -euo pipefail
cd "$(dirname "$0")/../.."
trap 'echo "tests/fuzz/run.sh: NOT PASSED (line $LINENO)" >&2' ERR

. tests/setup.sh
need_rust
need c++:g++
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz

seconds=${1:-60}
shift || true
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
export CARGO_TARGET_DIR=$folder
export RUSTC_BOOTSTRAP=1 # -Zsanitizer on the stable toolchain

# What the kernel writes here and now, to begin with.
begin_with() { # TARGET FILE...
    mkdir -p "$folder/corpus/$1" "$folder/found"
    for file in "${@:2}"; do
        cat "$file" >"$folder/corpus/$1/$(basename "$file")" 2>/dev/null || true
    done
}
begin_with stat /proc/self/stat
begin_with status /proc/self/status
begin_with limits /proc/self/limits
begin_with cgroup /proc/self/cgroup /sys/fs/cgroup/{,memory/,pids/}{memory.events,memory.oom_control,memory.max,pids.max,pids.events}
begin_with users /etc/passwd
begin_with forest /dev/null

targets=("$@")
[ $# -gt 0 ] || targets=(stat status limits cgroup users forest)
for target in "${targets[@]}"; do
    echo "== $target"
    cargo fuzz run --fuzz-dir tests/fuzz --target x86_64-unknown-linux-gnu "$target" "$folder/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -artifact_prefix="$folder/found/$target-" -print_final_stats=1 2>&1 |
        tee "$folder/$target.log" | grep -E '^stat::number_of_executed|panicked|assert|ERROR|Test unit|error' || true
    grep -q '^Done [0-9]* runs' "$folder/$target.log" || { tail -n 40 "$folder/$target.log" >&2; false; }
done
echo "tests/fuzz/run.sh: all passed"
