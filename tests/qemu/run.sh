#!/usr/bin/env bash
# What the host cannot show, on demand, in small virtual machines: what cgroup v2 counts (OOM kills, --status), limits
# that are raised with CAP_SYS_RESOURCE, and sexton as PID 1 of the initial namespace, beside the kernel's threads.
# Installs what it needs, unpacks Debian's cloud kernel into the target folder, and boots it with an initramfs of the
# static sexton, busybox and scripts. Emulated, so that it works without /dev/kvm. About 40 s, besides what is
# installed. Needs root, for apt.
#
#   tests/qemu/run.sh [--kernel SUITE]         with the kernel of this suite of Debian (trixie, sid) instead of the
#                                              machine's own
#   tests/qemu/run.sh --window COUNT [NAME]    only tests/window, each case, or those with NAME in theirs, so many times
#
#   IT_BIN=FILE         test this init instead of the one that is built here
#   QEMU_SUITE=SUITE    as --kernel
set -euo pipefail
here=$(realpath "$0")
cd "$(dirname "$0")/../.."
trap 'echo "tests/qemu/run.sh: NOT PASSED (line $LINENO)" >&2' ERR

. tests/setup.sh
need_root
need_rust
need qemu-system-x86_64:qemu-system-x86 busybox:busybox-static
target=x86_64-unknown-linux-musl
folder=$(realpath "${CARGO_TARGET_DIR:-target}")
if [ -z "${IT_BIN-}" ]; then
    cargo build --locked --release --bin sexton --target "$target"
    IT_BIN=$folder/$target/release/sexton
fi
cargo build --locked --release --example window --target "$target"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sexton-qemu.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# There is no loader in the guest.
for program in "$(command -v busybox)" "$IT_BIN"; do
    case $(LC_ALL=C ldd "$program" 2>&1) in
    *'not a dynamic executable'* | *'statically linked'*) ;;
    *)
        echo "tests/qemu/run.sh: $program is linked to libraries, which the guest does not have" \
            "(busybox: install busybox-static)" >&2
        exit 1
        ;;
    esac
done

# The kernel's package is only unpacked: the host boots what it did before.
suite=${QEMU_SUITE-} window=
case $#:${1-} in
0:) ;;
2:--kernel) suite=$2 ;;
2:--window | 3:--window) window=$2 name=${3-} ;;
*) exec sed -n '2,/^set/s/^# \{0,1\}//p' "$here" ;;
esac
kernel=$folder/qemu/vmlinuz${suite:+-$suite}
depends() {
    apt-cache "${apt[@]}" depends "$1" |
        awk -v name="$2" '$1 == "Depends:" && index($2, name) == 1 { print $2; exit }'
}
unpack_kernel() (
    set -e
    if [ -n "$suite" ]; then
        archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
            grep -v security | head -1)
        debian_lists deb "$archive" "$suite" "$scratch"
    else
        apt=(-qq -o APT::Sandbox::User=root)
    fi
    package=$(depends linux-image-cloud-amd64 linux-image-)
    binary=$(depends "${package:?}" linux-binary-) # from forky on, the image is in another package
    mkdir -p "$folder/qemu" "$scratch/deb" && cd "$scratch/deb"
    apt-get "${apt[@]}" download "${binary:-$package}"
    dpkg-deb -x ./*.deb .
    image=$(find . -name 'vmlinuz*' -type f | head -1)
    mv "${image:?the package has no vmlinuz}" "$kernel"
)
if [ ! -e "$kernel" ]; then
    unpack_kernel 2>/dev/null || { apt-get update -qq && unpack_kernel; } # the lists may be old, or not there
fi

mkdir -p "$scratch"/root/{bin,dev,proc,sys,tmp}
cp -L "$(command -v busybox)" "$scratch/root/bin/busybox"
cp -L "$IT_BIN" "$scratch/root/bin/sexton"
cp "$folder/$target/release/examples/window" "$scratch/root/bin/window"
install -m 755 tests/qemu/guest.sh "$scratch/root/init"
install -m 755 tests/qemu/command.sh "$scratch/root/command"
(cd "$scratch/root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$scratch/initramfs"

# boot PARAMETERS [SECONDS] : what the guest writes to its console, until it ends, or for so long at most.
boot() {
    timeout "${2-600}" qemu-system-x86_64 -accel tcg,thread=single -cpu max,-cx16 -smp 1 -m 256M \
        -nodefaults -no-user-config -display none -serial stdio -no-reboot \
        -kernel "$kernel" -initrd "$scratch/initramfs" \
        -append "console=ttyS0 panic=-1 $1" </dev/null | tr -d '\r' >"$scratch/console"
    grep -vE '^\[ *[0-9.]+\] +' "$scratch/console" # without what the kernel says
}

if [ -n "$window" ]; then
    boot "loglevel=0 window=$window window_name=\"${name// /_}\"" 7200
    grep -q '^window: 0$' "$scratch/console"
    exit
fi

begin=$EPOCHREALTIME
passed=0 expected=0 failed=
boot loglevel=0
# Each one is there and none failed; the guest came to its end.
passed=$(grep -c '^ok ' "$scratch/console") || true
lines() { grep -c "^$1" tests/qemu/guest.sh; }
expected=$(($(lines '    check "$way') * 3 + $(lines '    check "$protected') * 2 + $(lines 'check ')))
if grep -q '^FAILED' "$scratch/console" || ! grep -qx 'done' "$scratch/console"; then failed=yes; fi

# init SCENARIO OPTIONS : boots with sexton as init, which runs command.sh with this scenario. The kernel drops a second
# `--` and all behind it. What sexton exits with is in the kernel's last words.
init() { boot "loglevel=1 rdinit=/bin/sexton -- -v $2 /bin/busybox sh /command $1"; }
# console NAME PATTERN : the console has it.    console_lacks NAME PATTERN
console() { verdict "$1" "$(grep -qE -e "$2" "$scratch/console" && echo yes)"; }
console_lacks() { verdict "$1" "$(grep -qE -e "$2" "$scratch/console" || echo yes)"; }
verdict() {
    expected=$((expected + 1))
    if [ -n "$2" ]; then echo "ok $1"; passed=$((passed + 1)); else echo "FAILED $1"; failed=yes; fi
}
ends_with_7='Attempted to kill init! exitcode=0x00000700'

init obeys --linger=5m
console "PID 1 of a machine without /proc: ends with its processes" "$ends_with_7"
console "PID 1 of a machine without /proc: what is left is asked to end" 'sent SIGTERM to the tree'
console_lacks "PID 1 of a machine without /proc: nobody is killed" 'SIGKILL|killed'

# The kernel makes variables of what has a `=` and is none of its own: flags that need no second `--`.
boot "loglevel=1 SEXTON_LOG_LEVEL=info SEXTON_LINGER=5m rdinit=/bin/sexton -- /bin/busybox sh /command obeys"
console "PID 1 of a machine, variables on the kernel's command line: ends with its processes" "$ends_with_7"
console "PID 1 of a machine, variables on the kernel's command line: they count" 'sent SIGTERM to the tree'
console_lacks "PID 1 of a machine, variables on the kernel's command line: nobody is killed" 'SIGKILL|killed'

init obeys --wait-all
console "PID 1 of a machine without /proc, --wait-all: ends with its processes" "$ends_with_7"
console "PID 1 of a machine without /proc, --wait-all: not before" '42 the daemon ends'

init ends --wait-all
console "PID 1 of a machine, --wait-all: ends with its processes" "$ends_with_7"
console "PID 1 of a machine, --wait-all: not before" '42 the daemon ends'
console "PID 1 of a machine: --status shows processes" '"pid":1,.*"command":"/bin/sexton -v --wait-all'
console "PID 1 of a machine: the kernel has threads" '^2 \(kthreadd\)'
console_lacks "PID 1 of a machine: --status does not show the kernel's threads" '"name":"kthreadd"'
console "PID 1 of a machine: --status --check is content" '^healthy: 0'

init ignores --linger=500ms
console "PID 1 of a machine, killed processes: ends with them" "$ends_with_7"
console "PID 1 of a machine, killed processes: warning" 'remaining processes did not end'
console "PID 1 of a machine, killed processes: the kernel's threads are none" '; 2 processes killed;'
console_lacks "PID 1 of a machine, killed processes: no process is left" 'processes? remain|pid .* remains'

printf 'the guests ran for %d ms\n' $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
if [ -n "$failed" ] || [ "$passed" != "$expected" ]; then
    echo "tests/qemu/run.sh: FAILED: $passed of $expected passed" >&2
    exit 1
fi
echo "tests/qemu/run.sh: all $passed passed"
