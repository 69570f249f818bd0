//! What sexton is held to, and whether it is reached.

use crate::Results;
use crate::inits::Bench;
use crate::measure::{Figures, LINGER};
use crate::page::{grouped, short, size};
use crate::starts::Starts;
use std::fmt::Write as _;

/// Where the floor is among the inits, behind sexton.
const FLOOR: usize = 1;

const HEAD: &str = "| what | target | sexton | reached | further | reached |\n\
                    | --- | --- | --- | --- | --- | --- |\n";

/// The table of targets.
struct Targets {
    text: String,
    /// What was not reached, with its value; without the further targets.
    missed: Vec<String>,
}

impl Targets {
    fn new() -> Targets {
        Targets { text: HEAD.into(), missed: Vec::new() }
    }

    fn row(&mut self, what: &str, target: &str, value: &str, reached: bool) {
        self.reach(what, target, value, reached, "", None);
    }

    /// With a second target that is further off.
    fn reach(
        &mut self,
        what: &str,
        target: &str,
        value: &str,
        reached: bool,
        further: &str,
        far: Option<bool>,
    ) {
        let yes = |reached: bool| if reached { "yes" } else { "**no**" };
        let (near, far) = (yes(reached), far.map_or("", yes));
        writeln!(self.text, "| {what} | {target} | {value} | {near} | {further} | {far} |")
            .unwrap();
        if !reached {
            self.missed.push(format!("{what}: {value}, not {target}"));
        }
    }

    /// A row that has no value here.
    fn left_out(&mut self, what: &str, target: &str, reason: &str, further: &str) {
        writeln!(self.text, "| {what} | {target} | {reason} | – | {further} | – |").unwrap();
    }

    /// At most so many of a unit.
    fn at_most(&mut self, what: &str, unit: &str, value: f64, limit: f64, further: f64) {
        self.reach(
            what,
            &format!("{limit}{unit}"),
            &format!("{}{unit}", short(value)),
            value <= limit,
            &format!("{further}{unit}"),
            Some(value <= further),
        );
    }

    /// At most so many times that of a peer.
    fn beside(
        &mut self,
        what: &str,
        bench: &Bench,
        figures: &Figures<f64>,
        (peer, limit, further): (&str, f64, f64),
    ) {
        let (target, further_target) = (format!("{limit} x {peer}"), format!("{further} x"));
        let of = |name: &str| {
            let index = bench.index(name).ok_or(format!("without {name}"))?;
            figures[index].map_err(str::to_owned)
        };
        let ratios = || -> Result<[f64; 2], String> {
            let own = of(bench.inits[0].name)?;
            // To a hundredth, as they are shown.
            Ok([of(peer)?, of("floor")?].map(|other| (own / other * 100.0).round() / 100.0))
        };
        match ratios() {
            Ok([ratio, to_floor]) => self.reach(
                what,
                &target,
                &format!("{ratio:.2} x; {to_floor:.2} x floor"),
                ratio <= limit,
                &further_target,
                Some(ratio <= further),
            ),
            Err(reason) => self.left_out(what, &target, &reason, &further_target),
        }
    }
}

/// What the start is held to.
fn starts(targets: &mut Targets, bench: &Bench, starts: &Starts) {
    fn figures<T>(figures: &Figures<T>, number: impl Fn(&T) -> f64) -> Figures<f64> {
        figures
            .iter()
            .map(|figure| figure.as_ref().map(&number).map_err(|reason| *reason))
            .collect()
    }
    let latencies = figures(&starts.pinned, |it| it.latency.median);
    let totals = figures(&starts.pinned, |it| it.total.median);
    let [second, first] = starts.settled.each_ref().map(|it| figures(it, |it| it.median));
    let musl = |limit, further| ("dumb-init-musl", limit, further);
    let latency = "start until the command runs, pinned";
    targets.beside(latency, bench, &latencies, musl(0.75, 0.65));
    targets.beside(latency, bench, &latencies, ("pid1", 0.4, 0.35));
    targets.beside("start in total, pinned", bench, &totals, musl(0.9, 0.8));
    let settled = "start in total with every chore done, pinned, cgroup";
    targets.beside(&format!("{settled} v2"), bench, &second, musl(1.05, 1.0));
    targets.beside(&format!("{settled} v1"), bench, &first, musl(1.25, 1.0));

    let calls = starts.calls[0].expect("sexton's calls");
    targets.at_most("system calls of a run, all processes", "", calls as f64, 30.0, 24.0);
    let memory = starts.memory[0].as_ref().expect("sexton's memory");
    targets.at_most("private dirty idle", " KiB", memory.private_dirty as f64, 12.0, 12.0);
    targets.at_most("file", " KiB", size(&bench.inits[0]) as f64 / 1024.0, 256.0, 232.0);
}

/// The table of the start alone, and which of its targets were missed.
pub fn starts_alone(bench: &Bench, figures: &Starts) -> (String, Vec<String>) {
    let mut targets = Targets::new();
    starts(&mut targets, bench, figures);
    (targets.text, targets.missed)
}

/// One number of each figure.
fn numbers<T>(figures: &Figures<T>, number: impl Fn(&T) -> f64) -> Vec<Option<f64>> {
    figures.iter().map(|figure| Some(number(figure.as_ref().ok()?))).collect()
}

pub fn write(text: &mut String, bench: &Bench, results: &Results) {
    *text += "\n## Targets\n\n";
    let mut targets = Targets::new();
    let own = "there is a figure of sexton's";
    let best = |values: &[Option<f64>]| {
        values[FLOOR + 1..].iter().flatten().copied().fold(f64::INFINITY, f64::min)
    };

    starts(&mut targets, bench, &results.starts);

    let idle = results.idle[0].as_ref().expect(own);
    targets.row(
        "idle",
        "no wake-up, no CPU time",
        &format!("{}, {} us in {} s", short(idle.wakeups), short(idle.cpu), results.took.as_secs()),
        idle.wakeups == 0.0 && idle.cpu == 0.0,
    );

    // To a tenth of a microsecond, as they are shown.
    let p50s = numbers(&results.signals, |it| (it.p50 * 10.0).round() / 10.0);
    let p50 = p50s[0].expect(own);
    targets.reach(
        "forwarding, p50",
        &format!("the best peer ({} us)", short(best(&p50s))),
        &format!("{} us", short(p50)),
        p50 <= best(&p50s),
        "the floor",
        Some(p50 <= p50s[FLOOR].expect("the floor's signals")),
    );
    let to_null = numbers(&results.talking, |it| (it.to_null * 10.0).round() / 10.0);
    targets.row(
        "forwarding and logging to /dev/null, p50",
        &format!("the best peer ({} us)", short(best(&to_null))),
        &format!("{} us", short(to_null[0].expect(own))),
        to_null[0].expect(own) <= best(&to_null),
    );
    let talking = results.talking[0].as_ref().expect(own);
    let stuck = talking.to_full_pipe.unwrap_or(f64::INFINITY) / talking.to_null;
    targets.row(
        "forwarding at trace level, log pipe full",
        "1.1 x log to /dev/null",
        &format!("{stuck:.2} x"),
        stuck <= 1.1,
    );

    let orphans = results.orphans.each_ref().map(|figures| numbers(figures, |it| it.median));
    for (what, costs, limit) in [
        ("CPU per orphan", &orphans[0], 1.0),
        ("CPU per orphan, 2,000 children alive", &orphans[1], 0.1),
    ] {
        let ratio = costs[0].expect(own) / best(costs);
        let target = format!("{limit} x the best peer");
        targets.row(what, &target, &format!("{ratio:.2} x"), ratio <= limit);
    }
    let growth = orphans[2][0].expect(own) / orphans[1][0].expect(own);
    targets.row(
        "CPU per orphan, 10,000 children alive",
        "no growth (1.1 x that of 2,000)",
        &format!("{growth:.2} x"),
        growth <= 1.1,
    );

    let tree = results.obeying[0].as_ref().expect(own);
    targets.row(
        "tree that obeys",
        "all see SIGTERM; exit 50 ms after the last death",
        &format!("{} %; {} ms", short(tree.seen), short(tree.exit)),
        tree.seen == 100.0 && tree.exit <= 50.0,
    );
    let tree = results.ignoring[0].as_ref().expect(own);
    let late = tree.last + tree.exit - LINGER.as_secs_f64() * 1e3;
    targets.row(
        "tree that ignores it",
        "all see SIGTERM; exit 50 ms after the deadline",
        &format!(
            "{} %; {} ms, {} ms after the last death",
            short(tree.seen),
            short(late),
            short(tree.exit)
        ),
        tree.seen == 100.0 && late <= 50.0,
    );

    let storm = results.storm[0].as_ref().expect(own);
    targets.row(
        &format!("memory after {} orphans", grouped(storm.orphans)),
        "unchanged; none left",
        &format!(
            "{} KiB, was {} KiB; {} left",
            storm.after.resident, storm.before.resident, storm.left
        ),
        storm.before == storm.after && storm.left == 0,
    );
    *text += &targets.text;
}
