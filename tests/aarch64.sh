#!/usr/bin/env bash
# The integration tests with sexton for aarch64, emulated by qemu-user; main and all around it are the machine's own.
# Left out are those of tests/aarch64.left-out, which has the reason of each. Needs root, and binfmt_misc: the kernel
# runs aarch64 programs by the emulator meanwhile, on the whole machine.
#
#   tests/aarch64.sh [FILTER...]      arguments go to the test program
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
. docker/build.sh
need_root
need_rust
need qemu-aarch64-static:qemu-user-static

build aarch64
scratch=$(mktemp -d)
registry=$scratch/binfmt name=sexton-test-$$
mkdir "$registry"
chmod 755 "$scratch" # tests run it as other users
mount -t binfmt_misc none "$registry"
tidy() {
  [ ! -e "$registry/$name" ] || echo -1 >"$registry/$name"
  umount "$registry"
  rm -rf "$scratch"
}
trap tidy EXIT
# P: the program keeps the name that it is called by. F: the emulator is found in any mount namespace.
printf ':%s:M::%s:%s:%s:PF' "$name" \
  '\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00' \
  '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' \
  "$(command -v qemu-aarch64-static)" >"$registry/register"
cp "$binary" "$scratch/sexton"
IT_BIN=$scratch/sexton
export IT_BIN
"$IT_BIN" --version

left_out=()
while read -r test; do
  left_out+=(--skip "$test")
done < <(grep '^[a-z]' tests/aarch64.left-out)
cargo build --locked --example probe
# A test that is left out and is no more, or has another name, would stay in the list for ever.
cargo test --locked --test it -- --list | sed -n 's/: test$//p' | sort >"$scratch/all"
grep '^[a-z]' tests/aarch64.left-out | sort | comm -23 - "$scratch/all" | { ! grep .; } ||
  { echo "tests/aarch64.left-out has tests that are not there" >&2; exit 1; }
[ $# -gt 0 ] || set -- --exact "${left_out[@]}"
bash tests/run.sh --test it -- "$@" # which installs what they need
