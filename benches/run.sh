#!/usr/bin/env bash
# Measures sexton beside other inits and writes docs/benchmarks.md and docs/benchmarks.svg. Installs and builds
# what it needs. Needs root and an x86_64.
#
#   benches/run.sh            all of it; on a machine with nothing else to do
#   benches/run.sh --starts [--twice] [BUILD...]
#                             the start alone and its targets, as tables on standard output; BUILD is another
#                             sexton's file, which is measured beside this one. Status 1 if a target is missed,
#                             --twice: in any of two runs. Both builds of sexton are 3 to 4 % faster beside each
#                             other than one alone, so the targets are those of runs without BUILD
#   benches/run.sh --quick    a little of everything, with Debian's peers only, into a temporary folder:
#                             shows that every figure can be measured, and says nothing about times
#   benches/run.sh --help     shows this
#
# Waits until the load is low. Status 2 and no figures if it stays high, or if others use the CPUs during the run.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
"" | --starts | --quick) ;;
--help | -h) exec sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' benches/run.sh ;;
*)
  echo "benches/run.sh: unknown argument $1: --starts, --quick or --help, or none for all of it" >&2
  exit 2
  ;;
esac
# Now, because what is built and measured is load as well.
LOAD_BEFORE=$(cut -d ' ' -f 1 /proc/loadavg)
export LOAD_BEFORE
. tests/setup.sh
. benches/peers.sh
need_root
need_rust
target=${CARGO_TARGET_DIR:-target}
folder=$target/bench
quick=()
pages=docs
if [ "${1:-}" = --quick ]; then
  quick=(--quick)
  pages=$(mktemp -d)
  folder=$target/bench-quick
  trap 'rm -r "$pages"' EXIT
fi

mkdir -p "$folder"
folder=$(realpath "$folder")
gather_peers "$folder"
if [ -z "${quick[*]}" ]; then
  gather_sources "$folder"
  gather_pid1 "$folder"
  [ "${1:-}" = --starts ] || gather_tino "$folder"
fi
for program in floor workload; do
  cc -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables -Os -s \
    -Wall -Wextra -Werror -Wl,-z,noseparate-code,-z,norelro,-z,noexecstack,--build-id=none \
    -o "$folder/$program" "benches/$program.c"
done
echo "raw system calls: forks, executes, forwards, waits" >"$folder/floor.txt"
cargo build --quiet --locked --release --bin sexton --target $musl
install -m 755 "$target/$musl/release/sexton" "$folder/sexton"
compiler=$(rustc --version | cut -d ' ' -f 1,2)
echo "the released binary, $("$folder/sexton" --version), static musl, $compiler" >"$folder/sexton.txt"

if [ "${1:-}" = --starts ]; then
  shift
  others=() flags=(--starts)
  if [ "${1:-}" = --twice ]; then
    flags+=("$1")
    shift
  fi
  for build; do
    install -m 755 "$build" "$folder/${build##*/}"
    others+=("${build##*/}")
  done
  exec cargo bench --quiet --locked --profile dev --bench inits -- "${flags[@]}" "$folder" "${others[@]}"
fi
if [ -n "${quick[*]}" ]; then
  cargo bench --quiet --locked --profile dev --bench inits -- --quick --starts --twice "$folder"
fi
# Not in the release profile: it only calls the kernel, and the tests have built all that it needs.
cargo bench --quiet --locked --profile dev --bench inits -- \
  "${quick[@]}" "$folder" "$pages/benchmarks.md" "$pages/benchmarks.svg"
benches/size.sh --update "$pages/benchmarks.md"
if [ -n "${quick[*]}" ]; then
  sed -n '/^## Figures/,/^## Where/{/^## Where/!p}' "$pages/benchmarks.md"
fi
