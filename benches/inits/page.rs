//! The page: tables with the inits as columns, the targets, and how all of it was measured.

use crate::Results;
use crate::inits::{Bench, Init};
use crate::measure::{Cost, DENSE, Figures, LINGER, MANY_ALIVE, MANY_ALIVE_RARE, MORE_ROUNDS};
use crate::starts::{LOOKS, Overhead, Starts};
use crate::targets;
use std::fmt::Write as _;
use std::fs;

/// A row of the tables.
struct Row {
    label: String,
    /// What each init's cell says.
    cells: Vec<String>,
    /// The number by which it is compared, less being better; `None` where there is none.
    values: Vec<Option<f64>>,
}

/// Cells of a row, with footnotes for those that have no figure.
struct Table<'a> {
    bench: &'a Bench,
    notes: Vec<&'static str>,
}

impl Table<'_> {
    fn row<T>(
        &mut self,
        label: impl Into<String>,
        figures: &Figures<T>,
        show: impl Fn(&Init, &T) -> String,
        value: impl Fn(&Init, &T) -> Option<f64>,
    ) -> Row {
        let inits = &self.bench.inits;
        assert_eq!(figures.len(), inits.len());
        let values = inits.iter().zip(figures);
        let values = values.map(|(init, figure)| value(init, figure.as_ref().ok()?)).collect();
        let cells = inits.iter().zip(figures).map(|(init, figure)| match figure {
            Ok(figure) => show(init, figure),
            Err(reason) => self.note(reason),
        });
        let cells: Vec<String> = cells.collect();
        assert!(cells.iter().all(|cell| !cell.is_empty() && !cell.contains("NaN")), "{cells:?}");
        Row { label: label.into(), cells, values }
    }

    /// A row of numbers as they are.
    fn numbers<T>(
        &mut self,
        label: impl Into<String>,
        figures: &Figures<T>,
        number: impl Fn(&T) -> f64,
    ) -> Row {
        self.row(label, figures, |_, it| short(number(it)), |_, it| Some(number(it)))
    }

    fn note(&mut self, reason: &'static str) -> String {
        let number = self.notes.iter().position(|note| *note == reason).unwrap_or_else(|| {
            self.notes.push(reason);
            self.notes.len() - 1
        });
        format!("– [{}]", number + 1)
    }
}

/// With commas between the thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap()
}

/// With one decimal if it is small and has any.
pub fn short(number: f64) -> String {
    if number.abs() < 99.95 && number.fract() != 0.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

pub fn size(init: &Init) -> u64 {
    fs::metadata(&init.path).unwrap().len()
}

pub fn write(bench: &Bench, results: &Results, plot: &str) -> String {
    let mut table = Table { bench, notes: Vec::new() };
    let rows = rows(&mut table, results);
    let mut page = String::new();
    let text = &mut page;
    *text += "# Benchmarks\n\n";
    *text += "`just bench` (`benches/run.sh`) measures all figures in one run, with the programs side by side, and\n\
              generates this page. Compare the ratios, because the times depend on the machine.\n\n";
    machine(text, results);
    writeln!(text, "\n![The main figures as bars]({plot})\n").unwrap();
    *text += "## Programs\n\n| name | program | options |\n| --- | --- | --- |\n";
    for init in &bench.inits {
        let options = init.options.join(" ");
        let options = if options.is_empty() { "".into() } else { format!("`{options}`") };
        writeln!(text, "| {} | {} | {options} |", init.name, init.origin).unwrap();
    }
    *text += "\nCompare with the programs built for musl: glibc's start alone costs more than such a program, above\n\
              all on virtual machines, where each `cpuid` instruction that it executes is trapped.\n";
    *text += "\n## Figures\n\n|";
    for name in ["", "**sexton**"].into_iter().chain(bench.inits[1..].iter().map(|init| init.name))
    {
        write!(text, " {name} |").unwrap();
    }
    writeln!(text, "\n|{}", " --- |".repeat(bench.inits.len() + 1)).unwrap();
    for row in &rows {
        writeln!(text, "| {} | {} |", row.label, row.cells.join(" | ")).unwrap();
    }
    text.push('\n');
    for (index, note) in table.notes.iter().enumerate() {
        writeln!(text, "[{}] {note}", index + 1).unwrap();
        text.push('\n');
    }
    writeln!(
        text,
        "A signal sent to the command directly takes {} us (p50; p99 {}).",
        short(results.direct.p50),
        short(results.direct.p99)
    )
    .unwrap();
    targets::write(text, bench, results);
    losses(text, bench, &rows);
    method(text, bench, results);
    page
}

fn machine(text: &mut String, results: &Results) {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("?", |(_, value)| value.trim()).to_owned()
    };
    let cpu = read("/proc/cpuinfo");
    let count = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let virtual_machine = field(&cpu, "flags").split(' ').any(|flag| flag == "hypervisor");
    let kind = if virtual_machine { "a virtual machine" } else { "a machine" };
    let memory: u64 =
        field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    writeln!(
        text,
        "Measured on {kind} with {count} CPUs ({}), {} GiB, Linux {},\n\
         in {} s. {}",
        field(&cpu, "model name"),
        memory >> 20,
        read("/proc/sys/kernel/osrelease").trim(),
        results.took.as_secs(),
        results.quiet,
    )
    .unwrap();
}

fn rows(table: &mut Table, results: &Results) -> Vec<Row> {
    let bench = table.bench;
    let starts = &results.starts;
    let [second, first] = &starts.settled;
    let sizes: Figures<u64> = bench.inits.iter().map(|init| Ok(size(init))).collect();
    let alive = |count: u64| grouped(count / bench.shrink);
    let mut rows = vec![
        table.row(
            "file, bytes",
            &sizes,
            |_, size| grouped(*size),
            // A dynamic one needs its libc besides.
            |init, size| (!init.origin.contains("dynamic")).then_some(*size as f64),
        ),
        start(table, "pinned, until the command runs", &starts.pinned, |it| &it.latency),
        start(table, "pinned, total", &starts.pinned, |it| &it.total),
        start(table, "pinned, total with every chore done, cgroup v2", second, |it| it),
        start(table, "pinned, total with every chore done, cgroup v1", first, |it| it),
        start(table, "free, until the command runs", &starts.free, |it| &it.latency),
        start(table, "free, total", &starts.free, |it| &it.total),
        table.numbers("system calls of a run, all processes", &starts.calls, |it| *it as f64),
        table.numbers("resident idle, KiB", &starts.memory, |it| it.resident as f64),
        table.numbers("private dirty idle, KiB", &starts.memory, |it| it.private_dirty as f64),
        table.numbers("smallest memory control group, KiB", &results.group, |it| *it as f64),
        table.numbers("wake-ups a minute, idle", &results.idle, |it| it.wakeups),
        table.numbers("CPU time a minute, idle, us", &results.idle, |it| it.cpu),
        table.numbers("signal forwarding p50, us", &results.signals, |it| it.p50),
        table.numbers("signal forwarding p99, us", &results.signals, |it| it.p99),
        table.numbers("p50, logging each to /dev/null, us", &results.talking, |it| it.to_null),
        table.row(
            "p50, logging each to a full pipe, us",
            &results.talking,
            |_, it| it.to_full_pipe.map_or("stuck".into(), short),
            |_, it| Some(it.to_full_pipe.unwrap_or(f64::INFINITY)),
        ),
    ];
    for (count, figures) in [0, 2000, 10_000].into_iter().zip(&results.orphans) {
        let label = match count {
            0 => "CPU per orphan, us".into(),
            _ => format!("CPU per orphan, {} children alive, us", alive(count)),
        };
        rows.push(table.row(label, figures, |_, it| cost(it), |_, it| Some(it.median)));
    }
    let label = format!("the same, {} alive, an orphan every 20 ms", alive(2000));
    rows.push(table.row(label, &results.sparse, |_, it| cost(it), |_, it| Some(it.median)));
    let tree = alive(5000);
    rows.push(table.row(
        format!("tree of {tree} that obeys: have had SIGTERM, %"),
        &results.obeying,
        |_, it| short(it.seen),
        |_, it| Some(-it.seen),
    ));
    rows.push(table.row(
        "… init exits after the last death, ms",
        &results.obeying,
        |_, it| short(it.exit),
        |_, _| None,
    ));
    rows.push(table.row(
        format!("tree of {tree} that ignores it: have had SIGTERM, %"),
        &results.ignoring,
        |_, it| short(it.seen),
        |_, it| Some(-it.seen),
    ));
    rows.push(table.row(
        "… last death after the deadline, ms",
        &results.ignoring,
        |init, it| short(it.last - linger(init)),
        |_, _| None,
    ));
    rows.push(table.row(
        "… init exits after the last death, ms",
        &results.ignoring,
        |_, it| short(it.exit),
        |_, _| None,
    ));
    rows.push(table.row(
        "resident / private dirty after a storm of orphans, KiB more",
        &results.storm,
        |_, it| {
            let more = |after: u64, before: u64| after as i64 - before as i64;
            let left = if it.left == 0 { "".into() } else { format!(", {} not reaped", it.left) };
            format!(
                "{} / {}{left}",
                more(it.after.resident, it.before.resident),
                more(it.after.private_dirty, it.before.private_dirty)
            )
        },
        |_, it| Some(it.after.private_dirty as f64 - it.before.private_dirty as f64),
    ));
    rows
}

/// A row of one of the figures of a start.
fn start<T>(
    table: &mut Table,
    what: &str,
    figures: &Figures<T>,
    figure: impl Fn(&T) -> &Overhead,
) -> Row {
    table.row(
        format!("start overhead, {what}, us (p10 to p90)"),
        figures,
        |_, it| {
            let Overhead { p10, median, p90 } = figure(it);
            format!("{} ({} to {})", short(*median), short(*p10), short(*p90))
        },
        |_, it| Some(figure(it).median),
    )
}

/// The figures of the start alone, and how they compare with those of other inits.
pub fn starts(bench: &Bench, starts: &Starts) -> String {
    type Compared<'a> = Vec<Result<&'a Overhead, &'static str>>;
    fn each<T>(figures: &Figures<T>, figure: impl Fn(&T) -> &Overhead) -> Compared<'_> {
        figures.iter().map(|it| it.as_ref().map(&figure).map_err(|reason| *reason)).collect()
    }
    let Starts { pinned, free, settled: [second, first], calls, memory } = starts;
    let rows = [
        ("pinned, until the command runs", each(pinned, |it| &it.latency)),
        ("pinned, total", each(pinned, |it| &it.total)),
        ("pinned, total with every chore done, cgroup v2", each(second, |it| it)),
        ("pinned, total with every chore done, cgroup v1", each(first, |it| it)),
        ("free, until the command runs", each(free, |it| &it.latency)),
        ("free, total", each(free, |it| &it.total)),
    ];
    let mut table = Table { bench, notes: Vec::new() };
    let mut text = String::from("| us over the command alone: p10, median |");
    bench.inits.iter().for_each(|init| write!(text, " {} |", init.name).unwrap());
    write!(text, "\n|{}", " --- |".repeat(bench.inits.len() + 1)).unwrap();
    let mut row = |label: &str, cells: Vec<Result<String, &'static str>>| {
        let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|reason| table.note(reason)));
        write!(text, "\n| {label} | {} |", cells.collect::<Vec<_>>().join(" | ")).unwrap();
    };
    for (label, figures) in rows {
        let cell = |it: &Overhead| format!("{}, {}", short(it.p10), short(it.median));
        row(label, figures.iter().map(|it| it.map(cell)).collect());
        for (init, peer) in bench.inits.iter().zip(&figures).filter(|(init, _)| init.is_compared) {
            let Ok(peer) = peer else { continue };
            let ratios =
                |it: &Overhead| format!("{:.2}, {:.2}", it.p10 / peer.p10, it.median / peer.median);
            row(
                &format!("… by that of {}", init.name),
                figures.iter().map(|it| it.map(ratios)).collect(),
            );
        }
    }
    let all = |figures: &[Result<u64, &'static str>]| {
        figures.iter().map(|it| it.map(|number| number.to_string())).collect()
    };
    row("system calls of a run, all processes", all(calls));
    let dirty = memory.iter().map(|it| it.as_ref().map(|it| it.private_dirty));
    let dirty: Vec<_> = dirty.map(|it| it.map_err(|reason| *reason)).collect();
    row("private dirty idle, KiB", all(&dirty));
    text.push('\n');
    for (index, note) in table.notes.iter().enumerate() {
        writeln!(text, "\n[{}] {note}", index + 1).unwrap();
    }
    text
}

fn cost(cost: &Cost) -> String {
    let Cost { median, low, high } = cost;
    format!("{} ({} to {})", short(*median), short(*low), short(*high))
}

/// What the init gave those that were left, in ms.
fn linger(init: &Init) -> f64 {
    if init.lingers { LINGER.as_secs_f64() * 1e3 } else { 0.0 }
}

/// A cell without its spread.
fn plain(cell: &str) -> &str {
    cell.split(" (").next().unwrap_or(cell)
}

/// An item of a list, in lines of at most 120 characters.
fn wrapped(item: &str) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for word in item.split(' ') {
        let width = word.chars().count() + 1;
        if length + width > 121 {
            text += "\n  ";
            length = 2;
        } else if length > 0 {
            text.push(' ');
        }
        text += word;
        length += width;
    }
    text + "\n"
}

/// Where others are ahead, by more than noise.
fn losses(text: &mut String, bench: &Bench, rows: &[Row]) {
    *text += "\n## Where other inits are ahead\n\nBy more than 3 %:\n\n";
    let mut none = true;
    for row in rows {
        let Some(own) = row.values[0] else { continue };
        let ahead = (1..bench.inits.len()).filter(|index| bench.inits[*index].name != "floor");
        let ahead = ahead.filter_map(|index| {
            let value = row.values[index]?;
            (own - value > own.abs() * 0.03)
                .then(|| format!("{} ({})", bench.inits[index].name, plain(&row.cells[index])))
        });
        let ahead: Vec<String> = ahead.collect();
        if !ahead.is_empty() {
            none = false;
            let item =
                format!("- {}: {}, behind {}", row.label, plain(&row.cells[0]), ahead.join(", "));
            *text += &wrapped(&item);
        }
    }
    if none {
        *text += "- none\n";
    }
}

fn method(text: &mut String, bench: &Bench, results: &Results) {
    let Bench { starts, copies, signals, memory, rounds, shrink, stuck, .. } = bench;
    let storm = &results.storm[0].as_ref().expect("sexton's storm").orphans;
    write!(
        text,
        include_str!("method.md"),
        starts = starts,
        copies = copies,
        memory = memory,
        rounds = rounds,
        signals = signals,
        workload = fs::metadata(&bench.workload).unwrap().len(),
        told = signals / 4,
        stuck = stuck.as_secs(),
        dense = grouped(DENSE / shrink),
        dense_rounds = rounds * MORE_ROUNDS,
        alive = grouped(MANY_ALIVE / shrink),
        alive_rare = grouped(MANY_ALIVE_RARE / shrink),
        looks = LOOKS,
        group = if results.grouped { "All of it is" } else { "It is not (none is available)" },
        tree = grouped(5000 / shrink),
        storm = grouped(*storm),
    )
    .unwrap();
}
