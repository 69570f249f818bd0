//! The parsers of kernel files hold what they promise, whatever is in the files: real texts, damaged at random,
//! the same in every run.

use std::fs;

use crate::invariants;
use crate::random::Random;

const RUNS: u64 = 20_000;

/// Texts that are like what the parser meets; `most`: how many changes are made to one.
fn damage(seeds: &[Vec<u8>], check: fn(&[u8])) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in seeds {
        check(seed);
    }
    for _ in 0..RUNS {
        let mut text = seeds[random.below(seeds.len() as u64) as usize].clone();
        for _ in 0..=random.below(4) {
            change(&mut text, &mut random);
        }
        check(&text);
    }
}

/// Flips, cuts, inserts or repeats something.
fn change(text: &mut Vec<u8>, random: &mut Random) {
    /// What parsers care for.
    const TELLING: &[u8] = b" \n\t:,()0179-+xZ/\0\xff";
    let at = random.below(text.len() as u64 + 1) as usize;
    let end = (at + random.below(16) as usize).min(text.len());
    match random.below(6) {
        0 if at < text.len() => text[at] ^= 1 << random.below(8),
        1 => text.truncate(at),
        2 => drop(text.drain(at..end)),
        3 => text.insert(at, TELLING[random.below(TELLING.len() as u64) as usize]),
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
fn stat_is_read_whatever_is_in_it() {
    let zombie = b"42 (a) b) Z 1 42 42 0 -1 4 0 0 0 0 5 7 0 0 20 0 1 0 99 0 0\n".to_vec();
    damage(&[of_this_process("stat"), zombie], invariants::stat);
}

#[test]
fn status_is_read_whatever_is_in_it() {
    let short =
        b"Name:\ta\nUid:\t0\t5\t0\t0\nTracerPid:\t3\nVmRSS:\t 8 kB\nSigIgn:\t00000000000000a1\n";
    damage(&[of_this_process("status"), short.to_vec()], invariants::status);
}

#[test]
fn limits_are_read_whatever_is_in_them() {
    let short = b"Max cpu time  unlimited  5  seconds\nMax open files  3  4  files\n".to_vec();
    damage(&[of_this_process("limits"), short], invariants::limits);
}

#[test]
fn files_of_cgroups_are_read_whatever_is_in_them() {
    let v1 = b"9:cpu,cpuacct:/a\n5:memory:/docker/x:y\n3:pids:/z\n0::/v2\n".to_vec();
    let events = b"low 0\nhigh 3\nmax 9\noom 2\noom_kill 7\noom_group_kill 1\n".to_vec();
    let limits = [b"9223372036854771712\n".to_vec(), b"4096\n".to_vec(), b"max\n".to_vec()];
    let seeds = [&[of_this_process("cgroup"), v1, events][..], &limits].concat();
    damage(&seeds, invariants::cgroup);
}

#[test]
fn names_of_users_are_found_whatever_is_among_them() {
    let passwd =
        b"root:x:0:0:root:/root:/bin/sh\n#\nx:y\n\xff:x:1000:1000:::\nnobody:x:4294967294:0::/:\n";
    damage(&[passwd.to_vec()], invariants::users);
}

#[test]
fn nobody_is_lost_whoever_is_whose_parent() {
    damage(&[b"\x01\x00\x05\x01\x06\x05\x07\x07\x08\x09\x09\x08".to_vec()], invariants::forest);
}
