//! The start: what each init costs more than the command alone, and what it does in that time.

use crate::calls;
use crate::group::{self, Contained};
use crate::inits::{Bench, Init};
use crate::measure::Figures;
use crate::process::{Command, Memory, Pinned, now, null, pipe};
use crate::stats::{Samples, Shuffle};
use std::fs::File;
use std::io::Read;

/// What a start costs more than without an init, in us.
pub struct Overhead {
    pub p10: f64,
    pub median: f64,
    pub p90: f64,
}

/// What the start of an init costs.
pub struct Start {
    /// From the exec of the init to the command's first instruction.
    pub latency: Overhead,
    /// From the clone to the end of an init whose command ends at once.
    pub total: Overhead,
}

/// All that is known of the start, with what the released binary weighs while the command runs.
pub struct Starts {
    pub pinned: Figures<Start>,
    pub free: Figures<Start>,
    /// The total with every chore done, pinned: on control groups of version 2 and of version 1.
    pub settled: [Figures<Overhead>; 2],
    /// System calls of a run whose command ends at once, in all its processes.
    pub calls: Figures<u64>,
    pub memory: Figures<Memory>,
}

impl Starts {
    /// `memory` is measured before; `step` reports what comes next.
    pub fn measure(bench: &Bench, memory: Figures<Memory>, step: impl Fn(&str)) -> Starts {
        step("starts, pinned");
        let pinned = starts(bench, true);
        step("starts, free");
        let free = starts(bench, false);
        step("starts with every chore done");
        let settled = settled(bench);
        step("system calls");
        let calls = bench.inits.iter().map(|init| Ok(count_calls(bench, init))).collect();
        Starts { pinned, free, settled, calls, memory }
    }

    /// What the last tenth of the floor's starts took by the first tenth, in total and pinned.
    pub fn spread(&self, bench: &Bench) -> f64 {
        let floor = bench.inits.iter().position(|init| init.name == "floor").expect("the floor");
        self.pinned[floor].as_ref().map_or(f64::INFINITY, |it| it.total.p90 / it.total.p10)
    }

    /// That sexton has each figure, but those that the machine has no control groups for.
    pub fn assert_complete(&self) {
        assert!(self.calls[0].is_ok() && self.memory[0].is_ok());
        for settled in self.settled.each_ref().map(|figures| figures[0].as_ref().err()) {
            assert!(settled.is_none_or(|reason| *reason != NOT_ASLEEP), "sexton {NOT_ASLEEP}");
        }
    }
}

/// The start of each init, less the same of the command alone.
fn starts(bench: &Bench, pinned: bool) -> Figures<Start> {
    let _pinned = pinned.then(Pinned::new);
    let latencies = overheads(
        bench,
        "stamp",
        |_| Ok(()),
        |command, answers| {
            assert_eq!(command.run(), 0);
            read(answers) - command.executed()
        },
    );
    let totals = overheads(bench, "exit", |_| Ok(()), total);
    let both = latencies.into_iter().zip(totals);
    both.map(|(latency, total)| Ok(Start { latency: latency?, total: total? })).collect()
}

/// From the clone to the end of the init, in ns.
fn total(command: &mut Command, _answers: &mut File) -> u64 {
    let begin = now();
    assert_eq!(command.run(), 0);
    now() - begin
}

/// What the command has written.
fn read(answers: &mut File) -> u64 {
    let mut word = [0; 8];
    answers.read_exact(&mut word).expect("the command answers");
    u64::from_ne_bytes(word)
}

/// One figure of many starts, in which the command does `what`; `time` measures one of them, in ns. `counts` says which
/// of the inits it is measured of.
fn overheads(
    bench: &Bench,
    what: &str,
    counts: impl Fn(&Init) -> Result<(), &'static str>,
    time: impl Fn(&mut Command, &mut File) -> u64,
) -> Figures<Overhead> {
    let null = null();
    let (mut answers, answers_end) = pipe();
    let descriptors = [&null, &null, &null, &null, &answers_end];
    let present: Vec<Result<(), &str>> = bench.inits.iter().map(counts).collect();
    // The last is the command alone.
    let mut samples = vec![Vec::new(); bench.inits.len() + 1];
    let mut shuffle = Shuffle::new();
    for _ in 0..bench.copies {
        let bench = bench.copied();
        let alone = vec![bench.workload.clone(), what.into()];
        let lines = bench.inits.iter().map(|init| init.line(&bench, &init.options, &[what]));
        let mut commands: Vec<Command> =
            lines.chain([alone]).map(|line| Command::new(&line, &descriptors)).collect();
        for round in 0..bench.starts / bench.copies + 10 {
            for index in shuffle.order(commands.len()) {
                if present.get(index).is_some_and(Result::is_err) {
                    continue;
                }
                let took = time(&mut commands[index], &mut answers) as f64 / 1e3;
                if round >= 10 {
                    samples[index].push(took); // not the first few, which find cold caches
                }
            }
        }
    }
    let alone = Samples::new(samples.pop().unwrap());
    let overhead = |samples: Vec<f64>| {
        let samples = Samples::new(samples);
        let over = |share| samples.quantile(share) - alone.quantile(share);
        Overhead { p10: over(0.1), median: over(0.5), p90: over(0.9) }
    };
    let figures = present.into_iter().zip(samples);
    figures.map(|(present, samples)| present.map(|()| overhead(samples))).collect()
}

const NEVER_SLEEPS: &str = "never sleeps, so a command that waits for that does not end";
const NOT_ASLEEP: &str = "was not asleep yet at the command's end in more than a run of twenty";
const NO_MEMORY: &str = "no memory controller here";
const NOT_VERSION_1: &str = "this machine has control groups of version 2";
const NOT_SIMULATED: &str = "a container's control groups cannot be simulated here";

/// How often it is looked whether an init sleeps at the command's end.
pub const LOOKS: usize = 100;

/// The total of a command that ends only when the init sleeps, with each version of control groups.
fn settled(bench: &Bench) -> [Figures<Overhead>; 2] {
    let none = |reason| bench.inits.iter().map(|_| Err(reason)).collect();
    let _pinned = Pinned::new();
    match group::version() {
        Some(group::Version::Two) => [settled_here(bench), none(NOT_VERSION_1)],
        Some(group::Version::One) => {
            let inside = |entered: Option<Contained>| match entered {
                Some(_contained) => settled_here(bench),
                None => none(NOT_SIMULATED),
            };
            [inside(Contained::version_2()), inside(Contained::version_1())]
        }
        None => [none(NO_MEMORY), none(NO_MEMORY)],
    }
}

fn settled_here(bench: &Bench) -> Figures<Overhead> {
    let rests = |init: &Init| match init.never_sleeps {
        true => Err(NEVER_SLEEPS),
        false if asleep(bench, init) * 20 < LOOKS * 19 => Err(NOT_ASLEEP),
        false => Ok(()),
    };
    overheads(bench, "settle", rests, total)
}

/// In how many of [`LOOKS`] runs the init sleeps when a command that waits for that goes on.
fn asleep(bench: &Bench, init: &Init) -> usize {
    let null = null();
    let (mut answers, answers_end) = pipe();
    let line = init.line(bench, &init.options, &["settled"]);
    let mut command = Command::new(&line, &[&null, &null, &null, &null, &answers_end]);
    let mut sleeps = || {
        assert_eq!(command.run(), 0);
        read(&mut answers) == u64::from(b'S')
    };
    (0..LOOKS).filter(|_| sleeps()).count()
}

/// The command ends at once, as for the total.
fn count_calls(bench: &Bench, init: &Init) -> u64 {
    let null = null();
    let line = init.line(bench, &init.options, &["exit"]);
    let _pinned = Pinned::new();
    calls::count(&Command::new(&line, &[&null, &null, &null, &null, &null]))
}
