//! What an engine's exec starts is in PID 1's namespace, and nobody's child there: PID 1 waits for it, and costs
//! nothing meanwhile.

use crate::harness::{Folder, Running, Setup, children_of, status_field, wait_until};
use nix::libc;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

/// What poll(3) calls, each with what it has for no time-out, and the bits of it that count.
const POLLS: &[(i64, u64, u64)] = &[
    (libc::SYS_ppoll, 0, u64::MAX),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, u32::MAX as u64, u32::MAX as u64), // -1, an int: the rest of the register may hold anything
];

/// A command that ends with 7, where one more process has entered the namespace.
fn beside_a_foreign_process(flags: &[&str]) -> Setup {
    Setup::new(&[flags, &["sh", "-c", "exit 7"]].concat())
        .foreign("trap '' USR1; echo entered; read x")
}

/// Whether sexton waits in poll(2) without a time-out: so nothing but an event wakes it up.
fn waits_for_an_event(running: &Running) -> bool {
    let call = running.blocked_in();
    let is_so = |&(number, none, bits): &(i64, u64, u64)| {
        call.first() == Some(&(number as u64))
            && call.get(3).map(|value| value & bits) == Some(none)
    };
    POLLS.iter().any(is_so)
}

#[test]
fn its_end_is_waited_for_without_a_wake_up() {
    let mut running = beside_a_foreign_process(&["--wait-all", "-v"]).start();
    running.expect_log("command exited with status 7");
    wait_until("sexton waits", || waits_for_an_event(&running));
    // Signals are taken as ever.
    running.signal(libc::SIGUSR1);
    running.expect_log("received SIGUSR1");
    wait_until("sexton waits again", || waits_for_an_event(&running));
    let woken_up = running.status("voluntary_ctxt_switches");
    running.let_foreign_end();
    let ended = running.end();
    assert_eq!(ended.status, 7, "{ended:?}");
    assert!(woken_up.parse::<u32>().unwrap() < 100, "{woken_up}");
}

#[test]
fn the_linger_time_goes_on_meanwhile() {
    let begin = Instant::now();
    let setup = Setup::new(&["--linger=300ms", "sh", "-c", "exit 7"]);
    let ended = setup.foreign("trap '' TERM HUP; echo entered; while :; do read x; done").run();
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(ended.status, 7);
    assert!(ended.stderr.contains("remaining processes did not end"), "{ended:?}");
}

/// Waits until sexton has been woken up ten times. If each pause is twice as long as the one before, from a
/// millisecond on, that takes half a second, and a quarter if two of the times were for something else; every 10 ms it
/// would take a tenth.
fn is_woken_up_less_and_less_often(running: &Running) {
    let woken_up = || running.status("voluntary_ctxt_switches").parse::<u32>().unwrap();
    let (begin, first) = (Instant::now(), woken_up());
    wait_until("sexton looks", || woken_up() >= first + 10);
    assert!(begin.elapsed() > Duration::from_millis(200), "10 times in {:?}", begin.elapsed());
}

#[test]
fn where_it_cannot_be_waited_for_sexton_looks_less_and_less_often() {
    let worlds: [fn(Setup) -> Setup; 4] = [
        |setup| setup.failing(libc::SYS_pidfd_open, None, libc::ENOSYS),
        |setup| setup.failing(libc::SYS_signalfd4, None, libc::EPERM),
        |setup| {
            POLLS.iter().fold(setup, |setup, (call, _, _)| setup.failing(*call, None, libc::EPERM))
        },
        Setup::without_proc,
    ];
    for world in worlds {
        let mut running = world(beside_a_foreign_process(&["--wait-all", "-v"])).start();
        running.expect_log("command exited with status 7");
        is_woken_up_less_and_less_often(&running);
        running.let_foreign_end();
        assert_eq!(running.end().status, 7);
    }
}

#[test]
fn one_that_has_ended_and_is_not_reaped_by_its_parent_is_waited_for() {
    let mut running = beside_a_foreign_process(&["--wait-all", "-v"]).start();
    running.expect_log("command exited with status 7");
    let [foreign] = children_of(running.parent_of_foreign())[..] else { panic!("one child") };
    running.stop_parent_of_foreign();
    running.let_foreign_end();
    wait_until("it is a zombie", || status_field(foreign, "State").starts_with('Z'));
    is_woken_up_less_and_less_often(&running);
    running.continue_parent_of_foreign();
    assert_eq!(running.end().status, 7);
}

/// A /proc of the initial namespace, in which process 2 is one of the kernel's threads or not.
fn proc_of_the_initial_namespace(folder: &Folder, flags: u32) {
    symlink("1", folder.at("self")).unwrap();
    let stat = format!("2 (x) S 0 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 4 0 0\n");
    folder.file("2/stat", "644", &stat);
}

/// tests/qemu has the real thing.
#[test]
fn the_kernel_s_threads_are_not_waited_for() {
    const PF_KTHREAD: u32 = 0x0020_0000;
    let folder = Folder::new("kthread");
    proc_of_the_initial_namespace(&folder, PF_KTHREAD | 0x40);
    for flag in ["--wait-all", "--linger=1h"] {
        let ended = beside_a_foreign_process(&[flag]).bind(folder.path(), "/proc").run();
        assert_eq!((ended.status, ended.stderr.as_str()), (7, ""), "{flag}");
    }
    let folder = Folder::new("no-kthread");
    proc_of_the_initial_namespace(&folder, 0x40_0000);
    let setup = beside_a_foreign_process(&["--wait-all"]).bind(folder.path(), "/proc");
    let mut running = setup.start();
    wait_until("sexton waits", || waits_for_an_event(&running));
    running.let_foreign_end();
    assert_eq!(running.end().status, 7);
}

/// Nobody else can be seen, but the kernel answers for somebody.
#[test]
fn the_initial_namespace_is_known_by_its_number() {
    for (number, is_initial) in [(4_026_531_836_u32, true), (4_026_532_000, false)] {
        let folder = Folder::new("namespace");
        symlink("1", folder.at("self")).unwrap();
        folder.file("1/comm", "644", "sexton\n");
        std::fs::create_dir(folder.at("1/ns")).unwrap();
        symlink(format!("pid:[{number}]"), folder.at("1/ns/pid")).unwrap();
        let setup = beside_a_foreign_process(&["--wait-all", "-v"]).bind(folder.path(), "/proc");
        let mut running = setup.start();
        running.expect_log("command exited with status 7");
        if !is_initial {
            is_woken_up_less_and_less_often(&running);
            running.let_foreign_end();
        }
        assert_eq!(running.end().status, 7);
    }
}
