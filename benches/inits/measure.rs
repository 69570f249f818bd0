//! The measurements: each runs all inits side by side, and gives a figure for each.

use crate::group::Parent;
use crate::inits::{Bench, Init};
use crate::process::{Command, LIMIT, Memory, Pinned, Running, Urgent, now, null, pipe, sync};
use crate::stats::{Samples, Shuffle};
use nix::libc;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// A figure of each init, in their order; or why there is none.
pub type Figures<T> = Vec<Result<T, &'static str>>;

fn each<T>(bench: &Bench, measure: impl FnMut(&Init) -> Result<T, &'static str>) -> Figures<T> {
    bench.inits.iter().map(measure).collect()
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

/// All inits with a command that does nothing, from the start of the run to its end.
pub struct Idle {
    running: Vec<Resting>,
}

enum Resting {
    Now {
        running: Running,
        begin: u64,
        switches: u64,
        cpu: u64,
    },
    /// It never rests, and would take a CPU from the others.
    Stopped(IdleCost),
}

/// What an idle init costs in a minute.
pub struct IdleCost {
    pub wakeups: f64,
    /// In us.
    pub cpu: f64,
}

impl Idle {
    pub fn start(bench: &Bench) -> Idle {
        let start = |init: &Init| {
            let running = init.start(bench, &init.options, &["idle"]).expect(init.name);
            let (begin, switches, cpu) = (now(), running.switches(), running.cpu_time());
            let resting = Resting::Now { running, begin, switches, cpu };
            std::thread::sleep(Duration::from_millis(200));
            if resting.rests() { resting } else { Resting::Stopped(resting.cost()) }
        };
        Idle { running: bench.inits.iter().map(start).collect() }
    }

    pub fn end(self) -> Figures<IdleCost> {
        self.running.into_iter().map(|resting| Ok(resting.cost())).collect()
    }
}

impl Resting {
    fn rests(&self) -> bool {
        match self {
            Resting::Now { running, cpu, .. } => running.sleeps() || running.cpu_time() == *cpu,
            Resting::Stopped(_) => false,
        }
    }

    fn cost(&self) -> IdleCost {
        match self {
            Resting::Now { running, begin, switches, cpu } => {
                let minutes = (now() - begin) as f64 / 60e9;
                IdleCost {
                    wakeups: (running.switches() - switches) as f64 / minutes,
                    cpu: micros(running.cpu_time() - cpu) / minutes,
                }
            }
            Resting::Stopped(cost) => IdleCost { ..*cost },
        }
    }
}

/// Memory of an idle init.
pub fn memory(bench: &Bench) -> Figures<Memory> {
    let mut all = vec![(Vec::new(), Vec::new()); bench.inits.len()];
    for _ in 0..bench.memory {
        let start = |init: &Init| init.start(bench, &init.options, &["idle"]).expect(init.name);
        let running: Vec<Running> = bench.inits.iter().map(start).collect();
        sync();
        for (running, (resident, dirty)) in running.iter().zip(&mut all) {
            let memory = running.memory();
            resident.push(memory.resident as f64);
            dirty.push(memory.private_dirty as f64);
        }
    }
    let median = |samples| Samples::new(samples).median() as u64;
    let memory =
        |(resident, dirty)| Ok(Memory { resident: median(resident), private_dirty: median(dirty) });
    all.into_iter().map(memory).collect()
}

/// From kill(2) to the command's return from the wait for the signal, in us.
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
}

impl Latency {
    fn of(samples: Vec<f64>) -> Latency {
        let samples = Samples::new(samples);
        Latency { p50: samples.median(), p99: samples.quantile(0.99) }
    }
}

const ONCE: &str = "forwards SIGTERM and SIGINT only, and those once";

/// Of signals through each init, and of signals sent to the command itself.
pub fn signals(bench: &Bench) -> (Figures<Latency>, Latency) {
    let _pinned = Pinned::new();
    let mut samples = vec![Vec::new(); bench.inits.len() + 1];
    let mut shuffle = Shuffle::new();
    for _ in 0..bench.copies {
        let bench = bench.copied();
        let main = vec![bench.workload.clone(), "receive".into()];
        let direct = Running::start(&main, &null(), false).expect("main");
        let start = |init: &Init| init.start(&bench, &init.options, &["receive"]).expect(init.name);
        let inits = bench.inits.iter().map(|init| init.forwards.then(|| start(init)));
        let mut running: Vec<Option<Running>> = inits.chain([Some(direct)]).collect();
        for _ in 0..bench.signals / bench.copies / 100 {
            for index in shuffle.order(running.len()) {
                if let Some(running) = &mut running[index] {
                    samples[index].extend(hundred(&bench, running).expect("they are forwarded"));
                }
            }
        }
    }
    let mut latencies = samples.into_iter().map(|samples| match samples.is_empty() {
        true => Err(ONCE),
        false => Ok(Latency::of(samples)),
    });
    let direct = latencies.next_back().and_then(Result::ok).expect("signals sent to main");
    (latencies.collect(), direct)
}

/// A hundred signals, in us; `None` if one is not forwarded.
fn hundred(bench: &Bench, running: &mut Running) -> Option<Vec<f64>> {
    (0..100).map(|_| forward(bench, running)).collect()
}

fn forward(bench: &Bench, running: &mut Running) -> Option<f64> {
    let begin = now();
    running.signal(libc::SIGUSR1);
    let end = running.answer(bench.stuck)?;
    Some(micros(end.saturating_sub(begin)))
}

/// The same with all that the init can tell going to standard output or error: to /dev/null, and to a pipe
/// that is full.
pub struct Talking {
    pub to_null: f64,
    /// `None` if the init is stuck itself.
    pub to_full_pipe: Option<f64>,
}

pub fn talking(bench: &Bench) -> Figures<Talking> {
    let _pinned = Pinned::new();
    each(bench, |init| {
        let (Some(verbose), true) = (&init.verbose, init.forwards) else {
            return Err(if init.forwards { "does not log signals" } else { ONCE });
        };
        let line = init.line(bench, verbose, &["receive"]);
        let mut to_null = Running::start(&line, &null(), true).expect(init.name);
        // Room for what is told at the start; then none.
        let (_reader, mut writer) = pipe();
        let mut to_full_pipe = Running::start(&line, &writer, true).expect(init.name);
        fill(&mut writer);
        let (mut fast, mut slow) = (Vec::new(), Some(Vec::new()));
        for _ in 0..bench.signals / 400 {
            fast.extend(hundred(bench, &mut to_null).expect(init.name));
            slow = slow.and_then(|all| Some([all, hundred(bench, &mut to_full_pipe)?].concat()));
        }
        let p50 = |samples| Latency::of(samples).p50;
        Ok(Talking { to_null: p50(fast), to_full_pipe: slow.map(p50) })
    })
}

fn fill(writer: &mut File) {
    let fd = writer.as_raw_fd();
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) };
    while writer.write(&[b'.'; 512]).is_ok() {}
    while writer.write(b".").is_ok() {}
    unsafe { libc::fcntl(fd, libc::F_SETFL, flags) };
}

/// How orphans come.
#[derive(Clone, Copy)]
pub enum Pace {
    /// The next when the one before is reaped.
    Dense,
    /// 20 ms after.
    Sparse,
}

/// Orphans in a round with none alive, and how many times more rounds there are then, as the inits differ by little;
/// with many alive; and one at a time with many.
pub const DENSE: u64 = 600;
pub const MORE_ROUNDS: usize = 5;
pub const MANY_ALIVE: u64 = 400;
/// The same for who looks at all children every some milliseconds only: enough for several such looks.
pub const MANY_ALIVE_RARE: u64 = 20_000;
const SPARSE: u64 = 50;

/// The init's CPU time for each orphan, in us: the median of the rounds, and their range.
pub struct Cost {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// With so many of the init's children alive.
pub fn orphans(bench: &Bench, alive: u64, pace: Pace) -> Figures<Cost> {
    let _pinned = Pinned::new();
    let alive = alive / bench.shrink;
    let mut samples = vec![Vec::new(); bench.inits.len()];
    let mut shuffle = Shuffle::new();
    let rounds = if alive == 0 { bench.rounds * MORE_ROUNDS } else { bench.rounds };
    for _ in 0..rounds {
        let bench = bench.copied();
        for index in shuffle.order(bench.inits.len()) {
            let init = &bench.inits[index];
            let (what, count) = match (pace, alive) {
                (Pace::Dense, 0) => ('o', DENSE),
                (Pace::Dense, _) => {
                    ('o', if init.looks_rarely { MANY_ALIVE_RARE } else { MANY_ALIVE })
                }
                (Pace::Sparse, _) => ('r', SPARSE),
            };
            let count = count / bench.shrink;
            let mut running = init.start(&bench, &init.options, &["orphans"]).expect(init.name);
            running.order('l', alive);
            running.order('o', 20); // caches
            running.settle();
            let before = running.cpu_time();
            running.order(what, count);
            running.settle();
            samples[index].push(micros(running.cpu_time() - before) / count as f64);
        }
    }
    let cost = |samples: Vec<f64>| {
        let samples = Samples::new(samples);
        let [low, median, high] = [0.0, 0.5, 1.0].map(|share| samples.quantile(share));
        Ok(Cost { median, low, high })
    };
    samples.into_iter().map(cost).collect()
}

/// Memory before and after a storm of orphans.
pub struct Storm {
    pub orphans: u64,
    pub before: Memory,
    pub after: Memory,
    /// How many were never reaped.
    pub left: usize,
}

pub fn storms(bench: &Bench) -> Figures<Storm> {
    each(bench, |init| {
        let mut running = init.start(bench, &init.options, &["orphans"]).expect(init.name);
        running.order('s', 1000); // what the first ones need, and keep
        running.settle();
        sync();
        let before = running.memory();
        let orphans = if init.name == "sexton" { bench.storm } else { bench.storm / 10 };
        running.order('s', orphans);
        running.settle();
        sync();
        let left = running.children() - 1;
        Ok(Storm { orphans, before, after: running.memory(), left })
    })
}

/// How a tree went down: the command and many others, by SIGTERM.
#[derive(Clone, Copy)]
pub struct Tree {
    /// How many of the others had it, in percent.
    pub seen: f64,
    /// From the command's end to that of the last of the tree, in ms.
    pub last: f64,
    /// From the end of the last of the tree to that of the init, in ms.
    pub exit: f64,
}

/// The `--linger` for trees that ignore SIGTERM.
pub const LINGER: Duration = Duration::from_secs(1);

pub fn trees(bench: &Bench, stubborn: bool) -> Figures<Tree> {
    let mut samples = vec![Vec::new(); bench.inits.len()];
    for _ in 0..bench.rounds {
        for (init, samples) in bench.inits.iter().zip(&mut samples) {
            samples.push(tree(bench, init, stubborn));
        }
    }
    let median = |samples: Vec<Tree>| {
        let of =
            |field: fn(&Tree) -> f64| Samples::new(samples.iter().map(field).collect()).median();
        Ok(Tree {
            seen: of(|tree| tree.seen),
            last: of(|tree| tree.last),
            exit: of(|tree| tree.exit),
        })
    };
    samples.into_iter().map(median).collect()
}

fn tree(bench: &Bench, init: &Init, stubborn: bool) -> Tree {
    let shared = bench.scratch.join("shared");
    let fifo = bench.scratch.join("fifo");
    fs::write(&shared, [0; 4096]).unwrap();
    fs::remove_file(&fifo).ok(); // of a run that was interrupted
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let writers = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&fifo).unwrap();
    let count = 5000 / bench.shrink;
    let number = count.to_string();
    let mut main = vec!["tree", shared.to_str().unwrap(), fifo.to_str().unwrap(), &number];
    main.extend(stubborn.then_some("stubborn"));
    let running = init.start(bench, &init.tree_options, &main).expect(init.name);
    let _urgent = Urgent::new();
    running.signal(libc::SIGTERM);
    let mut polls = [
        libc::pollfd { fd: writers.as_raw_fd(), events: 0, revents: 0 },
        libc::pollfd { fd: running.handle.as_raw_fd(), events: libc::POLLIN, revents: 0 },
    ];
    let mut ends = [0, 0];
    while ends.contains(&0) {
        let found = unsafe { libc::poll(polls.as_mut_ptr(), 2, LIMIT.as_millis() as i32) };
        let time = now();
        assert!(found > 0, "{} does not end", init.name);
        for (poll, end) in polls.iter_mut().zip(&mut ends) {
            if poll.revents != 0 {
                *end = time;
                poll.fd = -1; // poll(2) skips it
            }
        }
    }
    running.reap();
    let words = fs::read(&shared).unwrap();
    let word = |index: usize| u64::from_ne_bytes(words[index * 8..][..8].try_into().unwrap());
    let [last, exit] = ends;
    let millis = |from: u64, to: u64| (to as f64 - from as f64) / 1e6;
    Tree {
        seen: word(1) as f64 * 100.0 / count as f64,
        last: millis(word(0), last),
        exit: millis(last, exit).max(0.0),
    }
}

/// The smallest limit of a memory control group in which the init runs a command that ends at once, in KiB.
pub fn groups(bench: &Bench, memory: Option<&Parent>) -> Figures<u64> {
    let Some(parent) = memory else {
        return each(bench, |_| Err("no memory controller here"));
    };
    each(bench, |init| {
        let line = init.line(bench, &init.options, &["exit"]);
        let works =
            |pages: u64| (0..bench.rounds).all(|_| runs_within(parent, &line, pages * 4096));
        let (mut too_small, mut enough) = (1, 2048);
        while enough - too_small > 1 {
            let middle = (too_small + enough) / 2;
            if works(middle) { enough = middle } else { too_small = middle }
        }
        Ok(enough * 4)
    })
}

fn runs_within(parent: &Parent, line: &[String], limit: u64) -> bool {
    let group = parent.make().expect("a memory group");
    fs::write(group.limit().unwrap(), limit.to_string()).unwrap();
    let processes = group.processes();
    let null = null();
    let mut command = Command::new(line, &[&null, &null, &null]).in_group(&processes);
    command.run() == 0
}
