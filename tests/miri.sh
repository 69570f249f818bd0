#!/usr/bin/env bash
# The unit tests under Miri, which finds undefined behaviour. Arguments go to `cargo miri test`, such as --target.
# Needs a nightly toolchain with miri and rust-src. Left out: the supervisor's enumeration, which is safe code and takes
# millions of events, megabytes of text and thousands of command lines, and what makes calls that Miri does not have.
set -euo pipefail
cd "$(dirname "$0")/.."
export MIRIFLAGS=-Zmiri-disable-isolation
skip=(supervisor:: a_value_that_is_no_text_or_endless every_flag_refuses_what a_long_line_and_a_broad_one)
skip+=(all_limits_of_this_process sys::clock sys::files sys::credentials sys::directory kernel::processes)
skip+=(nothing_is_done_elsewhere a_line_that_is_cut_is_still_utf8)
cargo +nightly miri test --locked --lib "$@" -- "${skip[@]/#/--skip=}"
