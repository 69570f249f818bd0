#!/usr/bin/env bash
# What the host cannot show, on demand, in a small virtual machine: what cgroup v2 counts (OOM kills, --status), and limits that
# are raised with CAP_SYS_RESOURCE. Installs what it needs, unpacks Debian's cloud kernel into the target folder,
# and boots it with an initramfs of the static sexton, busybox and guest.sh. Emulated, so that it works without
# /dev/kvm. About 15 s, besides what is installed. Needs root, for apt.
#
#   IT_BIN=FILE    test this init instead of the one that is built here
set -euo pipefail
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

# The kernel's package is only unpacked: the host boots what it did before.
kernel=$folder/qemu/vmlinuz
unpack_kernel() (
    rm -rf "$folder/qemu/deb" && mkdir -p "$folder/qemu/deb" && cd "$folder/qemu/deb" &&
        package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }') &&
        apt-get -qq -o APT::Sandbox::User=root download "${package:?}" && dpkg-deb -x ./*.deb . && mv boot/vmlinuz-* ../vmlinuz
)
if [ ! -e "$kernel" ]; then
    unpack_kernel 2>/dev/null || { apt-get update -qq && unpack_kernel; } # the lists may be old, or not there
    rm -r "$folder/qemu/deb"
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/sexton-qemu.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/root/{bin,dev,proc,sys,tmp}
cp -L "$(command -v busybox)" "$scratch/root/bin/busybox"
cp -L "$IT_BIN" "$scratch/root/bin/sexton"
install -m 755 tests/qemu/guest.sh "$scratch/root/init"
(cd "$scratch/root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$scratch/initramfs"

begin=$EPOCHREALTIME
timeout 600 qemu-system-x86_64 -accel tcg,thread=single -cpu max,-cx16 -smp 1 -m 256M \
    -nodefaults -no-user-config -display none -serial stdio -no-reboot \
    -kernel "$kernel" -initrd "$scratch/initramfs" \
    -append "console=ttyS0 loglevel=0 panic=-1" </dev/null | tr -d '\r' | tee "$scratch/console"
printf 'the guest ran for %d ms\n' $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))

# Each one is there and none failed; the guest came to its end.
passed=$(grep -c '^ok ' "$scratch/console")
expected=$(( $(grep -c '^    check ' tests/qemu/guest.sh) * 3 + $(grep -c '^check ' tests/qemu/guest.sh) ))
if grep -q '^FAILED' "$scratch/console" || ! grep -qx 'done' "$scratch/console" || [ "$passed" != "$expected" ]; then
    echo "tests/qemu/run.sh: FAILED: $passed of $expected passed" >&2
    exit 1
fi
echo "tests/qemu/run.sh: all $passed passed"
