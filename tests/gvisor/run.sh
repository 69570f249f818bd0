#!/usr/bin/env bash
# sexton in gVisor, by runsc on OCI bundles: a smoke test by the runsc of Debian 12 (ptrace), in which sexton is PID 1
# of a sandbox; then the integration tests by the runsc of Debian trixie (systrap). For those the test program itself
# runs in the sandbox, with the static sexton, and makes its namespaces there, which the older one cannot do; it sees
# this machine's files, and writes to memory only. Left out are the tests of tests/gvisor/left-out, which has the reason
# of each. Installs what it needs; needs root.
#
#   tests/gvisor/run.sh               all that can run in gVisor: some ten minutes
#   tests/gvisor/run.sh --smoke       the smoke test alone: start, stop, grace, 100 orphans; some seconds
#   tests/gvisor/run.sh FILTER...     arguments go to the test program
#
#   RUNSC_SUITE=SUITE   another suite than trixie; its runsc is unpacked into the target folder, not installed
#   IT_BIN=FILE         test this init instead of the one that is built here
set -euo pipefail
cd "$(dirname "$0")/../.."
trap 'echo "tests/gvisor/run.sh: NOT PASSED (line $LINENO)" >&2' ERR
. tests/setup.sh
need_root
need_rust
need jq:jq busybox:busybox-static
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")
target=x86_64-unknown-linux-musl
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sexton-gvisor.XXXXXX")
chmod 755 "$scratch"

# Only what was started here is ended: the containers of this state folder.
tidy() {
  local name
  for name in $(ls "$scratch/state" 2>/dev/null | sed -n 's/^\(.*\)_sandbox.*state$/\1/p' | sort -u); do
    runsc ptrace delete --force "$name" 2>/dev/null || :
  done
  rm -rf "$scratch"
}
trap tidy EXIT

need runsc:runsc
RUNSC=$(command -v runsc)
# runsc PLATFORM WORDS...
runsc() {
  "$RUNSC" --root "$scratch/state" --network=none --ignore-cgroups --platform="$1" "${@:2}"
}
"$RUNSC" --version | sed -n 1p

if [ -z "${IT_BIN-}" ]; then
  cargo build --locked --release --bin sexton --target "$target"
  IT_BIN=$folder/$target/release/sexton
fi
IT_BIN=$(realpath "$IT_BIN")

# bundle ROOT DIRECTORY COMMAND... : $scratch/bundle, which runs the command with all capabilities that gVisor knows.
bundle() {
  mkdir -p "$scratch/bundle"
  jq -n --arg root "$1" --arg cwd "$2" --arg init "$IT_BIN" '
    ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
     "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
     "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
     "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"] as $names
    | ($names | map("CAP_" + .)) as $all
    | {ociVersion: "1.0.2", hostname: "gvisor", root: {path: $root},
       process: {args: $ARGS.positional, cwd: $cwd, user: {uid: 0, gid: 0},
         env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "CI=1", "IT_BIN=" + $init],
         capabilities: {bounding: $all, effective: $all, permitted: $all, inheritable: $all}},
       mounts: [{destination: "/proc", type: "proc"}, {destination: "/sys", type: "sysfs"},
         {destination: "/dev", type: "tmpfs"}, {destination: "/dev/shm", type: "tmpfs"}],
       linux: {namespaces: [{type: "pid"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}, {type: "network"}]}}
    ' --args -- "${@:3}" >"$scratch/bundle/config.json"
}

. tests/gvisor/smoke.sh
smoke
[ "${1-}" != --smoke ] || exit 0

suite=${RUNSC_SUITE:-trixie}
RUNSC=$folder/gvisor/$suite/usr/bin/runsc
if [ ! -x "$RUNSC" ]; then
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
    grep -v security | head -1)
  debian_lists deb "$archive" "$suite" "$scratch"
  mkdir -p "$folder/gvisor"
  (
    cd "$scratch"
    apt-get "${apt[@]}" download "runsc/$suite"
    dpkg-deb -x runsc_*.deb "$folder/gvisor/$suite"
  )
fi
"$RUNSC" --version | sed -n 1p

cargo build --locked --examples
program=$(cargo test --locked --test it --no-run --message-format json |
  jq -r 'select(.reason == "compiler-artifact" and .target.name == "it").executable | strings' | tail -1)

# A test that is left out and is no more, or has another name, would stay in the list for ever.
"$program" --list | sed -n 's/: test$//p' | sort >"$scratch/all"
left_out=()
while read -r name; do
  case $name in
  *::) found=$(grep "^$name" "$scratch/all") || found= ;;
  *) found=$(grep -x "$name" "$scratch/all") || found= ;;
  esac
  [ "$found" ] || { echo "tests/gvisor/left-out has $name, which is not there" >&2; exit 1; }
  for name in $found; do left_out+=(--skip "$name"); done
done < <(grep '^[a-z]' tests/gvisor/left-out)
[ $# -gt 0 ] || set -- --exact "${left_out[@]}"
bundle / "$PWD" "$program" --test-threads=4 "$@"
# Its input is not /dev/null, which runsc would give to nobody.
runsc systrap --overlay2=root:memory run -bundle "$scratch/bundle" all <<<''
