//! SPEC 2: forwarding.

use crate::harness::{Place, Running, Setup, Traced, probe, wait_until};
use nix::libc;

const KILL_STOP_CHLD: [i32; 3] = [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD];

fn forwarded() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| !KILL_STOP_CHLD.contains(signal))
}

/// sexton with these flags in front of `probe signals COUNT`, which blocks all and tells each.
fn taking(flags: &[&str], count: usize) -> Running {
    let (probe, count) = (probe(), count.to_string());
    let words: Vec<&str> =
        flags.iter().copied().chain([&probe as &str, "signals", &count]).collect();
    let mut running = Setup::new(&words).start();
    running.expect("ready");
    running
}

#[test]
fn every_signal_that_can_be_caught_is_forwarded() {
    for place in [Place::Init, Place::Child] {
        let count = forwarded().count().to_string();
        // A stop signal is followed by SIGCONT, unless it is that.
        let words = ["--stop-signals=CONT", &probe(), "signals", &count];
        let mut running = Setup::new(&words).place(place).start();
        running.expect("ready");
        for signal in forwarded() {
            running.signal(signal);
            running.expect(&format!("signal {signal} value none"));
        }
        assert_eq!(running.end().status, 0);
    }
}

#[test]
fn queued_signals_keep_their_values() {
    let count = forwarded().count();
    let mut running = taking(&["--stop-signals=CONT"], count);
    for (signal, value) in forwarded().zip((1_usize << 40)..) {
        running.queue(signal, value);
        running.expect(&format!("signal {signal} value {value}"));
    }
    assert_eq!(running.end().status, 0);
}

#[test]
fn realtime_signals_are_forwarded_each_and_in_order() {
    let mut running = taking(&[], 500);
    for value in 0..500 {
        running.queue(34, value);
    }
    for value in 0..500 {
        running.expect(&format!("signal 34 value {value}"));
    }
}

#[test]
fn a_stop_signal_is_followed_by_sigcont() {
    let mut running = taking(&[], 2);
    running.signal(libc::SIGTERM);
    running.expect("signal 15 value none");
    running.expect("signal 18 value none");
    assert_eq!(running.end().status, 0);
}

#[test]
fn further_stop_signals_are_forwarded_once_each() {
    let mut running = taking(&["--stop-signals=TERM,INT"], 8);
    for signal in [libc::SIGTERM, libc::SIGTERM, libc::SIGINT, libc::SIGTERM] {
        running.signal(signal);
        running.expect(&format!("signal {signal} value none"));
        running.expect("signal 18 value none");
    }
    assert_eq!(running.end().status, 0);
}

/// Three processes that tell what they get: the command, a child in its group, one in another session.
fn family(flags: &[&str], place: Place) -> Running {
    let probe = probe();
    let words: Vec<&str> = flags.iter().copied().chain([&probe as &str, "family"]).collect();
    let mut running = Setup::new(&words).place(place).start();
    let mut ready = [running.line(), running.line(), running.line()];
    ready.sort();
    assert_eq!(ready, ["child ready", "main ready", "stranger ready"]);
    running
}

/// Sends SIGUSR1, waits until all that are named have it, and then ends the command.
fn assert_receivers(mut running: Running, value: Option<usize>, names: &[&str]) {
    match value {
        Some(value) => running.queue(libc::SIGUSR1, value),
        None => running.signal(libc::SIGUSR1),
    }
    let value = value.map_or("none".to_owned(), |value| value.to_string());
    let mut got: Vec<String> = names.iter().map(|_| running.line()).collect();
    got.sort();
    let expected: Vec<String> =
        names.iter().map(|name| format!("{name} got 10 value {value}")).collect();
    assert_eq!(got, expected);
    running.signal(libc::SIGTERM);
    let ended = running.end();
    assert_eq!(ended.status, 5);
    assert!(!ended.stdout.contains("got 10"), "and nobody else: {}", ended.stdout);
}

#[test]
fn only_the_command_gets_it_by_default() {
    assert_receivers(family(&[], Place::Init), None, &["main"]);
    assert_receivers(family(&["--forward-to=child"], Place::Child), Some(7), &["main"]);
}

#[test]
fn the_command_s_process_group_gets_it() {
    for place in [Place::Init, Place::Child] {
        assert_receivers(family(&["--forward-to=group"], place), None, &["child", "main"]);
        // With its value, which takes Linux 6.9.
        assert_receivers(family(&["--forward-to=group"], place), Some(8), &["child", "main"]);
    }
}

#[test]
fn everything_in_the_tree_gets_it() {
    for place in [Place::Init, Place::Child] {
        for value in [None, Some(9)] {
            let running = family(&["--forward-to=all"], place);
            assert_receivers(running, value, &["child", "main", "stranger"]);
        }
    }
}

#[test]
fn signals_are_rewritten_by_name_number_and_realtime() {
    let flags = [
        "--rewrite=HUP=SIGUSR2",
        "--rewrite=10=RTMIN+3",
        "--rewrite=RTMIN+4=34",
        "--rewrite=USR2=ignore",
    ];
    let mut running = taking(&flags, 4);
    running.signal(libc::SIGHUP);
    running.expect("signal 12 value none");
    running.queue(libc::SIGUSR1, 77);
    running.expect("signal 37 value 77");
    running.signal(38);
    running.expect("signal 34 value none");
    running.signal(libc::SIGUSR2); // ignored: the next to arrive is another
    running.signal(libc::SIGINT);
    running.expect("signal 2 value none");
}

#[test]
fn a_rewritten_stop_signal_still_stops() {
    let mut running = taking(&["--rewrite=TERM=QUIT"], 2);
    running.signal(libc::SIGTERM);
    running.expect("signal 3 value none");
    running.expect("signal 18 value none");
    assert_eq!(running.end().status, 0);
    let mut running = Setup::new(&["--rewrite=TERM=QUIT", &probe(), "sleep"]).start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 131);
}

#[test]
fn a_forged_sigchld_changes_nothing() {
    let mut running = taking(&[], 1);
    for value in 0..1000 {
        running.signal(libc::SIGCHLD);
        running.queue(libc::SIGCHLD, value);
    }
    running.signal(libc::SIGUSR1);
    running.expect("signal 10 value none");
    assert_eq!(running.end().status, 0);
}

#[test]
fn idle_sexton_waits_for_ever_without_a_time_out() {
    for place in [Place::Init, Place::Child] {
        let mut running = Setup::new(&[&probe(), "sleep"]).place(place).start();
        running.expect("ready");
        let waits_for_ever = || {
            let call = running.blocked_in();
            let timeout = call.get(3);
            call.first() == Some(&(libc::SYS_rt_sigtimedwait as u64)) && timeout == Some(&0)
        };
        wait_until("an endless wait for a signal", waits_for_ever);
    }
}

/// Without CAP_KILL, and the command with another user: no signal can be sent to it.
fn drop_kill() {
    const CAP_KILL: i32 = 5;
    unsafe { libc::prctl(libc::PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0) };
}

#[test]
fn a_signal_that_cannot_be_forwarded_is_logged_and_not_fatal() {
    let script = format!("exec setpriv --reuid 1234 --clear-groups {} sleep", probe());
    let setup = Setup::new(&["--grace=200ms", "sh", "-c", &script]).prepare(drop_kill);
    let mut running = setup.start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect_log("unable to send SIGUSR1 to the command: operation not permitted");
    running.signal(libc::SIGTERM);
    running.expect_log("unable to send SIGTERM to the command: operation not permitted");
    // Nor can it be killed: sexton says so, and ends in time.
    running.expect_log("pid 2 (probe) remains: sexton may not signal it (CAP_KILL)");
    assert_eq!(running.end().status, 137);
}

/// SIGHUP is pending whenever sexton asks for a signal; SIGUSR2 has its turn nevertheless, and soon.
#[test]
fn no_signal_keeps_another_from_its_turn() {
    let mut running = Setup::new(&[&probe(), "ignore", "1", "12"]).start();
    running.expect("ready");
    let sexton = Traced::seize(running.pid);
    running.signal(libc::SIGUSR2);
    let (mut waiting, mut others) = (false, 0);
    loop {
        let call = sexton.step();
        if call.operation == 1 {
            waiting = call.value == libc::SYS_rt_sigtimedwait;
            if waiting {
                running.signal(libc::SIGHUP);
            }
        } else if waiting && call.value == i64::from(libc::SIGUSR2) {
            break;
        } else if waiting && call.value == i64::from(libc::SIGHUP) {
            others += 1;
            assert!(others <= 9, "SIGUSR2 starves");
        }
    }
    sexton.release();
}

/// The command's queue is full; there is always room for a signal without a value.
#[test]
fn a_value_that_finds_no_room_is_logged_and_the_signal_is_sent() {
    for (to, whom) in [("child", "the command"), ("group", "the command's process group")] {
        let mut running = taking(&["--rlimit=sigpending=0", &format!("--forward-to={to}")], 2);
        for value in [7, 8] {
            running.queue(40, value);
            running.expect("signal 40 value none");
        }
        running
            .expect_log(&format!("SIGRTMIN+6 sent to {whom} without its value: the queue is full"));
        assert_eq!(running.end().status, 0);
    }
}

/// The same where it is sent to one process after the other; there nothing is told.
#[test]
fn a_value_that_finds_no_room_among_many_is_left_out_and_the_signal_is_sent() {
    for place in [Place::Init, Place::Child] {
        let words = ["--rlimit=sigpending=0", "--forward-to=all", &probe(), "signals", "1"];
        let mut running = Setup::new(&words).place(place).start();
        running.expect("ready");
        running.queue(40, 7);
        running.expect("signal 40 value none");
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    }
}

/// Where a signal with a value cannot be sent to many, it goes without, and that is told.
#[test]
fn a_value_that_cannot_be_sent_to_many_is_logged_and_the_signal_is_sent() {
    for flag in ["--forward-to=group", "--forward-to=all"] {
        let mut running = Setup::new(&["-vv", flag, &probe(), "sleep"]).start();
        running.expect("ready");
        running.expect_log("command is pid"); // so it has its way to standard error
        // No descriptor for a pidfd or for /proc: as on an old kernel, or without /proc.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        let null = std::ptr::null_mut();
        assert_eq!(unsafe { libc::prlimit(running.pid, libc::RLIMIT_NOFILE, &none, null) }, 0);
        running.queue(libc::SIGUSR1, 7);
        running.expect_log("without its value");
        assert_eq!(running.end().status, 138);
    }
}
