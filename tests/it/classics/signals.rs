//! Signals that a program uses for its own ends.

use super::{WORLDS, command, ends, fixture};
use crate::harness::Folder;
use nix::libc;

#[test]
fn each_reload_and_each_dump_of_statistics_arrives_once() {
    const QUEUED: usize = 1000;
    for world in WORLDS {
        let folder = Folder::new(&format!("reload-{world:?}"));
        let write = |text: &str| std::fs::write(folder.at("config"), text).unwrap();
        write("the first");
        let program = fixture("reload.py", &[&folder.at("config")]);
        program.talk(&[world], 0, |running, _| {
            running.expect("serving the first");
            for round in 1..=50 {
                write(&format!("number {round}"));
                running.signal(libc::SIGHUP);
                running.expect(&format!("reloaded number {round}"));
                running.signal(libc::SIGUSR1);
                running.expect(&format!("arrived: {round} {round} 0 0"));
            }
            for value in 0..QUEUED {
                running.queue(35, value);
            }
            running.expect("all are here");
            running.signal(libc::SIGUSR1);
            running.expect(&format!("arrived: 50 51 0 {QUEUED}"));
            running.signal(libc::SIGTERM);
            running.expect("ending");
        });
    }
}

#[test]
fn a_loop_over_signalfd_pidfd_and_timerfd_works() {
    fixture("descriptors.c", &[]).talk(&WORLDS, 3, |running, _| {
        running.expect("timer: 1");
        running.signal(libc::SIGWINCH);
        running.expect("signal 28, value 0");
        running.queue(35, 4711);
        running.expect("signal 35, value 4711");
        running.signal(libc::SIGHUP);
        running.expect("SIGHUP, to the child too");
        let mut lines = [running.line(), running.line()];
        lines.sort(); // epoll's order
        assert_eq!(lines, ["SIGCHLD: the right one: 1", "child: 1, the right one: 1"]);
        running.signal(libc::SIGTERM);
        running.expect("SIGTERM");
    });
}

#[test]
fn timers_send_their_signals_and_no_more() {
    let lines = "real: SIGALRM, from the kernel: 1, value 0\n\
                 virtual: SIGVTALRM, from the kernel: 1, value 0\n\
                 profiling: SIGPROF, from the kernel: 1, value 0\n\
                 alarm: SIGALRM, from the kernel: 1, value 0\n\
                 timer: SIGRT, from the kernel: 1, value 42\n\
                 a thread: 1\n\
                 pending: 0";
    fixture("timers.c", &[]).prints(0, lines);
}

/// `perl -e 'alarm 5; exec @ARGV'`, the poor man's timeout(1): the timer outlives the exec, and is sexton's then, as a
/// fork takes no timers along. It sends more than one signal, as the first may come before there is a sexton.
#[test]
fn an_alarm_that_was_set_before_the_start_ends_the_command() {
    let program = command(&["sleep", "1000"]).with(|setup| {
        setup.prepare(|| {
            let at = |sec, usec| libc::timeval { tv_sec: sec, tv_usec: usec };
            let timer = libc::itimerval { it_value: at(3, 0), it_interval: at(0, 300_000) };
            unsafe { libc::syscall(libc::SYS_setitimer, libc::ITIMER_REAL, &raw const timer, 0) };
        })
    });
    let started = WORLDS.map(|world| (world, program.start(world)));
    for (world, running) in started {
        ends(running, world, 128 + libc::SIGALRM, "");
    }
}
