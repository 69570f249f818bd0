//! SPEC 6: `--rlimit`.

use crate::harness::{Setup, probe};
use crate::worlds::without_sys_resource;
use nix::libc;

/// The limits that the command reports, by the kernel's number: soft and hard.
fn limits(setup: Setup) -> Vec<(u64, u64)> {
    let ended = setup.run();
    assert_eq!(ended.status, 0, "{ended:?}");
    let number = |word: &str| word.parse().unwrap();
    let lines = ended.stdout.lines().filter(|line| line.starts_with("limit "));
    lines
        .map(|line| {
            let (_, values) = line.split_once(": ").unwrap();
            let (soft, hard) = values.split_once(' ').unwrap();
            (number(soft), number(hard))
        })
        .collect()
}

const NAMES: [&str; 16] = [
    "cpu",
    "fsize",
    "data",
    "stack",
    "core",
    "rss",
    "nproc",
    "nofile",
    "memlock",
    "as",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
];

#[test]
fn each_of_the_sixteen_limits_reaches_the_command_and_no_other_changes() {
    let before = limits(Setup::new(&[&probe(), "report"]));
    for (index, name) in NAMES.iter().enumerate() {
        let (soft, hard) = before[index];
        // Below what is there, and enough to run with.
        let (new_soft, new_hard) = match *name {
            "nice" | "rtprio" => (0, 0),
            _ => ((1 << 27).min(soft.max(1) - 1), (1 << 28).min(hard.max(1) - 1)),
        };
        let flag = format!("--rlimit={name}={new_soft}:{new_hard}");
        let after = limits(Setup::new(&[&flag, &probe(), "report"]));
        for (other, limit) in after.iter().enumerate() {
            let expected = if other == index { (new_soft, new_hard) } else { before[other] };
            assert_eq!(*limit, expected, "{flag}: {}", NAMES[other]);
        }
    }
}

#[test]
fn sizes_times_max_and_unlimited() {
    let (_, nofile) = limits(Setup::new(&[&probe(), "report"]))[7];
    let flags = [
        "--rlimit=as=4G",
        "--rlimit=cpu=90s:2m",
        "--rlimit=nofile=17:max",
        "--rlimit=rttime=1s",
        "--rlimit=stack=1M:unlimited",
    ];
    let words: Vec<&str> = flags.into_iter().chain([probe().leak() as &str, "report"]).collect();
    let after = limits(Setup::new(&words));
    assert_eq!(after[9], (4 << 30, 4 << 30));
    assert_eq!(after[0], (90, 120));
    assert_eq!(after[7], (17, nofile));
    assert_eq!(after[15], (1_000_000, 1_000_000));
    assert_eq!(after[3], (1 << 20, u64::MAX));
}

#[test]
fn max_raises_the_soft_limit_to_the_hard_one() {
    let after = limits(Setup::new(&["--rlimit=nofile=max", &probe(), "report"]).limit(7, 50, 700));
    assert_eq!(after[7], (700, 700));
}

#[test]
fn the_variable_sets_limits_too_and_the_flag_beats_it() {
    let setup = Setup::new(&["--rlimit=nofile=60", &probe(), "report"]);
    let after = limits(setup.variable("SEXTON_RLIMIT=nofile=50,core=0"));
    assert_eq!((after[7], after[4]), ((60, 60), (0, 0)));
}

#[test]
fn a_limit_that_cannot_be_applied_is_an_error_and_the_command_is_not_run() {
    let setup = Setup::new(&["--rlimit=nofile=2000:2000", "echo", "main was run"]);
    let ended = without_sys_resource(setup.limit(7, 100, 1000)).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        lines[0],
        "sexton: fatal: unable to set limit nofile to 2000:2000: operation not permitted"
    );
    assert!(lines[1].starts_with("sexton: hint: ") && lines[1].contains("CAP_SYS_RESOURCE"));
}

#[test]
fn a_soft_limit_above_the_present_hard_one_is_an_error_too() {
    let setup = Setup::new(&["--rlimit=nofile=2000:max", "echo", "main was run"]);
    let ended = setup.limit(7, 100, 1000).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""));
    assert_eq!(
        ended.stderr,
        "sexton: fatal: unable to set limit nofile: the soft limit 2000 is above the current hard limit 1000\n"
    );
}

#[test]
fn the_command_hits_its_limit() {
    let ended =
        Setup::new(&["--rlimit=fsize=0", "sh", "-c", "echo x > /dev/shm/sexton-it-fsize"]).run();
    assert_eq!(ended.status, 153, "128 + SIGXFSZ: {ended:?}");
    std::fs::remove_file("/dev/shm/sexton-it-fsize").ok();
}

#[test]
fn a_limit_that_may_not_be_set_and_is_already_so_is_no_error() {
    // Calls fail that have no place for the old limits: those that set some.
    let setup = |flag| {
        let setup = Setup::new(&[flag, "echo", "main was run"]).limit(7, 100, 1000);
        setup.failing(libc::SYS_prlimit64, Some((3, 0)), libc::EPERM)
    };
    let ended = setup("--rlimit=nofile=100:1000").run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "main was run\n"), "{ended:?}");
    let ended = setup("--rlimit=nofile=100:999").run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
}
