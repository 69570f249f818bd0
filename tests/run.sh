#!/usr/bin/env bash
# Passes the tests: installs what is missing, then runs the unit and integration tests. Needs root.
# What is skipped or ignored is a failure. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
need_root
need_rust
need unshare:util-linux nsenter:util-linux setpriv:util-linux script:bsdutils /usr/bin/python3:python3 \
    /usr/lib/python3/dist-packages/jsonschema:python3-jsonschema \
    /usr/bin/tini:tini /usr/bin/dumb-init:dumb-init /usr/bin/catatonit:catatonit \
    dash:dash busybox:busybox-static vi:vim-tiny less:less make:make strace:strace perl:perl-base \
    mandoc:mandoc zsh:zsh fish:fish /usr/lib/python3/dist-packages/yaml:python3-yaml # for the documentation

output=$(mktemp)
trap 'rm -f "$output"' EXIT
cargo test --locked "$@" 2>&1 | tee "$output"
if grep -qE '^test result: .* [1-9][0-9]* ignored' "$output"; then
  echo "tests were ignored" >&2
  exit 1
fi
