//! The benchmark: measures inits side by side, as PID 1 of PID namespaces, and writes a page and a plot.
//! `benches/run.sh` builds what it needs and runs it.

#![allow(missing_docs, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stderr, reason = "progress")]

mod group;
mod inits;
mod measure;
mod page;
mod plot;
mod process;
mod stats;
mod targets;

use group::Parent;
use inits::Bench;
use measure::{Idle, Pace};
use std::fs;
use std::path::PathBuf;

const USAGE: &str =
    "usage: inits [--quick] FOLDER PAGE.md PLOT.svg, or inits --starts FOLDER [OTHER-BUILD...]";

/// What the load of the last minute may be, for each CPU: figures of a loaded machine are worth nothing.
const MOST_LOAD: f64 = 2.0;

fn main() {
    // Cargo adds --bench.
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let is_set = |name: &str| flags.iter().any(|flag| flag == name);
    let mut words = words.into_iter();
    let folder = PathBuf::from(words.next().expect(USAGE)).canonicalize().expect(USAGE);
    let quick = is_set("--quick");
    if is_set("--starts") {
        let others = words.map(|name| &*name.leak()).collect();
        return starts(Bench::new(folder, quick, others));
    }
    if !quick {
        assert!(load() <= MOST_LOAD, "the machine is busy: its load is above {MOST_LOAD} per CPU");
    }
    let [page, plot]: [String; 2] = words.collect::<Vec<_>>().try_into().expect(USAGE);
    let bench = Bench::new(folder, quick, Vec::new());
    assert_eq!([bench.inits[0].name, bench.inits[1].name], ["sexton", "floor"]);
    // Rust ignores it, and what is started would ignore it too.
    unsafe { nix::libc::signal(nix::libc::SIGPIPE, nix::libc::SIG_DFL) };

    let results = measure_all(&bench);
    let name = PathBuf::from(&plot).file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(page, page::write(&bench, &results, &name)).expect("the page can be written");
    fs::write(plot, plot::draw(&bench, &results)).expect("the plot can be written");
}

/// The load of the last minute for each CPU.
fn load() -> f64 {
    let loads = fs::read_to_string("/proc/loadavg").expect("the load");
    let minute: f64 = loads.split(' ').next().unwrap().parse().expect("the load");
    minute / std::thread::available_parallelism().map_or(1.0, |cpus| cpus.get() as f64)
}

/// Measures the start alone, and prints it.
#[allow(clippy::print_stdout)]
fn starts(mut bench: Bench) {
    // Others take long.
    bench.inits.retain(|init| init.is_small);
    let bench = &bench;
    let _inside = Parent::of(group::CPU).and_then(|parent| parent.enter());
    let [pinned, free] = [true, false].map(|pinned| measure::starts(bench, pinned));
    print!("{}", page::starts(bench, &pinned, &free));
    println!("\nThe load of the last minute is {:.1} per CPU.", load());
}

/// All figures of a run.
pub struct Results {
    pub pinned: measure::Figures<measure::Start>,
    pub free: measure::Figures<measure::Start>,
    pub memory: measure::Figures<process::Memory>,
    pub group: measure::Figures<u64>,
    pub idle: measure::Figures<measure::IdleCost>,
    pub signals: measure::Figures<measure::Latency>,
    pub direct: measure::Latency,
    pub talking: measure::Figures<measure::Talking>,
    /// With no, 2,000 and 10,000 children alive.
    pub orphans: [measure::Figures<measure::Cost>; 3],
    /// With 2,000 alive, each 20 ms after the one before.
    pub sparse: measure::Figures<measure::Cost>,
    pub storm: measure::Figures<measure::Storm>,
    pub obeying: measure::Figures<measure::Tree>,
    pub ignoring: measure::Figures<measure::Tree>,
    /// It was done in a CPU control group of its own.
    pub grouped: bool,
    pub took: std::time::Duration,
}

fn measure_all(bench: &Bench) -> Results {
    let begin = std::time::Instant::now();
    // Before this process is in another group.
    let memory_groups = Parent::of(group::MEMORY);
    let inside = Parent::of(group::CPU).and_then(|parent| parent.enter());
    let step = |what: &str| eprintln!("{:4} s  {what}", begin.elapsed().as_secs());
    step("memory");
    let memory = measure::memory(bench);
    let idle = Idle::start(bench);
    step("starts, pinned");
    let pinned = measure::starts(bench, true);
    step("starts, free");
    let free = measure::starts(bench, false);
    step("signals");
    let (signals, direct) = measure::signals(bench);
    step("signals, telling of them");
    let talking = measure::talking(bench);
    step("orphans");
    let orphans = [0, 2000, 10_000].map(|alive| measure::orphans(bench, alive, Pace::Dense));
    step("orphans, rarely");
    let sparse = measure::orphans(bench, 2000, Pace::Sparse);
    step("trees that obey");
    let obeying = measure::trees(bench, false);
    step("trees that ignore SIGTERM");
    let ignoring = measure::trees(bench, true);
    step("a storm of orphans");
    let storm = measure::storms(bench);
    step("memory control groups");
    let group = measure::groups(bench, memory_groups.as_ref());
    let idle = idle.end();
    step("done");
    let took = begin.elapsed();
    Results {
        pinned,
        free,
        memory,
        group,
        idle,
        signals,
        direct,
        talking,
        orphans,
        sparse,
        storm,
        obeying,
        ignoring,
        grouped: inside.is_some(),
        took,
    }
}
