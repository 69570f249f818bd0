#!/usr/bin/env bash
# Checks that a binary is static: no interpreter, no shared library.
#
#   tests/static.sh BINARY
#   tests/static.sh --released BINARY    and that src/sys/release.ld has its way on x86_64 and aarch64: the file has no
#                                        data that is written to
set -euo pipefail
released=
if [ "${1-}" = --released ]; then
  released=yes
  shift
fi
binary=${1:?usage: tests/static.sh [--released] BINARY}
headers=$(readelf --wide --program-headers --dynamic "$binary")
if grep -E 'INTERP|NEEDED' <<<"$headers"; then
  echo "$binary is not static" >&2
  exit 1
fi
writable='$1 == "LOAD" && / RW / && $5 !~ /^0x0+$/ { found = 1 } END { exit !found }'
if [ "$released" ] && awk "$writable" <<<"$headers"; then
  echo "$binary has data that is written to: a static that is not all zeros, which src/sys/release.ld does not know" >&2
  exit 1
fi
echo "$binary: static, $(stat -c %s "$binary") bytes"
