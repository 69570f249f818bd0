//! What is read holds what it promises, whatever is in it, and so does what is written: the inputs that
//! `tests/fuzz` has found to matter, and those damaged at random, the same in every run.

use std::fs;
use std::path::PathBuf;

use crate::invariants::{self, corpus};
use crate::random::Random;

const RUNS: u64 = 20_000;

/// Tries what is kept for a target of `tests/fuzz` and some `more`, and what is like that.
fn damage(target: &str, more: &[Vec<u8>], check: fn(&[u8])) {
    let seeds = [kept(target), more.to_vec()].concat();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        check(seed);
    }
    let seed = |random: &mut Random| &seeds[random.below(seeds.len() as u64) as usize];
    for _ in 0..RUNS {
        let mut text = seed(&mut random).clone();
        for _ in 0..=random.below(4) {
            change(&mut text, &mut random);
        }
        if random.below(8) == 0 {
            let other = seed(&mut random);
            text.extend_from_slice(&other[random.below(other.len() as u64 + 1) as usize..]);
        }
        check(&text);
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    corpus::inputs(&fs::read_to_string(folder().join("corpus").join(target)).unwrap())
}

/// Flips, cuts, inserts or repeats something.
fn change(text: &mut Vec<u8>, random: &mut Random) {
    /// What parsers care for.
    const LOGGING: &[u8] = b" \n\t:,()0179-+xZ/=$\0\x0c\xff";
    let at = random.below(text.len() as u64 + 1) as usize;
    let end = (at + random.below(16) as usize).min(text.len());
    match random.below(6) {
        0 if at < text.len() => text[at] ^= 1 << random.below(8),
        1 => text.truncate(at),
        2 => drop(text.drain(at..end)),
        3 => text.insert(at, LOGGING[random.below(LOGGING.len() as u64) as usize]),
        4 => text.insert(at, random.below(256) as u8),
        _ => {
            let part = text[at..end].to_vec();
            text.splice(at..at, part.repeat(1 + random.below(20) as usize));
        }
    }
}

fn of_this_process(file: &str) -> Vec<u8> {
    fs::read(format!("/proc/self/{file}")).unwrap()
}

#[test]
fn command_lines_make_a_plan_or_an_error_of_one_line() {
    damage("command_line", &[], invariants::command_line);
}

#[test]
fn values_are_read_as_they_are_shown() {
    damage("values", &[], invariants::values);
}

#[test]
fn users_and_groups_are_found_whatever_is_among_them() {
    damage("users", &[], invariants::users);
}

#[test]
fn log_lines_are_whole_and_well_formed_whatever_they_say() {
    damage("log", &[], invariants::log);
}

#[test]
fn reports_are_well_formed_whatever_has_happened() {
    damage("report", &[], invariants::report);
}

#[test]
fn stat_is_read_whatever_is_in_it() {
    damage("stat", &[of_this_process("stat")], invariants::stat);
}

#[test]
fn status_is_read_whatever_is_in_it() {
    damage("status", &[of_this_process("status")], invariants::status);
}

#[test]
fn limits_are_read_whatever_is_in_them() {
    damage("limits", &[of_this_process("limits")], invariants::limits);
}

#[test]
fn files_of_cgroups_are_read_whatever_is_in_them() {
    damage("cgroup", &[of_this_process("cgroup")], invariants::cgroup);
}

#[test]
fn no_process_is_lost_in_any_tree() {
    damage("forest", &[], invariants::forest);
}

#[test]
fn what_is_kept_of_each_target_reads_as_it_is_written() {
    let names = |part: &str| {
        let files = fs::read_dir(folder().join(part)).unwrap().map(|file| file.unwrap().path());
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<String> = files.map(stem).collect();
        names.sort_unstable();
        names
    };
    let targets = names("fuzz_targets");
    assert_eq!(names("corpus"), targets);
    for target in targets {
        let text = fs::read_to_string(folder().join("corpus").join(&target)).unwrap();
        let again: String = kept(&target).iter().map(|input| corpus::line(input) + "\n").collect();
        assert_eq!(again, text, "{target}");
        assert!(!text.is_empty(), "{target}");
    }
}
