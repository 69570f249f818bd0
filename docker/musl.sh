#!/usr/bin/env bash
# Builds musl of Debian's source package by Debian's cross compiler, for architectures that the Rust toolchain brings no
# standard library for: what a static program is linked with.
#
#   musl.sh ARCHITECTURE FOLDER      armv7 or riscv64. A folder that is there already is left as it is
#   musl.sh version
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
version=$(apt-cache show musl-dev | sed -n 's/^Version: //p' | head -n 1)
[ "$1" != version ] || { echo "$version"; exit; }

folder=$2
case $1 in
  armv7) tools=arm-linux-gnueabihf machine=arm ;;
  riscv64) tools=riscv64-linux-gnu machine=riscv64 ;;
  *) echo "musl.sh: $1 is not known here" >&2; exit 1 ;;
esac
[ ! -e "$folder" ] || exit 0
need "$tools-gcc:gcc-$tools" make:make dpkg-source:dpkg-dev
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
debian_source musl "$version" "musl-dev=$version" "$scratch" "$scratch/musl"
cd "$scratch/musl"
{
  CC=$tools-gcc CROSS_COMPILE=$tools- ./configure --target="$machine" --disable-shared CFLAGS=-Os
  make -j "$(nproc)" lib/{libc.a,crt1.o,crti.o,crtn.o}
} >"$scratch/log" 2>&1 || { tail -n 20 "$scratch/log" >&2; exit 1; }

# The others that rustc names. The compiler's have what C++ and unwinding want, and sexton does neither
# (src/sys/unwind.rs).
echo | "$tools-gcc" -x c -c -o lib/crtbegin.o -
cp lib/crtbegin.o lib/crtend.o
ar rcs lib/libunwind.a
mkdir -p "$(dirname "$folder")"
rm -f lib/lib{m,rt,pthread,crypt,util,xnet,resolv,dl}.a
cp -r lib "$folder.new" && mv "$folder.new" "$folder" # the last step: what is there is whole
