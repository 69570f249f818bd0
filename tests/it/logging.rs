//! SPEC 7.2: logging never blocks and never kills.

use crate::harness::{Setup, full_pipe, probe, wait_until};
use nix::libc;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;

#[test]
fn a_full_pipe_on_standard_error_costs_only_the_lines() {
    for proc_mounted in [true, false] {
        let (read, write) = full_pipe();
        let setup = Setup::new(&["-vvv", &probe(), "signals", "1000000000"]).stderr(&write);
        let setup = if proc_mounted { setup } else { setup.without_proc() };
        let mut running = setup.start();
        drop(write);
        running.expect("ready");
        for value in 0..98 {
            running.queue(34, value);
            running.expect(&format!("signal 34 value {value}"));
        }
        // Once somebody reads again, the next line tells how many were lost.
        let mut lines = BufReader::new(File::from(read)).lines();
        let reader =
            std::thread::spawn(move || lines.find(|l| l.as_ref().unwrap().contains("lost")));
        running.signal(libc::SIGUSR1);
        running.expect("signal 10 value none");
        wait_until("the reader has made room", || {
            reader.is_finished() || {
                running.signal(libc::SIGUSR2);
                false
            }
        });
        let told = reader.join().unwrap().unwrap().unwrap();
        assert!(told.contains("log lines were lost here"), "{told}");
    }
}

#[test]
fn the_flags_of_standard_error_are_not_changed_for_main() {
    let (_read, write) = full_pipe();
    let mut running = Setup::new(&["-vvv", &probe(), "sleep"]).stderr(&write).start();
    running.expect("ready");
    // SAFETY: takes integers only.
    let flags = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_GETFL) };
    assert_eq!(flags & libc::O_NONBLOCK, 0);
}

#[test]
fn a_broken_pipe_on_standard_error_does_not_reach_main() {
    let (read, write) = full_pipe();
    let mut running = Setup::new(&["-vvv", &probe(), "signals", "2"]).stderr(&write).start();
    drop((read, write));
    running.expect("ready");
    for signal in [libc::SIGUSR1, libc::SIGPIPE] {
        running.signal(signal); // each causes lines, and each line SIGPIPE for sexton itself
        running.expect(&format!("signal {signal} value none"));
    }
    assert_eq!(running.end().status, 0);
}

#[test]
fn a_closed_standard_error_is_no_matter() {
    let mut running = Setup::new(&["-vvv", &probe(), "signals", "1"]).closed(&[2]).start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect("signal 10 value none");
    assert_eq!(running.end().status, 0);
}

#[test]
fn a_signal_is_logged_with_its_sender() {
    let mut running =
        Setup::new(&["-v", "sh", "-c", "kill -USR1 1; while :; do sleep 1000; done"]).start();
    running.expect_log("info: received SIGUSR1 from pid 2 (sh), uid 0");
    let mut running = Setup::new(&["-v", &probe(), "sleep"]).start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect_log("info: received SIGUSR1 from outside of the PID namespace, uid 0");
}

#[test]
fn a_death_that_nobody_asked_for_is_a_warning_and_another_is_not() {
    let ended = Setup::new(&["sh", "-c", "kill -SEGV $$"]).run();
    assert!(ended.stderr.contains("warning: main was killed by SIGSEGV"), "{ended:?}");
    for quiet in ["exit 1", "kill -PIPE $$"] {
        assert_eq!(Setup::new(&["sh", "-c", quiet]).run().stderr, "", "{quiet}");
    }
}

// logging.rs

#[test]
fn a_key_s_signal_that_no_key_sent_is_a_warning() {
    for signal in ["INT", "QUIT", "HUP"] {
        let script = format!("kill -{signal} $$");
        let ended = Setup::new(&["--rlimit=core=0", "sh", "-c", &script]).run();
        let told = format!("warning: main was killed by SIG{signal}, after ");
        assert!(ended.stderr.contains(&told), "{ended:?}");
    }
}

// logging.rs

#[test]
fn a_full_socket_on_standard_error_costs_only_the_lines() {
    let (_read, write) = std::os::unix::net::UnixStream::pair().unwrap();
    write.set_nonblocking(true).unwrap();
    while std::io::Write::write(&mut &write, &[b'-'; 4096]).is_ok() {}
    while std::io::Write::write(&mut &write, b"-").is_ok() {}
    write.set_nonblocking(false).unwrap();
    let mut running = Setup::new(&["-vvv", &probe(), "signals", "1"]).stderr(&write).start();
    running.expect("ready");
    running.signal(libc::SIGUSR1);
    running.expect("signal 10 value none");
    assert_eq!(running.end().status, 0);
}
