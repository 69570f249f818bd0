#!/usr/bin/env bash
# Whether sexton compiles with the oldest Rust that Cargo.toml names (rust-version), binary and library.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
need_rust
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
grep -q "Rust $version " docs/library.md || { echo "docs/library.md names another Rust than $version" >&2; exit 1; }
rustup toolchain list | grep -q "^$version-" ||
  rustup -q toolchain install "$version" --profile minimal --no-self-update >/dev/null
RUSTFLAGS="-D warnings" cargo "+$version" check --locked --target-dir "${CARGO_TARGET_DIR:-target}/msrv"
