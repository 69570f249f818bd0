//! Programs that change their own limits and scheduling: sexton's stay as they were.

use super::{WORLDS, World, fixture};
use crate::harness::Running;
use nix::libc;

/// sexton's niceness, CPUs and limit of open files.
fn attributes(running: &Running) -> (String, String, String) {
    let read =
        |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", running.pid)).unwrap();
    let stat = read("stat");
    let niceness =
        stat.rsplit(')').next().unwrap().split_whitespace().nth(19 - 3).unwrap().to_owned();
    let limits = read("limits");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    (niceness, running.status("Cpus_allowed_list"), files)
}

#[test]
fn a_pool_of_workers_is_pinned_and_nice() {
    fixture("pool.py", &[]).talk(&WORLDS, 0, |running, world| {
        let before = attributes(running);
        running.expect("as they were set: True True");
        if world != World::Alone {
            assert_eq!(attributes(running), before);
        }
        running.signal(libc::SIGUSR1);
        running.expect("main is as it was: True");
    });
}

/// 10,000 at most: the hard limit of a machine may be a billion.
#[test]
fn a_program_raises_its_limit_of_open_files_and_uses_it_up() {
    let program =
        fixture("nofile.py", &[]).with(|setup| setup.limit(libc::RLIMIT_NOFILE as i32, 64, 10_000));
    let lines = "from 64 to 10000\n\
                 EMFILE at 10000, the last is 9999\n\
                 inherited: 9900";
    program.prints(0, lines);
}
