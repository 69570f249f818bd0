//! sexton's first moments with the command: from the command's first instruction to sexton's first count of OOM kills,
//! and to the release of what sexton was started with. Each case is a real sexton with a real command in a real group.
//!
//! `window COUNT [NAME...]` runs each case, or those with a NAME in theirs, so many times, and shows a line for each.
//! `SEXTON` is the binary. It works on cgroup v1 and v2, and is static for `tests/qemu`. `tests/window.sh` builds and
//! runs it.
//!
//! Most cases hold sexton up without a time: a seccomp filter asks this program about two system calls. The first,
//! sched_yield(2), is between the start of the command and the count, and the second, close_range(2), between the count
//! and the release. While sexton waits for the answer, the case happens to the end. The other cases are races that take
//! their course, with the command on sexton's CPU in every other round, and with groups of several sizes.
//!
//! What has to be said of them (`tests/window/cases.rs` has the table):
//!
//! - An OOM kill after the count is reported, and so is one of the command before the count.
//! - A SIGKILL of somebody else is not reported as an OOM kill.
//! - Of what cannot be known, nothing is said.
//! - A signal is forwarded once, and the status is the command's.
//! - Descriptors, directory and capabilities are released soon.

#![allow(missing_docs, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it shows what has passed")]

mod cases;
mod command;
mod group;
mod world;

use cases::{CASES, Case};
use group::Version;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "command") {
        command::run(arguments.get(1).map_or("", String::as_str));
    }
    let count: u32 = arguments.first().and_then(|word| word.parse().ok()).expect("window COUNT");
    let names = arguments.get(1..).unwrap_or_default();
    let chosen = |case: &&Case| {
        names.is_empty() || names.iter().any(|name| case.name.contains(name.as_str()))
    };
    let version = Version::of_this_machine();
    println!("{version:?}, {count} times each");
    let (mut passed, mut failed) = (0, 0);
    for case in CASES.iter().copied().flatten().filter(chosen) {
        if case.whole && version == Version::V1 {
            println!("{}: v1 has no memory.oom.group", case.name);
            continue;
        }
        let result = rounds(case, count);
        passed += count - result;
        failed += result;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many have failed.
fn rounds(case: &Case, count: u32) -> u32 {
    /// Of so many failures the reason is shown.
    const SHOWN: u32 = 3;
    let begin = Instant::now();
    let mut seen = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    let (mut failed, mut lost) = (0, 0);
    for round in 0..count {
        let result = loop {
            match world::run(case, round) {
                Ok(outcome) if outcome.is_lost && lost > count + 100 => {
                    break Err("the kernel kills another process, too, again and again".to_owned());
                }
                Ok(outcome) if outcome.is_lost => lost += 1,
                result => break result,
            }
        };
        match result {
            Ok(outcome) => {
                *seen.entry(outcome.kills).or_insert(0) += 1;
                slowest = slowest.max(outcome.slowest);
            }
            Err(why) => {
                failed += 1;
                if failed <= SHOWN {
                    println!("FAILED {} in round {round}: {why}", case.name);
                }
            }
        }
    }
    print!("{}: {} passed, {failed} failed", case.name, count - failed);
    if case.counts.len() > 1 {
        for (kills, times) in seen {
            print!(", {times} times {kills} OOM kills seen");
        }
    }
    if lost > 0 {
        print!(", {lost} times repeated: the kernel killed another process, too");
    }
    if slowest > Duration::ZERO {
        print!(", after {} us at most", slowest.as_micros());
    }
    println!(" ({:.1} s)", begin.elapsed().as_secs_f64());
    failed
}
