//! What sexton is held to, and whether it is reached.

use crate::Results;
use crate::inits::Bench;
use crate::measure::{Figures, LINGER};
use crate::page::{grouped, short, size};
use std::fmt::Write as _;

/// Where the floor is among the inits, behind sexton.
const FLOOR: usize = 1;

/// The table of targets.
struct Targets<'a> {
    text: &'a mut String,
}

impl Targets<'_> {
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
    }

    /// At most so many KiB.
    fn kib(&mut self, what: &str, value: f64, limit: f64, further: f64) {
        self.reach(
            what,
            &format!("{limit} KiB"),
            &format!("{} KiB", short(value)),
            value <= limit,
            &format!("{further} KiB"),
            Some(value <= further),
        );
    }
}

/// One number of each figure.
fn numbers<T>(figures: &Figures<T>, number: impl Fn(&T) -> f64) -> Vec<Option<f64>> {
    figures.iter().map(|figure| Some(number(figure.as_ref().ok()?))).collect()
}

pub fn write(text: &mut String, bench: &Bench, results: &Results) {
    *text += "\n## Targets\n\n| what | target | sexton | reached | further | reached |\n";
    *text += "| --- | --- | --- | --- | --- | --- |\n";
    let mut targets = Targets { text };
    let own = "there is a figure of sexton's";
    let best = |values: &[Option<f64>]| {
        values[FLOOR + 1..].iter().flatten().copied().fold(f64::INFINITY, f64::min)
    };

    let memory = results.memory[0].as_ref().expect(own);
    targets.kib("file", size(&bench.inits[0]) as f64 / 1024.0, 256.0, 232.0);
    targets.kib("private dirty idle", memory.private_dirty as f64, 12.0, 12.0);

    let latencies = numbers(&results.pinned, |it| it.latency.median);
    let totals = numbers(&results.pinned, |it| it.total.median);
    for (what, starts, name, limit, further) in [
        ("start until the command runs, pinned", &latencies, "dumb-init-musl", 0.75, 0.65),
        ("start until the command runs, pinned", &latencies, "pid1", 0.4, 0.35),
        ("start in total, pinned", &totals, "dumb-init-musl", 0.9, 0.8),
    ] {
        if let Some(peer) = bench.index(name).and_then(|index| starts[index]) {
            let ratio = starts[0].expect(own) / peer;
            let to_floor = starts[0].expect(own) / starts[FLOOR].expect("the floor's start");
            targets.reach(
                what,
                &format!("{limit} x {name}"),
                &format!("{ratio:.2} x; {to_floor:.2} x floor"),
                ratio <= limit,
                &format!("{further} x"),
                Some(ratio <= further),
            );
        }
    }

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
        ("CPU per orphan", &orphans[0], 1.05),
        ("CPU per orphan, 2,000 children alive", &orphans[1], 0.15),
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
}
