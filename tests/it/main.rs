//! The tests against the real thing: the binary, in real PID namespaces, on real terminals.

#![allow(missing_docs, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, reason = "figures that a test measures")]

mod book;
mod classics;
mod command_line;
mod confine;
mod contention;
mod control_group;
mod demo;
mod drain;
mod dies_alike;
mod drop_in;
mod dry_run;
mod entry_point;
mod exec;
mod exit_report;
mod failing_steps;
mod filter;
mod foreign;
mod hanging_exec;
mod harness;
mod helpless;
mod hostile;
#[cfg(target_arch = "x86_64")] // whose registers it reads
mod instructions;
mod layers;
mod library;
mod limits;
mod logging;
mod named_streams;
mod not_started;
mod old_kernels;
mod oom;
mod pages;
mod parsers;
mod privileges;
mod quiet;
mod reaping;
mod report;
#[cfg(target_arch = "x86_64")] // its the command makes raw calls, as those of the benchmarks do
mod seccomp;
mod shutdown;
mod signals;
mod slow_stop;
mod start;
mod status;
mod stop;
mod storms;
mod streams;
mod attributes;
mod syslog;
mod systemd;
mod terminal;
mod transparency;
mod tree;
mod users;
mod without_root;
mod worlds;

#[path = "../fuzz/invariants/mod.rs"]
mod invariants;
#[path = "../../src/random.rs"]
mod random;
