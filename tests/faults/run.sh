#!/usr/bin/env bash
# Makes system calls of the static binary fail: each with EPERM; with --full each with all its errors, and writes
# docs/faults.md; with --full NAME those of one run of tests/faults/scenarios.rs. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup.sh
need_root
need_rust
target=x86_64-unknown-linux-musl
rustup target add $target
cargo build --locked --release --target $target
IT_BIN=${CARGO_TARGET_DIR:-$PWD/target}/$target/release/sexton
export IT_BIN
cargo test --locked --test faults -- "$@"
