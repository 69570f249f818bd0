//! SPEC 5: not PID 1, sexton dies of the signal that its command has died of.

use crate::harness::{Ended, Folder, Place, Running, Setup, example, probe};
use nix::libc;

const SPARING: [i32; 8] = [
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGURG,
    libc::SIGWINCH,
];

fn deadly() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| !SPARING.contains(signal))
}

/// sexton, with a command that dies of a signal of its own.
fn dying(flags: &[&str], signal: i32) -> Setup {
    Setup::new(&[flags, &[&probe(), "die", &signal.to_string()]].concat()).place(Place::Child)
}

fn assert_died(ended: &Ended, signal: i32) {
    assert_eq!((ended.signal, ended.status), (Some(signal), 128 + signal), "{ended:?}");
}

fn assert_exited(ended: &Ended, status: i32) {
    assert_eq!((ended.signal, ended.status), (None, status), "{ended:?}");
}

#[test]
fn of_every_signal_that_ends_a_process() {
    for signal in deadly() {
        assert_died(&dying(&["--rlimit=core=0"], signal).run(), signal);
    }
}

/// What sexton was started with is the command's, which may change it; sexton itself does not.
#[test]
fn also_of_those_that_were_ignored_and_blocked_at_the_start() {
    let all: Vec<i32> = deadly().filter(|&signal| signal != libc::SIGKILL).collect();
    for signal in deadly() {
        let setup = dying(&["--rlimit=core=0"], signal).mask(u64::MAX).ignored(&all);
        assert_died(&setup.run(), signal);
    }
}

/// The harness looks at the wait status, and here is whether there is a file. The limit is sexton's own; its command
/// has another.
#[test]
fn and_leaves_no_core_dump() {
    let folder = Folder::new("no-second-core").open_to_all();
    for signal in [3, 4, 5, 6, 7, 8, 11, 24, 25, 31] {
        let setup = dying(&["--rlimit=core=0:0"], signal).directory(folder.path());
        let setup = setup.limit(libc::RLIMIT_CORE as i32, libc::RLIM_INFINITY, libc::RLIM_INFINITY);
        assert_died(&setup.run(), signal);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn unless_a_status_was_made_of_it() {
    for (flag, signal, status) in [
        ("--map-exit=143=0", 15, 0),
        ("--map-exit=143=143", 15, 143),
        ("--map-exit=signal:TERM=7", 15, 7),
        ("--map-exit=100-200=9", 34, 9),
    ] {
        assert_exited(&dying(&[flag], signal).run(), status);
    }
    for flag in ["--map-exit=signal:INT=0", "--map-exit=15=0", "--map-exit=142=0"] {
        assert_died(&dying(&[flag], libc::SIGTERM).run(), libc::SIGTERM);
    }
    let setup = dying(&[], libc::SIGTERM).variable("SEXTON_MAP_EXIT=143=143");
    assert_exited(&setup.run(), 143);
}

#[test]
fn but_not_as_pid_1() {
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGSEGV, 33, 64] {
        let setup = dying(&["--rlimit=core=0"], signal).place(Place::Init);
        assert_exited(&setup.run(), 128 + signal);
    }
}

#[test]
fn nor_of_what_was_no_death_of_the_command() {
    let ended = |words: &[&str]| Setup::new(words).place(Place::Child).run();
    assert_exited(&ended(&["--", "/no/such/command"]), 127);
    assert_exited(&ended(&["--", "/etc/passwd"]), 126);
    assert_exited(&ended(&["sh", "-c", "exit 143"]), 143);
    // Its child dies of a signal, and the shell makes a status of it.
    assert_exited(&ended(&["sh", "-c", "sh -c 'kill -TERM $$'; exit $?"]), 143);
}

/// The last thing is the death: log lines and reports come before.
#[test]
fn after_the_log_and_the_report() {
    let folder = Folder::new("dies-last");
    let files = ["report", "text"].map(|name| folder.at(name));
    let flags = [
        &format!("--report={}", files[0]),
        &format!("--termination-log={}", files[1]),
        "--grace=100ms",
        "--rlimit=core=0",
    ];
    let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    type Act = fn(&Running);
    let cases: [(&[&str], Act, i32); 4] = [
        // Out of time, and by sexton's own SIGKILL.
        (&["sh", "-c", script], |running| running.signal(libc::SIGTERM), libc::SIGKILL),
        (&[&probe(), "sleep"], |running| running.signal(libc::SIGTERM), libc::SIGTERM),
        (&[&probe(), "sleep"], |running| kill_command(running, libc::SIGKILL), libc::SIGKILL),
        (&[&probe(), "sleep"], |running| kill_command(running, libc::SIGABRT), libc::SIGABRT),
    ];
    for (command, act, signal) in cases {
        let words = [&["-v"], &flags[..], command].concat();
        let mut running = Setup::new(&words).place(Place::Child).start();
        running.expect("ready");
        act(&running);
        let ended = running.end();
        assert_died(&ended, signal);
        let status = format!("exit status {}\n", 128 + signal);
        assert!(ended.stderr.ends_with(&status), "{ended:?}");
        let [report, text] = files.each_ref().map(|path| std::fs::read_to_string(path).unwrap());
        assert!(report.contains(&format!("\"exit_status\":{},", 128 + signal)), "{report}");
        assert!(report.ends_with("}\n") && text.ends_with(&status), "{report} {text}");
        std::fs::remove_file(&files[1]).unwrap();
    }
}

fn kill_command(running: &Running, signal: i32) {
    // SAFETY: takes integers only; a child of the sexton that this test has started.
    assert_eq!(unsafe { libc::kill(running.children()[0], signal) }, 0);
}

/// A filter that forbids what it takes: sexton then makes a status of it, as PID 1 does.
#[test]
fn with_a_status_where_it_cannot_die() {
    let setup = Setup::new(&[&probe(), "sleep"]).place(Place::Child);
    let mut running = setup.failing(libc::SYS_kill, None, libc::EPERM).start();
    running.expect("ready");
    kill_command(&running, libc::SIGUSR2);
    assert_exited(&running.end(), 128 + libc::SIGUSR2);
    // Without this call it would leave a core dump.
    const PR_SET_DUMPABLE: u32 = 4;
    let setup = dying(&["--rlimit=core=0"], libc::SIGSEGV);
    let setup = setup.failing(libc::SYS_prctl, Some((0, PR_SET_DUMPABLE)), libc::EPERM);
    assert_exited(&setup.run(), 128 + libc::SIGSEGV);
}

#[test]
fn in_the_library_as_well() {
    let embedded = example("embedded", "tests/embedded/main.rs");
    for signal in ["2", "9", "15", "64"] {
        for (what, place) in [("run", Place::Init), ("always", Place::Child)] {
            let words = [what, &probe(), "die", signal];
            let ended = Setup::program(embedded.as_ref(), &words).place(place).run();
            let signal = signal.parse().unwrap();
            match place {
                Place::Init => assert_exited(&ended, 128 + signal),
                Place::Child => assert_died(&ended, signal),
            }
        }
    }
}

#[test]
fn when_the_tree_is_gone() {
    let script = "setsid sh -c 'trap \"\" TERM; echo left; while :; do sleep 1000; done' & exec \"$0\" sleep";
    let words = ["--linger=100ms", "sh", "-c", script, &probe()];
    let mut running = Setup::new(&words).place(Place::Child).start();
    let mut lines = [running.line(), running.line()];
    lines.sort();
    assert_eq!(lines, ["left", "ready"]);
    kill_command(&running, libc::SIGUSR1);
    assert_died(&running.end_with_its_tree(), libc::SIGUSR1);
}
