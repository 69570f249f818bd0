#!/usr/bin/env bash
# Checks that a binary is static: no interpreter, no shared library.
set -euo pipefail
binary=${1:?usage: tests/static.sh BINARY}
headers=$(readelf --wide --program-headers --dynamic "$binary")
if grep -E 'INTERP|NEEDED' <<<"$headers"; then
  echo "$binary is not static" >&2
  exit 1
fi
echo "$binary: static, $(stat -c %s "$binary") bytes"
