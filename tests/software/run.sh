#!/usr/bin/env bash
# Measures how programs stop, as PID 1, under sexton, under tini and with the recipes of docs/software.md: installs them
# without starting them, runs every case of each (driver.py), and writes results.json and docs/software.md.
#
#   run.sh nginx redis    only these, by their names in programs/*.toml; without names all of them, which takes an hour
#   run.sh --missing      those whose rows are missing or not whole
#   IT_BIN=FILE           measure this init instead of the one that is built here
#   SOFTWARE_CACHE=DIR    where packages of PyPI and npm are installed (~/.cache/sexton/software); not below /tmp, which
#                         some programs have of their own
#
# All of them together are more than 3 GB of packages, so it is no part of .ci/run. Root; Debian 12.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/setup.sh
need_root
need_rust
need tini:tini unshare:util-linux ip:iproute2 setpriv:util-linux curl:curl /usr/bin/python3:python3 \
  /usr/lib/python3/dist-packages/pip:python3-pip /usr/lib/python3.11/ensurepip:python3-venv npm:npm
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1
export SOFTWARE_CACHE=${SOFTWARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sexton/software}
mkdir -p "$SOFTWARE_CACHE"/{npm,once,run,unpacked}
if [ -z "${IT_BIN-}" ]; then
  target=x86_64-unknown-linux-musl
  cargo build --locked --release --bin sexton --target $target
  IT_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/$target/release/sexton")
fi
export IT_BIN

# A package that is installed starts its service, unless this file forbids it.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi

mapfile -t names < <(printf '%s\n' "$@" | grep -v '^-' || true)
packages() { "$python" tests/software/driver.py --packages "$1" "${names[@]}"; }

mapfile -t wanted < <(packages apt | while read -r name; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q ^ii || echo "$name"
done)
if [ ${#wanted[@]} -gt 0 ]; then
  echo "run.sh: installing ${wanted[*]}" >&2
  apt-get update -qq
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get install -y -qq --no-install-recommends --no-remove "${wanted[@]}" >&2
fi
for name in $(packages unpack); do # those that would replace what is installed
  if [ ! -d "$SOFTWARE_CACHE/unpacked/$name" ]; then
    (cd "$SOFTWARE_CACHE/unpacked" && apt-get download -qq "$name" && dpkg-deb -x "$name"_*.deb "$name")
  fi
done
mapfile -t wanted < <(packages pip)
if [ ${#wanted[@]} -gt 0 ]; then
  [ -d "$SOFTWARE_CACHE/venv" ] || "$python" -m venv "$SOFTWARE_CACHE/venv"
  "$SOFTWARE_CACHE/venv/bin/pip" install -q "${wanted[@]}"
fi
mapfile -t wanted < <(packages npm)
if [ ${#wanted[@]} -gt 0 ]; then
  allowed='"bun": true, "deno": true, "esbuild": true' # their own scripts, which newer versions of npm do not run
  [ -e "$SOFTWARE_CACHE/npm/package.json" ] || echo "{\"allowScripts\": {$allowed}}" >"$SOFTWARE_CACHE/npm/package.json"
  npm install --silent --no-audit --no-fund --prefix "$SOFTWARE_CACHE/npm" "${wanted[@]}"
fi

"$python" tests/software/driver.py "$@"
"$python" tests/software/page.py
