//! docs/faults.md: what sexton did, one line a call, place and result.

use crate::inject::Phase;
use crate::{Job, Verdict, calls};
use nix::errno::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Call and what it is about, and what came of it.
type Key<'v> = (&'static str, &'v str, String);

/// In which runs, with which errors, when.
#[derive(Default)]
struct Cell<'v> {
    runs: BTreeSet<&'v str>,
    errors: BTreeSet<i32>,
    when: BTreeSet<&'static str>,
}

const PHASES: [(Phase, &str); 5] = [
    (Phase::Library, "Before sexton's first instruction: the C library"),
    (Phase::Start, "Before the start of the command"),
    (Phase::Child, "In the child, before exec"),
    (Phase::Started, "After the start of the command"),
    (Phase::Loop, "In the loop and at the end"),
];

pub fn page(verdicts: &[(&Job, Verdict)]) -> String {
    let mut page = include_str!("page.md").replace("{runs}", &verdicts.len().to_string());
    for (phase, title) in PHASES {
        let mut cells: BTreeMap<Key, Cell> = BTreeMap::new();
        for (job, verdict) in verdicts.iter().filter(|(job, _)| job.fault.site.phase == phase) {
            let site = &job.fault.site;
            let cell = cells.entry((site.call, &site.detail, masked(&verdict.result))).or_default();
            cell.runs.insert(job.scenario.name);
            cell.errors.insert(job.fault.errno);
            cell.when.insert(match (job.fault.for_ever, job.fault.after) {
                (true, _) => "for ever",
                (false, 0) => "once",
                (false, _) => "the second time",
            });
        }
        let count = verdicts.iter().filter(|(job, _)| job.fault.site.phase == phase).count();
        write!(page, "\n## {title} ({count} runs)\n\n").unwrap();
        page += "| call | in | fails with | when | sexton |\n| --- | --- | --- | --- | --- |\n";
        for ((call, detail, result), cell) in cells {
            let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
            let errors =
                match calls::by_name(call).errors().all(|errno| cell.errors.contains(&errno)) {
                    true => "any of its errors".to_owned(),
                    false => list(
                        cell.errors.iter().map(|&errno| format!("{:?}", Errno::from_raw(errno))),
                    ),
                };
            let runs = list(cell.runs.iter().copied().map(str::to_owned));
            let when = list(cell.when.iter().copied().map(str::to_owned));
            let result = result.replace('|', "\\|");
            writeln!(page, "| {call}{detail} | {runs} | {errors} | {when} | {result} |").unwrap();
        }
    }
    page
}

/// A result without what differs from run to run: each number in what was told is an N.
fn masked(result: &str) -> String {
    let Some((status, told)) = result.split_once("; ") else { return result.to_owned() };
    let mut masked = format!("{status}; ");
    for c in told.chars() {
        match c {
            '0'..='9' if masked.ends_with('N') => {}
            '0'..='9' => masked.push('N'),
            c => masked.push(c),
        }
    }
    masked.replace("N.N", "N")
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
