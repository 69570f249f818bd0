//! SPEC 1.7: a signal that arrives at any moment of the start is delivered or acted upon.

use crate::harness::{Setup, Traced, be_traced, probe, wait_until};
use nix::libc;
use std::time::{Duration, Instant};

const STARTS: usize = 10_000;

/// Starts sexton, which sends it SIGTERM at some moment within the first millisecond, and takes the
/// status. As PID 1 of a namespace a process with the default action for a signal is not killed by
/// it: if sexton lost it, the command would wait for ever and the test would run into its limit.
#[test]
fn no_signal_is_lost_in_ten_thousand_starts() {
    let begin = Instant::now();
    let workers: Vec<_> = (0..2)
        .map(|worker| {
            std::thread::spawn(move || {
                for index in (worker..STARTS).step_by(2) {
                    // SIGTERM is blocked when sexton begins, so that the kernel keeps it even before
                    // sexton's first instruction; the command inherits that, unblocks, and dies of it.
                    let setup = Setup::new(&[&probe(), "unblocked"]).mask(1 << (libc::SIGTERM - 1));
                    let running = setup.start();
                    let delay = Duration::from_nanos(index as u64 * 1_000_000 / STARTS as u64);
                    let at = Instant::now() + delay;
                    while Instant::now() < at {
                        std::hint::spin_loop();
                    }
                    running.signal(libc::SIGTERM);
                    let ended = running.end();
                    assert_eq!((ended.status, ended.stderr.as_str()), (143, ""), "start {index}");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    println!("{STARTS} starts in {:?}", begin.elapsed());
}

/// The same without help from the mask, where SIGTERM may also come before sexton's first
/// instruction. Then the kernel drops it for PID 1, as for any program; what must not happen is that
/// sexton dies of it, or that a later one is lost.
#[test]
fn a_signal_before_the_first_instruction_does_no_harm() {
    for _ in 0..300 {
        let mut running = Setup::new(&[&probe(), "sleep"]).start();
        running.signal(libc::SIGTERM);
        if running.next_line().is_some_and(|line| line == "ready") {
            running.signal(libc::SIGTERM);
        }
        assert_eq!(running.end().status, 143);
    }
}

/// The command runs before its parent does anything.
#[test]
fn the_command_makes_its_group_itself() {
    let running = Setup::new(&[&probe(), "report"]).prepare(be_traced).start();
    let mut running = running;
    let (sexton, main) = Traced::until_fork(running.pid);
    main.release();
    let report: Vec<String> =
        std::iter::from_fn(|| running.next_line().filter(|l| l != "end")).collect();
    assert!(report.contains(&"group: 2".to_owned()), "{report:?}");
    sexton.release();
    assert_eq!(running.end().status, 0);
}

/// sexton runs, and forwards a signal, before the command does anything: there is no group yet.
#[test]
fn the_command_s_group_gets_a_signal_before_the_command_has_run() {
    let probe = probe();
    for flags in [&[][..], &["--setsid"]] {
        let words = [flags, &["--forward-to=group", &probe, "sleep"]].concat();
        let running = Setup::new(&words).prepare(be_traced).start();
        let (sexton, main) = Traced::until_fork(running.pid);
        sexton.release();
        running.signal(libc::SIGUSR1);
        wait_until("SIGUSR1 is taken", || {
            let waiting = Some(&(libc::SYS_rt_sigtimedwait as u64));
            running.has_taken_all() && running.blocked_in().first() == waiting
        });
        main.release();
        assert_eq!(running.end().status, 138, "{flags:?}");
    }
}
