#!/usr/bin/env bash
# Checks that a binary is static: no interpreter, no shared library; and that it has no data in the file that is written
# to, which src/sys/release.ld is for.
set -euo pipefail
binary=${1:?usage: tests/static.sh BINARY}
headers=$(readelf --wide --program-headers --dynamic "$binary")
if grep -E 'INTERP|NEEDED' <<<"$headers"; then
  echo "$binary is not static" >&2
  exit 1
fi
if awk '$1 == "LOAD" && / RW / && $5 != "0x000000" { found = 1 } END { exit !found }' <<<"$headers"; then
  echo "$binary has data that is written to: a static that is not all zeros, which src/sys/release.ld does not know" >&2
  exit 1
fi
echo "$binary: static, $(stat -c %s "$binary") bytes"
