//! SPEC 3: reaping, and the command's status.

use crate::harness::{Folder, Place, Setup, probe, wait_until};
use nix::libc;
use std::time::Instant;

/// The command makes them as fast as it can, and ends only once /proc shows none: no zombie is left.
#[test]
fn a_hundred_thousand_orphans_are_all_reaped() {
    for (place, others) in [(Place::Init, "1"), (Place::Child, "3")] {
        let begin = Instant::now();
        let words = [&probe() as &str, "orphans", "100000", "42", others, "tell"];
        let mut running = Setup::new(&words).place(place).start();
        for _ in 0..100 {
            running.expect("more"); // on a busy machine all of them take too long
        }
        running.expect("made");
        running.expect("clean");
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (42, ""));
        println!("100000 orphans: {:?}", begin.elapsed());
    }
}

#[test]
fn the_command_s_status_is_not_lost_among_orphans_that_end_with_it() {
    for status in 0..200 {
        let script = format!("for i in 1 2 3 4 5 6 7 8; do (exit 77 &) ; done; exit {status}");
        let ended = Setup::new(&["sh", "-c", &script]).run();
        assert_eq!((ended.status, ended.stderr.as_str()), (status, ""));
    }
}

#[test]
fn every_exit_status_passes() {
    for status in 0..=255 {
        let ended = Setup::new(&[&probe(), "exit", &status.to_string()]).run();
        assert_eq!((ended.status, ended.stderr.as_str()), (status, ""));
    }
}

#[test]
fn death_by_any_signal_is_128_and_the_signal() {
    let harmless = [
        libc::SIGCHLD,
        libc::SIGCONT,
        libc::SIGURG,
        libc::SIGWINCH,
        libc::SIGSTOP,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ];
    for place in [Place::Init, Place::Child] {
        for signal in (1..=64).filter(|signal| !harmless.contains(signal)) {
            let words = ["--rlimit=core=0", &probe(), "die", &signal.to_string()];
            let ended = Setup::new(&words).place(place).run();
            assert_eq!(ended.status, 128 + signal, "{ended:?}");
        }
    }
}

#[test]
fn an_orphan_s_death_by_a_realtime_signal_does_no_harm() {
    let script = format!("for s in 32 33 34 64; do ({} die $s &) ; done; exec {0} sleep", probe());
    let mut running = Setup::new(&["--warn-on-reap", "sh", "-c", &script]).start();
    running.expect("ready");
    for _ in 0..4 {
        running.expect_log(": killed by SIG");
    }
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 143);
}

#[test]
fn sigchld_that_was_ignored_neither_hangs_sexton_nor_loses_the_status() {
    for place in [Place::Init, Place::Child] {
        let script = "(exit 1 &) ; (sleep 0 &) ; exit 9";
        let ended = Setup::new(&["sh", "-c", script]).ignored(&[libc::SIGCHLD]).place(place).run();
        assert_eq!(ended.status, 9);
    }
}

#[test]
fn reaped_orphans_are_logged_with_pid_name_and_status() {
    // The command is 2, and its child 3 leaves 4.
    let mut running = Setup::new(&["--warn-on-reap", &probe(), "orphans", "1", "0", "1"]).start();
    running.expect_log("warning: reaped orphan 4 (probe): exited with status 0");
}

#[test]
fn a_subreaper_adopts_and_off_leaves_it_to_init() {
    for (mode, adopted) in [("auto", true), ("on", true), ("off", false)] {
        let flag = format!("--subreaper={mode}");
        let script = "(setsid sleep 1000 &) ; echo ready; exec sleep 1000";
        let mut running =
            Setup::new(&[&flag as &str, "sh", "-c", script]).place(Place::Child).start();
        running.expect("ready");
        wait_until("the orphan is adopted", || {
            let (own, init) = (running.children().len(), running.adopted_by_init().len());
            (own, init) == if adopted { (2, 0) } else { (1, 1) }
        });
        running.signal(libc::SIGTERM);
        let orphans = |running: &crate::harness::Running| running.adopted_by_init().len();
        wait_until("main is gone", || running.children().len() < 2);
        if !adopted {
            assert_eq!(orphans(&running), 1, "what is not sexton's is left alone");
        }
        assert_eq!(running.end().status, 143);
    }
}

// reaping.rs

/// Makes a child that is a zombie by the time that this returns, and that sends this at its end.
fn leave_a_zombie(signal: i32) {
    unsafe {
        // Without the C library's locks, as the harness does it.
        if libc::syscall(libc::SYS_clone, signal, 0, 0, 0, 0) == 0 {
            libc::_exit(3);
        }
        let mut info: libc::siginfo_t = std::mem::zeroed();
        libc::waitid(libc::P_ALL, 0, &mut info, libc::WEXITED | libc::WNOWAIT | libc::__WALL);
    }
}

/// No SIGCHLD will come for it, nor anything else that wakes sexton up; a clone (clone(2)) without an
/// exit signal never sends one, and wait(2) finds it only if asked to.
#[test]
fn a_zombie_that_sexton_was_started_with_is_reaped_at_once() {
    let kinds: [fn(); 2] = [|| leave_a_zombie(libc::SIGCHLD), || leave_a_zombie(0)];
    for (place, kind) in [(Place::Init, 0), (Place::Init, 1), (Place::Child, 0), (Place::Child, 1)]
    {
        let setup = Setup::new(&["--warn-on-reap", &probe(), "sleep"]).prepare(kinds[kind]);
        let mut running = setup.place(place).start();
        running.expect("ready");
        running.expect_log("exited with status 3");
        assert_eq!(running.children().len(), 1, "only main is left");
    }
}

/// One SIGCHLD stands for thousands, and nothing comes after it.
#[test]
fn thousands_that_ended_before_sexton_looks_are_all_reaped() {
    for (place, others) in [(Place::Init, "1"), (Place::Child, "3")] {
        let mut running =
            Setup::new(&[&probe() as &str, "orphans", "5000", "42", others]).place(place).start();
        wait_until("main is there", || !running.children().is_empty());
        running.signal(libc::SIGSTOP);
        wait_until("sexton is stopped", || running.status("State").starts_with('T'));
        running.expect("made");
        running.signal(libc::SIGCONT);
        running.expect("clean");
        assert_eq!(running.end().status, 42);
    }
}

/// With many that live on, sexton seldom looks at all of them. Nothing is lost by that, not even if it could
/// not look for a while, so that one SIGCHLD stands for thousands.
#[test]
fn orphans_among_many_that_live_are_all_counted() {
    const LIVE: usize = 200;
    const ENDING: usize = 3000;
    for stopped in [false, true] {
        let folder = Folder::new("among-many");
        let report = folder.at("report");
        let script = format!(
            "i=0; while [ $i -lt {LIVE} ]; do (sleep 1000 &) ; i=$((i+1)); done
             exec {} orphans {ENDING} 0 {}",
            probe(),
            LIVE + 3
        );
        let words = ["--report", &report, "sh", "-c", &script];
        let mut running = Setup::new(&words).place(Place::Child).start();
        wait_until("the first are there", || running.children().len() > LIVE);
        if stopped {
            running.signal(libc::SIGSTOP);
        }
        running.expect("made");
        if stopped {
            running.signal(libc::SIGCONT);
        }
        running.expect("clean");
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
        let report = std::fs::read_to_string(&report).unwrap();
        let expected = format!("\"orphans_reaped\":{},", LIVE + ENDING);
        assert!(report.contains(&expected), "{report}");
    }
}
