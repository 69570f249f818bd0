#!/usr/bin/env bash
# Fuzzes what sexton reads and writes with libFuzzer. On demand: tests/it/parsers.rs tries the same in every run of
# the tests. Installs what it needs.
#
#   run.sh [SECONDS [TARGET...]]  each target for so many seconds (60), beginning with tests/fuzz/corpus
#   run.sh keep [TARGET...]       keeps in tests/fuzz/corpus what the runs have found to matter, made small
#
# What breaks an invariant is left in the target folder, below fuzz/found; later runs begin with what earlier ones
# have found, in fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
trap 'echo "tests/fuzz/run.sh: NOT PASSED (line $LINENO)" >&2' ERR

. tests/setup.sh
need_rust
need c++:g++
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz

seconds=${1:-60}
shift || true
targets=("$@")
[ $# -gt 0 ] || targets=(command_line values users log report stat status limits cgroup forest)

folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
export CARGO_TARGET_DIR=$folder
export RUSTC_BOOTSTRAP=1 # -Zsanitizer on the stable toolchain
platform=x86_64-unknown-linux-gnu
cargo fuzz build --fuzz-dir tests/fuzz --target $platform
programs=$folder/$platform/release
mkdir -p "$folder/found"

# What is kept, and what the kernel writes here and now.
begin() { # TARGET
    local files=()
    mkdir -p "$folder/corpus/$1"
    "$programs/corpus" unpack "tests/fuzz/corpus/$1" "$folder/corpus/$1"
    case $1 in
    stat | status | limits) files=(/proc/self/"$1") ;;
    cgroup)
        files=(/proc/self/cgroup /sys/fs/cgroup/{,memory/,pids/}{memory.{events,oom_control,max},pids.{max,events}})
        ;;
    esac
    for file in "${files[@]}"; do
        cat "$file" >"$folder/corpus/$1/$(basename "$file")" 2>/dev/null || true
    done
}

# To what is kept already, the fewest and shortest inputs that reach all that was reached, however often.
keep() { # TARGET
    rm -rf "$folder/kept" && mkdir "$folder/kept"
    "$programs/corpus" unpack "tests/fuzz/corpus/$1" "$folder/kept"
    "$programs/$1" -merge=1 -use_counters=0 -max_len=512 "$folder/kept" "$folder/corpus/$1" 2>"$folder/$1.log"
    "$programs/corpus" pack "$folder/kept" "tests/fuzz/corpus/$1"
    wc -lc "tests/fuzz/corpus/$1"
}

TIMEFORMAT="CPU: %U s and %S s"
for target in "${targets[@]}"; do
    echo "== $target"
    begin "$target"
    if [ "$seconds" = keep ]; then
        keep "$target"
        continue
    fi
    time "$programs/$target" "$folder/corpus/$target" -max_total_time="$seconds" -max_len=4096 \
        -artifact_prefix="$folder/found/$target-" -print_final_stats=1 >"$folder/$target.log" 2>&1 || true
    grep -E '^stat::number_of_executed|panicked|assert|ERROR|Test unit|error' "$folder/$target.log" || true
    grep -o 'cov: [0-9]*' "$folder/$target.log" | tail -n 1
    grep '^Done [0-9]* runs' "$folder/$target.log" || { tail -n 40 "$folder/$target.log" >&2; false; }
done
echo "tests/fuzz/run.sh: all passed"
