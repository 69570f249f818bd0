#!/usr/bin/env bash
# The unit tests under Miri, which finds undefined behaviour. Arguments go to `cargo miri test`, such as --target.
# Needs a nightly toolchain with miri and rust-src. Left out: the supervisor's enumeration, which is safe code and takes
# millions of events, and what makes system calls that Miri does not have.
set -euo pipefail
cd "$(dirname "$0")/.."
export MIRIFLAGS=-Zmiri-disable-isolation
cargo +"${TOOLCHAIN:-nightly}" miri test --locked --lib "$@" -- --skip supervisor:: --skip sys:: --skip a_value_that_is_no_text_or_endless
