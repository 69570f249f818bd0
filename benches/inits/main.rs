//! The benchmark: measures inits side by side, as PID 1 of PID namespaces, and writes a page and a plot.
//! `benches/run.sh` builds what it needs and runs it.

#![allow(missing_docs, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stderr, reason = "progress")]

mod calls;
mod group;
mod inits;
mod machine;
mod measure;
mod page;
mod plot;
mod process;
mod starts;
mod stats;
mod targets;

use group::{Parent, Run};
use inits::Bench;
use machine::{MOST_OTHERS, MOST_SPREAD, Others};
use measure::{Idle, Pace};
use starts::Starts;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: inits [--quick] FOLDER PAGE.md PLOT.svg, or \
                     inits --starts [--twice] [--quick] FOLDER [OTHER-BUILD...]";

fn main() -> ExitCode {
    // Cargo adds --bench.
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let is_set = |name: &str| flags.iter().any(|flag| flag == name);
    let mut words = words.into_iter();
    let folder = PathBuf::from(words.next().expect(USAGE)).canonicalize().expect(USAGE);
    let quick = is_set("--quick");
    let load = if quick { Ok(machine::load_before()) } else { machine::quiet_load() };
    let load = match load {
        Ok(load) => load,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(BUSY);
        }
    };
    // Rust ignores it, and what is started would ignore it too.
    unsafe { nix::libc::signal(nix::libc::SIGPIPE, nix::libc::SIG_DFL) };
    if is_set("--starts") {
        let others = words.map(|name| &*name.leak()).collect();
        let runs = if is_set("--twice") { 2 } else { 1 };
        return starts(Bench::new(folder, quick, others), runs, quick, load);
    }
    let [page, plot]: [String; 2] = words.collect::<Vec<_>>().try_into().expect(USAGE);
    let bench = Bench::new(folder, quick, Vec::new());
    assert_eq!([bench.inits[0].name, bench.inits[1].name], ["sexton", "floor"]);

    let results = measure_all(&bench, load);
    if quick {
        results.starts.assert_complete();
    }
    if !quick && results.quiet.is_busy() {
        eprintln!("{} No figures are written above {MOST_OTHERS} %.", results.quiet);
        return ExitCode::from(BUSY);
    }
    if !quick && results.quiet.spread > MOST_SPREAD {
        eprintln!("{} No figures are written above {MOST_SPREAD} times.", results.quiet);
        return ExitCode::from(BUSY);
    }
    let name = PathBuf::from(&plot).file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(page, page::write(&bench, &results, &name)).expect("the page can be written");
    fs::write(plot, plot::draw(&bench, &results)).expect("the plot can be written");
    ExitCode::SUCCESS
}

/// The exit status if others use the machine too much; that of a missed target is 1.
const BUSY: u8 = 2;

/// What else there was to do for the machine.
pub struct Quiet {
    /// The load of the last minute before the run, for each CPU.
    pub load: f64,
    /// What others took of the CPUs during the run, in percent, if that can be measured.
    pub others: Option<f64>,
    /// How far the floor's starts are apart: [`Starts::spread`].
    pub spread: f64,
}

impl Quiet {
    fn is_busy(&self) -> bool {
        self.others.is_some_and(|others| others > MOST_OTHERS)
    }
}

impl std::fmt::Display for Quiet {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Quiet { load, others, spread } = self;
        writeln!(f, "Load of the last minute before the run: {load:.2} per CPU.")?;
        match others {
            Some(others) => writeln!(f, "Others took {others:.1} % of the CPUs during the run.")?,
            None => writeln!(f, "No control group counts what others take of the CPUs.")?,
        }
        write!(f, "The last tenth of the floor's starts took {spread:.2} times the first tenth.")
    }
}

/// Measures the start alone so many times, and prints it. The exit status is 1 if a target was missed.
#[allow(clippy::print_stdout)]
fn starts(mut bench: Bench, runs: usize, quick: bool, load: f64) -> ExitCode {
    // Others take long.
    bench.inits.retain(|init| init.is_small);
    let bench = &bench;
    let inside = Run::enter();
    let mut missed = Vec::new();
    for run in 1..=runs {
        let others = Others::start(&inside);
        let memory = measure::memory(bench);
        let starts = Starts::measure(bench, memory, |_| {});
        let spread = starts.spread(bench);
        let quiet = Quiet { load, others: others.percent(), spread };
        if !quick && quiet.is_busy() {
            eprintln!("{quiet} No figures are shown above {MOST_OTHERS} %.");
            return ExitCode::from(BUSY);
        }
        let (targets, misses) = targets::starts_alone(bench, &starts);
        let title = if runs > 1 { format!("## Run {run} of {runs}\n\n") } else { String::new() };
        println!("{title}{}\n{targets}\n{quiet}\n", page::starts(bench, &starts));
        if !misses.is_empty() {
            missed.push(format!("Missed in run {run}: {}.", misses.join("; ")));
        }
    }
    if quick {
        return ExitCode::SUCCESS; // so few runs say nothing
    }
    if missed.is_empty() {
        println!("All targets are reached.");
        return ExitCode::SUCCESS;
    }
    println!("{}", missed.join("\n"));
    ExitCode::FAILURE
}

/// All figures of a run.
pub struct Results {
    pub starts: Starts,
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
    pub took: Duration,
    pub quiet: Quiet,
}

fn measure_all(bench: &Bench, load: f64) -> Results {
    let begin = Instant::now();
    // Before this process is in another group.
    let memory_groups = Parent::of(group::MEMORY);
    let inside = Run::enter();
    let others = Others::start(&inside);
    let step = |what: &str| eprintln!("{:4} s  {what}", begin.elapsed().as_secs());
    step("memory");
    let memory = measure::memory(bench);
    let idle = Idle::start(bench);
    let starts = Starts::measure(bench, memory, step);
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
    let spread = starts.spread(bench);
    Results {
        starts,
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
        grouped: inside.is_scheduled(),
        took,
        quiet: Quiet { load, others: others.percent(), spread },
    }
}
