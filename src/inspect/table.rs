//! The table, and what stands under it.

use super::findings::{self, Findings, Unreaped};
use super::snapshot::{Process, Snapshot};
use crate::kernel::cgroup::Usage;
use crate::text::escape::Visible;
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use std::fmt::{self, Write};
use std::time::Duration;

/// What it is shown on.
#[derive(Clone, Copy)]
pub struct Paper {
    /// Lines are no longer than this; `None`: as long as they are.
    pub width: Option<usize>,
    pub colour: bool,
}

/// How a line stands out.
#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Bold,
    Red,
    Yellow,
}

/// One column before the command.
struct Column {
    title: &'static str,
    /// Words stand at the left, numbers at the right.
    left: bool,
    /// Where there is no room, the highest go first; 0 stays.
    rank: u8,
    /// A process that has ended has no more of it.
    until_end: bool,
    cell: fn(&Process) -> Option<Cell>,
}

/// What stands in a column.
enum Cell<'a> {
    Word(&'a str),
    User(&'a str),
    Number(u64),
    Time(Duration),
    Bytes(u64),
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Cell::Word(word) => f.write_str(word),
            Cell::User(name) => f.write_str(cut(&format!("{}", Visible(name)), 12)),
            Cell::Number(number) => number.fmt(f),
            Cell::Time(time) => Span(time).fmt(f),
            Cell::Bytes(bytes) => Size(bytes).fmt(f),
        }
    }
}

const fn column(
    title: &'static str,
    left: bool,
    rank: u8,
    until_end: bool,
    cell: fn(&Process) -> Option<Cell>,
) -> Column {
    Column { title, left, rank, until_end, cell }
}

static COLUMNS: [Column; 9] = [
    column("PID", false, 0, false, |it| Some(Cell::Number(it.pid.unsigned_abs().into()))),
    column("USER", true, 3, false, |it| it.user.as_deref().map(Cell::User)),
    column("STATE", true, 0, false, |it| it.state().map(Cell::Word)),
    column("AGE", false, 2, false, |it| it.age.map(Cell::Time)),
    column("CPU", false, 4, false, |it| Some(Cell::Time(it.stat?.cpu_time()))),
    column("MEM", false, 1, true, |it| Some(Cell::Bytes(it.status?.memory.unwrap_or(0)))),
    column("THR", false, 5, true, |it| Some(Cell::Number(it.stat?.threads))),
    column("FDS", false, 6, true, |it| it.open_files.map(Cell::Number)),
    column("TERM", true, 0, true, |it| Some(Cell::Word(it.on_sigterm()?.name()))),
];

impl Column {
    /// What it has of a process, in place of what the buffer holds.
    fn write(&self, process: &Process, cell: &mut String) {
        let shown = match (self.cell)(process) {
            _ if self.until_end && process.is_zombie() => Cell::Word("-"),
            shown => shown.unwrap_or(Cell::Word("?")),
        };
        cell.clear();
        write!(cell, "{shown}").ok();
    }
}

/// The least room for a command, before a column is left out.
const COMMAND: usize = 16;

/// Deeper than this, all are shown at the same depth.
const DEEPEST: usize = 24;

/// How many zombies of one parent are named.
const NAMED: usize = 8;

/// Renders all of it.
pub fn render(snapshot: &Snapshot, findings: &Findings, paper: Paper) -> String {
    let mut page = Page { paper, text: String::new() };
    tree(snapshot, &mut page);
    page.line(Ink::Plain, "");
    for unreaped in &findings.neglects {
        zombies(unreaped, &mut page);
    }
    let (what, advice) = findings::of_init(snapshot);
    let ink = if advice.is_some() { Ink::Yellow } else { Ink::Plain };
    page.about(ink, "PID 1:", format_args!("{}{what}", snapshot.init_name()));
    if let Some(advice) = advice {
        page.hint(advice);
    }
    if let Some(main) = snapshot.main.and_then(|pid| snapshot.process(pid)) {
        page.about(Ink::Plain, "command:", format_args!("process {} ({})", main.pid, main.name));
        limits(&snapshot.limits, main.open_files, &mut page);
    }
    if let Some(memory) = snapshot.memory {
        let struck = memory.hits.is_some_and(|kills| kills > 0);
        let words = ["1 OOM kill", "", " OOM kills"];
        used(memory, "memory:", Cell::Bytes, words, struck, &mut page);
    }
    if let Some(pids) = snapshot.pids {
        let words = match pids.by_own_limit {
            true => ["limit hit once", "limit hit ", " times"],
            false => ["1 fork refused", "", " forks refused"],
        };
        used(pids, "pids:", Cell::Number, words, findings.pids.is_some(), &mut page);
    }
    page.text
}

/// How much is used, and how often the limit had its way: once, or in the other words with a number between.
fn used(
    usage: Usage,
    label: &str,
    shown: fn(u64) -> Cell<'static>,
    [once, before, after]: [&str; 3],
    warns: bool,
    page: &mut Page,
) {
    let mut text = format!("{}", shown(usage.current));
    match usage.limit {
        Some(limit) => write!(text, " of {}", shown(limit)),
        None => text.write_str(", no limit"),
    }
    .ok();
    match usage.hits {
        Some(1) => write!(text, ", {once}"),
        Some(hits) => write!(text, ", {before}{hits}{after}"),
        None => Ok(()),
    }
    .ok();
    page.about(if warns { Ink::Yellow } else { Ink::Plain }, label, format_args!("{text}"));
}

/// Each column's width; 0 for one that is left out.
type Widths = [usize; COLUMNS.len()];

fn tree(snapshot: &Snapshot, page: &mut Page) {
    let mut widths = COLUMNS.each_ref().map(|column| column.title.len());
    let mut cell = String::new();
    for process in &snapshot.processes {
        for (width, column) in widths.iter_mut().zip(&COLUMNS) {
            column.write(process, &mut cell);
            *width = (*width).max(columns(&cell));
        }
    }
    if let Some(room) = page.paper.width {
        leave_out(&mut widths, room.saturating_sub(COMMAND));
    }
    let mut line = String::new();
    for (column, width) in COLUMNS.iter().zip(widths) {
        add(&mut line, column, width, column.title);
    }
    line.push_str("COMMAND");
    page.line(Ink::Bold, &line);
    for (index, depth) in snapshot.tree() {
        let Some(process) = snapshot.processes.get(index) else { continue };
        line.clear();
        for (column, width) in COLUMNS.iter().zip(widths) {
            column.write(process, &mut cell);
            add(&mut line, column, width, &cell);
        }
        if depth > 0 {
            let indent = 2 * (depth - 1).min(DEEPEST);
            write!(line, "{:indent$}\\_ ", "").ok();
        }
        write!(line, "{}", Visible(&process.command)).ok();
        page.line(if process.is_zombie() { Ink::Red } else { Ink::Plain }, &line);
    }
}

/// Leaves out columns until the rest fits.
fn leave_out(widths: &mut Widths, room: usize) {
    for rank in (1..=COLUMNS.len()).rev() {
        let shown = widths.iter().filter(|width| **width > 0);
        if shown.map(|width| width + 1).sum::<usize>() <= room {
            return;
        }
        for (width, column) in widths.iter_mut().zip(&COLUMNS) {
            if usize::from(column.rank) == rank {
                *width = 0;
            }
        }
    }
}

/// Adds a cell to a line, with a blank behind it, unless its column is left out.
fn add(line: &mut String, column: &Column, width: usize, cell: &str) {
    if width > 0 {
        let padding = width.saturating_sub(columns(cell));
        let (before, after) = if column.left { (0, padding) } else { (padding, 0) };
        write!(line, "{:before$}{cell}{:after$} ", "", "").ok();
    }
}

fn zombies(unreaped: &Unreaped, page: &mut Page) {
    let count = unreaped.zombies.len();
    let mut list = format!("{count} of {}: ", unreaped.parent);
    for (index, zombie) in unreaped.zombies.iter().take(NAMED).enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        write!(list, "{comma}{} ({})", zombie.pid, zombie.name).ok();
    }
    if count > NAMED {
        write!(list, " and {} more", count - NAMED).ok();
    }
    page.about(Ink::Red, "zombies:", format_args!("{list}"));
    page.hint(&unreaped.advice);
}

/// The command's limits, as --rlimit takes them: one value sets both.
fn limits(limits: &[(Resource, Limits)], open_files: Option<u64>, page: &mut Page) {
    if limits.is_empty() {
        return;
    }
    let mut text = String::new();
    for (resource, value) in limits {
        let shown: &dyn fmt::Display = match value {
            Limits { soft: UNLIMITED, .. } => continue,
            Limits { soft, hard } if soft == hard => soft,
            both => both,
        };
        write!(text, "{}={shown} ", resource.name()).ok();
        if let (Resource::Nofile, Some(open)) = (resource, open_files) {
            write!(text, "({open} open) ").ok();
        }
    }
    page.about(Ink::Plain, "limits:", format_args!("{text}(others: unlimited)"));
}

/// What is written so far.
struct Page {
    paper: Paper,
    text: String,
}

impl Page {
    /// A line, cut off where the paper ends.
    fn line(&mut self, ink: Ink, line: &str) {
        let line = cut(line, self.paper.width.unwrap_or(usize::MAX)).trim_ascii_end();
        let start = match ink {
            Ink::Bold => "\x1b[1m",
            Ink::Red => "\x1b[31m",
            Ink::Yellow => "\x1b[33m",
            Ink::Plain => "",
        };
        if self.paper.colour && !start.is_empty() {
            writeln!(self.text, "{start}{line}\x1b[0m").ok();
        } else {
            writeln!(self.text, "{line}").ok();
        }
    }

    /// What there is to say about something: in as many lines as it takes, broken between words.
    fn about(&mut self, ink: Ink, label: &str, text: fmt::Arguments) {
        const INDENT: usize = 9;
        let width = self.paper.width.unwrap_or(usize::MAX);
        let text = format!("{}", Visible(&format!("{text}")));
        let mut line = format!("{label:INDENT$}");
        for word in text.split(' ') {
            if line.len() > INDENT {
                if columns(&line) + 1 + columns(word) > width {
                    self.line(ink, &line);
                    line.clear();
                    write!(line, "{:INDENT$}", "").ok();
                } else {
                    line.push(' ');
                }
            }
            line.push_str(word);
        }
        self.line(ink, &line);
    }

    fn hint(&mut self, text: &str) {
        self.about(Ink::Yellow, "  hint:", format_args!("{text}"));
    }
}

/// How many columns a text takes at most: letters outside of ASCII may take two.
fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
}

/// As much of a text as fits into so many columns.
fn cut(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += width(c);
        if taken > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// A length of time in at most six letters: `3.2s`, `45s`, `12m03s`, `5h07m`, `12d04h`, `800d`.
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let seconds = self.0.as_secs();
        let (whole, unit, part, smaller) = match seconds {
            0..10 => return write!(f, "{seconds}.{}s", self.0.subsec_millis() / 100),
            10..MINUTE => return write!(f, "{seconds}s"),
            MINUTE..HOUR => (seconds / MINUTE, 'm', seconds % MINUTE, 's'),
            HOUR..DAY => (seconds / HOUR, 'h', seconds % HOUR / MINUTE, 'm'),
            _ => (seconds / DAY, 'd', seconds % DAY / HOUR, 'h'),
        };
        if seconds < 100 * DAY {
            write!(f, "{whole}{unit}{part:02}{smaller}")
        } else {
            write!(f, "{whole}d")
        }
    }
}

/// A number of bytes: `0`, `640`, `108K`, `45.2M`, `1.5G`; units are powers of 1024.
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tenths = u128::from(self.0) * 10;
        let mut units = "KMGTPE".chars();
        let mut unit = None;
        while tenths >= 10_240 {
            tenths /= 1024;
            unit = units.next();
        }
        let tenths = tenths as u64; // small enough, and needs less to be printed
        match unit {
            Some(unit) if tenths < 1000 => write!(f, "{}.{}{unit}", tenths / 10, tenths % 10),
            Some(unit) => write!(f, "{}{unit}", tenths / 10),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        const HOUR: u64 = 3600;
        for (milliseconds, expected) in [
            (0, "0.0s"),
            (3_250, "3.2s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (59_999, "59s"),
            (60_000, "1m00s"),
            (HOUR * 1000 - 1, "59m59s"),
            (HOUR * 1000, "1h00m"),
            (27 * HOUR * 1000, "1d03h"),
            (100 * 24 * HOUR * 1000, "100d"),
        ] {
            assert_eq!(Span(Duration::from_millis(milliseconds)).to_string(), expected);
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (108 << 10, "108K"),
            (45_400_000, "43.2M"),
            (1 << 40, "1.0T"),
            (u64::MAX, "15.9E"),
        ] {
            assert_eq!(Size(bytes).to_string(), expected);
        }
    }

    #[test]
    fn columns_go_as_the_room_does() {
        let left = |room| {
            let mut widths = [5; COLUMNS.len()];
            leave_out(&mut widths, room);
            let titles = COLUMNS.iter().zip(widths).filter(|(_, width)| *width > 0);
            titles.map(|(column, _)| column.title).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(left(54), "PID USER STATE AGE CPU MEM THR FDS TERM");
        assert_eq!(left(53), "PID USER STATE AGE CPU MEM THR TERM");
        assert_eq!(left(30), "PID STATE AGE MEM TERM");
        assert_eq!(left(0), "PID STATE TERM");
    }

    #[test]
    fn nothing_goes_past_the_end_of_a_line() {
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("aéb", 3), "aé");
        assert_eq!(cut("aéb", 2), "a");
        let mut page = Page { paper: Paper { width: Some(20), colour: true }, text: String::new() };
        page.about(Ink::Red, "what:", format_args!("one t\nw three fourteen-letters-and-more"));
        let expected = "\x1b[31mwhat:    one t\\nw\x1b[0m\n\x1b[31m         three\x1b[0m\n\
            \x1b[31m         fourteen-le\x1b[0m\n";
        assert_eq!(page.text, expected);
    }
}
