//! SPEC 1: the command must not notice sexton.

use crate::harness::{Place, Setup, full_pipe, pipe, probe, wait_until};
use nix::libc;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What `probe report` prints in this world, with and without sexton in front of it.
fn reports(world: impl Fn(Setup) -> Setup, arguments: &[OsString]) -> [Vec<String>; 2] {
    let words = [OsString::from(probe()), "report".into()];
    let direct: Vec<_> = words[1..].iter().chain(arguments).collect();
    let under: Vec<_> = words.iter().chain(arguments).collect();
    [Setup::program(probe().as_ref(), &direct), Setup::new(&under)].map(world).map(report)
}

/// What `probe report` prints.
fn report(setup: Setup) -> Vec<String> {
    let ended = setup.run();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    ended.stdout.lines().map(without_inode).collect()
}

/// Two runs have two pipes for their output: which pipe it is does not count.
pub fn without_inode(line: &str) -> String {
    match (line.find("pipe:["), line.find(']')) {
        (Some(from), Some(to)) if line.starts_with("descriptor ") => {
            format!("{}pipe{}", &line[..from], &line[to + 1..])
        }
        _ => line.to_owned(),
    }
}

fn field(report: &[String], name: &str) -> String {
    let line = report.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {report:?}")).to_owned()
}

fn assert_same(world: impl Fn(Setup) -> Setup) {
    assert_same_reports(reports(world, &[]));
}

/// Runs `probe report` without an init and with one.
pub fn assert_same_with_and_without(setups: [Setup; 2]) {
    assert_same_reports(setups.map(report));
}

/// The only differences are those that SPEC names: another pid, another parent, a group of its own.
fn assert_same_reports([direct, under]: [Vec<String>; 2]) {
    // A fork clears the last one; the harness has set it.
    let differing = ["pid: ", "parent: ", "group: ", "parent death signal: "];
    let same = |report: &[String]| -> Vec<String> {
        let differs = |line: &String| differing.iter().any(|field| line.starts_with(field));
        report.iter().filter(|line| !differs(line)).cloned().collect()
    };
    assert_eq!(same(&direct), same(&under));
    assert_eq!(field(&under, "group"), field(&under, "pid"), "main leads its own group");
    assert_eq!(under.last().unwrap(), "end");
}

const TERM_40_64: u64 = 1 << 14 | 1 << 39 | 1 << 63;

#[test]
fn nothing_differs_as_init() {
    assert_same(|setup| setup);
}

#[test]
fn nothing_differs_as_a_child() {
    assert_same(|setup| setup.place(Place::Child));
}

#[test]
fn the_signal_mask_is_the_command_s_own() {
    assert_same(|setup| setup.mask(TERM_40_64));
    assert_same(|setup| setup.mask(!0));
}

#[test]
fn ignored_signals_stay_ignored_and_others_do_not_become_so() {
    for ignored in [&[1][..], &[13], &[17], &[1, 2, 3, 13, 17, 20, 21, 22, 32, 33, 40, 64]] {
        for place in [Place::Init, Place::Child] {
            assert_same(|setup| setup.ignored(ignored).place(place));
        }
    }
}

#[test]
fn closed_descriptors_stay_closed_and_sexton_s_own_do_not_land_there() {
    let cases: [&[i32]; 7] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
    for closed in cases {
        assert_same(|setup| {
            let setup = if closed.contains(&1) { setup.output_at(9) } else { setup };
            setup.closed(closed)
        });
    }
}

#[test]
fn inherited_descriptors_reach_the_command_and_do_not_stay_with_sexton() {
    let (read, write) = full_pipe();
    let [direct, under] = reports(|setup| setup.inherit(&read).inherit(&write), &[]);
    for fd in [&read, &write] {
        let name = format!("descriptor {}", fd.as_raw_fd());
        assert_eq!(field(&direct, &name), field(&under, &name));
    }

    let mut running = Setup::new(&[&probe(), "sleep"]).inherit(&read).inherit(&write).start();
    running.expect("ready");
    running.wait_until_inherited_descriptors_are_closed();
    let held = running.descriptors();
    assert_eq!(held.iter().filter(|(fd, _)| *fd <= 2).count(), 3, "{held:?}");
    assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", running.pid)).unwrap().as_os_str(), "/");
}

/// Cron jobs write to `/proc/1/fd/1`, so that their output is the container's; consoles of servers are sent commands
/// through `/proc/1/fd/0`.
#[test]
fn the_standard_streams_of_pid_1_are_there_for_others_and_nothing_else_is() {
    const SCRIPT: &str =
        "echo ready; read go; sh -c 'echo job >/proc/1/fd/1; echo trouble >/proc/1/fd/2'
        sh -c 'echo save-all >/proc/1/fd/0'; read line; echo \"read: $line\"";
    let (kept, _write) = pipe();
    for words in [
        &["--"][..],
        &["--wait-all", "--"],
        &["--as=tini", "--"],
        &["--as=docker-init", "-v", "--"],
        &["--as=dumb-init"],
        &["--as=catatonit", "--"],
    ] {
        let (read, write) = pipe();
        let words = [words, &["sh", "-c", SCRIPT]].concat();
        let mut running = Setup::new(&words).stdin(&read).inherit(&kept).start();
        while running.line() != "ready" {} // docker-init -v has lines of its own
        wait_until("sexton waits", || running.is_idle());
        let mut held: Vec<i32> = running.descriptors().into_iter().map(|(fd, _)| fd).collect();
        held.sort_unstable();
        assert!(held.starts_with(&[0, 1, 2]), "{words:?}: {held:?}");
        assert!(!held.contains(&kept.as_raw_fd()), "{words:?}: {held:?}");
        File::from(write.try_clone().unwrap()).write_all(b"go\n").unwrap();
        let ended = running.end();
        assert_eq!(ended.status, 0, "{words:?}: {ended:?}");
        for line in ["job\n", "read: save-all\n"] {
            assert!(ended.stdout.contains(line), "{words:?}: {ended:?}");
        }
        assert!(ended.stderr.contains("trouble\n"), "{words:?}: {ended:?}");
    }
}

/// The three that sexton was started with, not others in their place.
#[test]
fn a_standard_stream_that_was_closed_stays_closed_in_sexton_too() {
    let cases: [&[i32]; 7] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
    for words in [&[&probe() as &str, "sleep"][..], &["-vv", &probe(), "sleep"], &["--pause"]] {
        for closed in cases {
            let running = Setup::new(words).closed(closed).output_at(9).start();
            wait_until("sexton waits", || running.is_idle());
            let held: Vec<i32> = running.descriptors().into_iter().map(|(fd, _)| fd).collect();
            for fd in 0..=2 {
                let open = !closed.contains(&fd);
                assert_eq!(held.contains(&fd), open, "{words:?} {closed:?}: {held:?}");
            }
            assert!(!held.contains(&9), "{held:?}");
            running.signal(libc::SIGTERM);
            running.end();
        }
    }
}

/// Not even by the file that counts OOM kills, which sexton reads at its start and at its end.
#[test]
fn no_mount_is_kept_busy_that_the_command_wants_to_unmount() {
    let groups = "grep -E ' cgroup2? ' /proc/mounts | cut -d ' ' -f 2 | sort -r";
    let script = format!("{groups} | while read -r at; do umount $at || exit 9; echo free; done");
    for place in [Place::Init, Place::Child] {
        let ended = Setup::new(&["sh", "-c", &script]).place(place).run();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
        assert!(ended.stdout.starts_with("free\n"), "no control groups are mounted here");
    }
}

#[test]
fn limits_and_niceness_are_those_that_sexton_was_given() {
    fn renice() {
        // SAFETY: takes integers only.
        unsafe {
            nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, 7);
            nix::libc::umask(0o027);
        }
    }
    assert_same(|setup| {
        setup.limit(7, 100, 200).limit(4, 0, 0).limit(3, 1 << 20, 1 << 30).prepare(renice)
    });
}

#[test]
fn arguments_and_environment_pass_byte_for_byte() {
    let longest = OsString::from_vec(vec![b'x'; 128 * 1024 - 1]);
    let bytes: Vec<u8> = (1..=255).collect();
    let arguments: Vec<OsString> = vec![
        "".into(),
        "--grace".into(),
        OsString::from_vec(bytes.clone()),
        "".into(),
        "two\nlines".into(),
        longest,
        "--".into(),
    ];
    let variable = OsString::from_vec([b"BYTES=", &bytes[..]].concat());
    let [direct, under] = reports(
        |setup| {
            setup
                .variable(&variable)
                .variable("no equals sign")
                .variable("=empty name")
                .variable("TWICE=1")
                .variable("TWICE=2")
                .variable(OsStr::from_bytes(b"\xff\xfe=\xfd"))
                .variable("SEXTONLIKE=kept")
                .variable("sexton_grace=kept")
        },
        &arguments,
    );
    let of = |report: &[String], kind: &str| -> Vec<String> {
        report.iter().filter(|line| line.starts_with(kind)).cloned().collect()
    };
    assert_eq!(of(&direct, "argument: ").len(), arguments.len());
    assert_eq!(of(&direct, "argument: "), of(&under, "argument: "));
    assert_eq!(of(&direct, "variable: ").len(), 9);
    assert_eq!(of(&direct, "variable: "), of(&under, "variable: "));
}

#[test]
fn an_empty_environment_stays_empty() {
    let [_, under] = reports(Setup::no_variables, &[]);
    assert!(!under.iter().any(|line| line.starts_with("variable: ")));
}

#[test]
fn sexton_s_variables_are_taken_out() {
    let setup = Setup::new(&[&probe(), "report"])
        .variable("SEXTON_GRACE=3s")
        .variable("KEPT=1")
        .variable("SEXTON_SERVICE_HOST=x");
    let ended = setup.run();
    let variables: Vec<&str> =
        ended.stdout.lines().filter_map(|line| line.strip_prefix("variable: ")).collect();
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(variables, [hex("PATH=/usr/bin:/bin"), hex("KEPT=1")]);
}

#[test]
fn sexton_itself_is_not_changed_by_what_the_command_gets() {
    let mut running = Setup::new(&["--rlimit=nofile=99", &probe(), "sleep"]).start();
    running.expect("ready");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.pid)).unwrap();
    let own = std::fs::read_to_string("/proc/self/limits").unwrap();
    assert_eq!(limits, own);
}
