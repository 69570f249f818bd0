//! The table, and what stands under it.

use super::findings::{self, Findings};
use super::snapshot::{Process, Snapshot};
use crate::kernel::cgroup::Usage;
use crate::text::escape::visible;
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
    cell: fn(&Snapshot, &Process) -> Option<String>,
}

const fn column(
    title: &'static str,
    left: bool,
    rank: u8,
    cell: fn(&Snapshot, &Process) -> Option<String>,
) -> Column {
    Column { title, left, rank, cell }
}

/// For what a process that has ended has no more.
const NOTHING: &str = "-";

fn unless_ended(process: &Process, value: Option<String>) -> Option<String> {
    if process.is_zombie() { Some(NOTHING.to_owned()) } else { value }
}

static COLUMNS: [Column; 9] = [
    column("PID", false, 0, |_, process| Some(process.pid.to_string())),
    column("USER", true, 3, |snapshot, process| {
        snapshot.users.name(process).map(|name| cut(&visible(name), 12))
    }),
    column("STATE", true, 0, |_, process| Some(state(process)?.to_owned())),
    column("AGE", false, 2, |_, process| process.age.map(|age| Span(age).to_string())),
    column("CPU", false, 4, |_, process| Some(Span(process.stat?.cpu_time()).to_string())),
    column("MEM", false, 1, |_, process| {
        let memory = process.status.map(|status| Size(status.memory.unwrap_or(0)).to_string());
        unless_ended(process, memory)
    }),
    column("THR", false, 5, |_, process| {
        unless_ended(process, process.stat.map(|stat| stat.threads.to_string()))
    }),
    column("FDS", false, 6, |_, process| {
        unless_ended(process, process.open_files.map(|count| count.to_string()))
    }),
    column("TERM", true, 0, |_, process| {
        unless_ended(process, process.on_sigterm().map(|reaction| reaction.name().to_owned()))
    }),
];

/// A word for the state; `None` if it cannot be seen.
pub fn state(process: &Process) -> Option<&'static str> {
    Some(match process.stat?.state {
        _ if process.is_zombie() => "zombie",
        'R' => "running",
        'S' => "sleeping",
        'D' => "disk",
        'T' => "stopped",
        't' => "traced",
        'I' => "idle",
        'Z' => "leaderless", // its first thread has ended, others go on
        _ => "other",
    })
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
    zombies(findings, &mut page);
    let (init, advice) = findings::of_init(snapshot);
    page.about(if advice.is_some() { Ink::Yellow } else { Ink::Plain }, "PID 1", &init);
    if let Some(advice) = advice {
        page.hint(advice);
    }
    main(snapshot, &mut page);
    if let Some(memory) = snapshot.memory {
        let kills = memory.hits.map(|kills| match kills {
            1 => ", 1 OOM kill".to_owned(),
            kills => format!(", {kills} OOM kills"),
        });
        let kills = kills.unwrap_or_default();
        let ink = if memory.hits.is_some_and(|kills| kills > 0) { Ink::Yellow } else { Ink::Plain };
        page.about(
            ink,
            "memory",
            &format!("{}{kills}", used(memory, |bytes| Size(bytes).to_string())),
        );
    }
    if let Some(pids) = snapshot.pids {
        let refused = pids.hits.map(|hits| match (hits, pids.by_own_limit) {
            (1, true) => ", limit hit once".to_owned(),
            (hits, true) => format!(", limit hit {hits} times"),
            (1, false) => ", 1 fork refused".to_owned(),
            (hits, false) => format!(", {hits} forks refused"),
        });
        let refused = refused.unwrap_or_default();
        let ink = if findings.pids.is_some() { Ink::Yellow } else { Ink::Plain };
        page.about(ink, "pids", &format!("{}{refused}", used(pids, |count| count.to_string())));
    }
    page.text
}

fn used(usage: Usage, shown: impl Fn(u64) -> String) -> String {
    let limit =
        usage.limit.map_or(", no limit".to_owned(), |limit| format!(" of {}", shown(limit)));
    format!("{}{limit}", shown(usage.current))
}

fn tree(snapshot: &Snapshot, page: &mut Page) {
    let tree = snapshot.tree();
    let rows: Vec<[String; COLUMNS.len()]> = tree
        .iter()
        .map(|(process, _)| {
            COLUMNS
                .each_ref()
                .map(|column| (column.cell)(snapshot, process).unwrap_or_else(|| "?".to_owned()))
        })
        .collect();
    // Each column's width, or `None` for one that is left out.
    let mut widths = COLUMNS.each_ref().map(|column| Some(column.title.len()));
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(Some(columns(cell)));
        }
    }
    if let Some(room) = page.paper.width {
        leave_out(&mut widths, room.saturating_sub(COMMAND));
    }
    let titles = COLUMNS.each_ref().map(|column| column.title.to_owned());
    page.line(Ink::Bold, &(line(&widths, &titles) + "COMMAND"));
    for ((process, depth), row) in tree.iter().zip(&rows) {
        let branch = match depth {
            0 => String::new(),
            depth => "  ".repeat((depth - 1).min(DEEPEST)) + "\\_ ",
        };
        let line = format!("{}{branch}{}", line(&widths, row), visible(&process.command()));
        page.line(if process.is_zombie() { Ink::Red } else { Ink::Plain }, &line);
    }
}

/// Leaves out columns until the rest fits.
fn leave_out(widths: &mut [Option<usize>; COLUMNS.len()], room: usize) {
    while widths.iter().flatten().map(|width| width + 1).sum::<usize>() > room {
        let columns = COLUMNS.iter().map(|column| column.rank).zip(widths.iter_mut());
        let shown = columns.filter(|(rank, width)| *rank > 0 && width.is_some());
        let Some((_, width)) = shown.max_by_key(|(rank, _)| *rank) else { return };
        *width = None;
    }
}

/// The cells in their columns, with a blank behind each.
fn line(widths: &[Option<usize>; COLUMNS.len()], cells: &[String; COLUMNS.len()]) -> String {
    let mut line = String::new();
    for ((column, width), cell) in COLUMNS.iter().zip(widths).zip(cells) {
        let Some(width) = width else { continue };
        let padding = " ".repeat(width.saturating_sub(columns(cell)));
        let (before, after) =
            if column.left { ("", padding.as_str()) } else { (padding.as_str(), "") };
        write!(line, "{before}{cell}{after} ").ok();
    }
    line
}

fn zombies(findings: &Findings, page: &mut Page) {
    for unreaped in &findings.neglects {
        let count = unreaped.zombies.len();
        let mut list = format!("{count} of {}: ", visible(&unreaped.parent()));
        for (index, zombie) in unreaped.zombies.iter().take(NAMED).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(list, "{comma}{} ({})", zombie.pid, visible(&zombie.name)).ok();
        }
        if count > NAMED {
            write!(list, " and {} more", count - NAMED).ok();
        }
        page.about(Ink::Red, "zombies", &list);
        page.hint(&unreaped.advice);
    }
}

fn main(snapshot: &Snapshot, page: &mut Page) {
    let Some(main) = snapshot.main.and_then(|pid| snapshot.process(pid)) else { return };
    page.about(Ink::Plain, "command", &format!("process {} ({})", main.pid, visible(&main.name())));
    if snapshot.limits.is_empty() {
        return;
    }
    let mut limits = String::new();
    for (resource, value) in &snapshot.limits {
        let Limits { soft, hard } = *value;
        let name = resource.name();
        if soft == UNLIMITED {
            continue;
        }
        // As --rlimit takes them: one value sets both.
        if soft == hard {
            write!(limits, "{name}={soft} ").ok();
        } else {
            write!(limits, "{name}={value} ").ok();
        }
        if let (Resource::Nofile, Some(open)) = (resource, main.open_files) {
            write!(limits, "({open} open) ").ok();
        }
    }
    page.about(Ink::Plain, "limits", &(limits + "(others: unlimited)"));
}

/// What is written so far.
struct Page {
    paper: Paper,
    text: String,
}

impl Page {
    /// A line, cut off where the paper ends.
    fn line(&mut self, ink: Ink, line: &str) {
        let line = match self.paper.width {
            Some(width) => cut(line, width),
            None => line.to_owned(),
        };
        let line = line.trim_end();
        let start = match ink {
            _ if !self.paper.colour => "",
            Ink::Plain => "",
            Ink::Bold => "\x1b[1m",
            Ink::Red => "\x1b[31m",
            Ink::Yellow => "\x1b[33m",
        };
        let end = if start.is_empty() { "" } else { "\x1b[0m" };
        writeln!(self.text, "{start}{line}{end}").ok();
    }

    /// What there is to say about something: in as many lines as it takes, broken between words.
    fn about(&mut self, ink: Ink, what: &str, text: &str) {
        const INDENT: usize = 9;
        let room = self.paper.width.unwrap_or(usize::MAX).saturating_sub(INDENT);
        let mut label = what.to_owned() + ":";
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
                self.line(ink, &format!("{label:INDENT$}{line}"));
                label.clear();
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(ink, &format!("{label:INDENT$}{line}"));
    }

    fn hint(&mut self, text: &str) {
        self.about(Ink::Yellow, "  hint", text);
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
fn cut(text: &str, columns: usize) -> String {
    let mut taken = 0;
    text.chars()
        .take_while(|&c| {
            taken += width(c);
            taken <= columns
        })
        .collect()
}

/// A length of time in at most six letters: `3.2s`, `45s`, `12m03s`, `5h07m`, `12d04h`, `800d`.
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        match self.0.as_secs() {
            seconds @ 0..10 => write!(f, "{seconds}.{}s", self.0.subsec_millis() / 100),
            seconds @ 10..MINUTE => write!(f, "{seconds}s"),
            seconds @ MINUTE..HOUR => write!(f, "{}m{:02}s", seconds / MINUTE, seconds % MINUTE),
            seconds @ HOUR..DAY => write!(f, "{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
            seconds if seconds < 100 * DAY => {
                write!(f, "{}d{:02}h", seconds / DAY, seconds % DAY / HOUR)
            }
            seconds => write!(f, "{}d", seconds / DAY),
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
            let mut widths = COLUMNS.each_ref().map(|_| Some(5));
            leave_out(&mut widths, room);
            let titles = COLUMNS.iter().zip(widths).filter(|(_, width)| width.is_some());
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
        assert_eq!(visible("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        let mut page = Page { paper: Paper { width: Some(20), colour: true }, text: String::new() };
        page.about(Ink::Red, "what", "one two three fourteen-letters-and-more");
        let expected = "\x1b[31mwhat:    one two\x1b[0m\n\x1b[31m         three\x1b[0m\n\
            \x1b[31m         fourteen-le\x1b[0m\n";
        assert_eq!(page.text, expected);
    }
}
