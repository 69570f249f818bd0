//! The figures of the README are those of `docs/benchmarks.md`.

use super::repository;
use std::fs;

/// Programs by their names there.
const PROGRAMS: [&str; 5] = ["**sexton**", "tini-musl", "dumb-init-musl", "catatonit", "pid1"];

/// Rows by how they begin there.
const ROWS: [&str; 6] = [
    "file",
    "start overhead, pinned, until",
    "start overhead, pinned, total, us",
    "signal forwarding p50",
    "CPU per orphan, us",
    "CPU per orphan, 10,000 children alive",
];

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

pub fn table() -> String {
    let page = fs::read_to_string(repository("docs/benchmarks.md")).unwrap();
    let (_, figures) = page.split_once("## Figures\n\n").expect("the figures");
    let lines: Vec<&str> = figures.lines().take_while(|line| line.starts_with('|')).collect();
    let header = cells(lines[0]);
    let columns = PROGRAMS.map(|program| {
        let column = header.iter().position(|cell| *cell == program);
        column.unwrap_or_else(|| panic!("docs/benchmarks.md has no {program}"))
    });
    let row = |start: &str| {
        let found = lines.iter().map(|line| cells(line)).find(|row| row[0].starts_with(start));
        let row = found.unwrap_or_else(|| panic!("docs/benchmarks.md has no row {start}"));
        // Ranges are left to the page.
        let figure = |column: usize| row[column].split([' ', '[']).next().unwrap().to_owned();
        let name = row[0].split(" (").next().unwrap();
        let figures: Vec<String> = columns.iter().map(|&column| figure(column)).collect();
        format!("| {name} | {} |\n", figures.join(" | "))
    };
    let mut text =
        format!("| | {} |\n| --- |{}\n", PROGRAMS.join(" | "), " --- |".repeat(PROGRAMS.len()));
    for start in ROWS {
        text += &row(start);
    }
    text
}
