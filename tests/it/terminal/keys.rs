//! What keys and the window do, and that nobody is stopped whom nobody could continue.

use super::{CTRL_BACKSLASH, CTRL_C, CTRL_Z, script, script_of, state, wait_for_state, words};
use crate::harness::{
    Folder, Setup, Terminal, children_of, probe, sleeps_for_ever, status_field, wait_until,
};
use nix::libc;
use std::io::Read;
use std::time::{Duration, Instant};

/// What is shown until nobody has the terminal open any more.
fn rest(terminal: Terminal) -> String {
    let Terminal { mut user, program, .. } = terminal;
    drop(program);
    let mut shown = Vec::new();
    user.read_to_end(&mut shown).ok(); // EIO at the end
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_key_that_the_command_has_got_is_not_forwarded() {
    for (key, echo, status) in [(CTRL_C, "^C", 130), (CTRL_BACKSLASH, "^\\", 131)] {
        let mut terminal = Terminal::new();
        let words = ["--rlimit=core=0", &probe(), "sleep"];
        let running = Setup::new(&words).terminal(&terminal.program).start();
        terminal.expect("ready\r\n");
        terminal.type_in(key);
        assert_eq!(running.end().status, status);
        assert_eq!(rest(terminal), echo);
    }
}

/// The kernel tells the foreground group, which is the command's, and not sexton.
#[test]
fn the_command_gets_one_signal_for_a_key_or_a_new_size() {
    let mut terminal = Terminal::new();
    let words = ["-v", &probe(), "signals", "5"];
    let running = Setup::new(&words).terminal(&terminal.program).start();
    terminal.expect("ready\r\n");
    let mut shown = String::new();
    for rows in [30, 31] {
        terminal.resize(rows, 100);
        shown += &terminal.expect("signal 28 value none\r\n");
    }
    for (key, signal) in [(CTRL_C, 2), (CTRL_BACKSLASH, 3)] {
        terminal.type_in(key);
        shown += &terminal.expect(&format!("signal {signal} value none\r\n"));
    }
    running.signal(libc::SIGUSR1);
    shown += &terminal.expect("signal 10 value none\r\n");
    // It is forwarded first and logged afterwards, so either line may come first.
    if !shown.contains("received SIGUSR1") {
        shown += &(terminal.expect("received SIGUSR1") + "received SIGUSR1");
    }
    assert_eq!(shown.matches("received").count(), 1, "nothing else came to sexton: {shown:?}");
    assert!(!shown.contains("signal "), "{shown:?}");
    assert_eq!(running.end().status, 0);
}

/// Without sexton the command would be PID 1, or lead an orphaned group: the kernel would not stop it.
#[test]
fn a_command_that_no_shell_could_continue_is_not_left_stopped() {
    for as_init in [true, false] {
        let (mut terminal, running) = if as_init {
            script(&words("exec SEXTON -v PROBE sleep"))
        } else {
            script(&words("SEXTON -v PROBE sleep; exit $?"))
        };
        terminal.expect("ready\r\n");
        let sexton = if as_init { running.pid } else { running.children()[0] };
        let main = children_of(sexton)[0];
        // A script gets the keys as well.
        let foreground = if as_init { main } else { running.pid };
        for _ in 0..3 {
            terminal.type_in(CTRL_Z);
            terminal.expect("sent SIGCONT to the command's process group\r\n");
            wait_until("main goes on", || {
                terminal.foreground() == foreground && state(main) == 'S'
            });
        }
        terminal.type_in(CTRL_C);
        assert_eq!(running.end().status, 130);
    }
}

/// Nobody has made a job of this script: it leads the session. A shell that gets SIGINT goes on if what it waits for
/// has not died of it, so sexton's own end has to tell.
#[test]
fn a_key_ends_the_loop_that_sexton_is_in() {
    for key in ["", CTRL_Z] {
        let line = "for i in 1 2 3; do SEXTON PROBE sleep; done; echo went on";
        let (mut terminal, running) = script_of("/bin/bash", &words(line));
        terminal.expect("ready\r\n");
        let [sexton] = running.children()[..] else { panic!("the script has one child") };
        let [main] = children_of(sexton)[..] else { panic!("sexton has one child") };
        terminal.type_in(key);
        if key == CTRL_Z {
            terminal.expect("^Z"); // its signal has been sent
        }
        wait_until("nobody is stopped", || sleeps_for_ever(sexton) && state(main) == 'S');
        assert_eq!(terminal.foreground(), running.pid, "all of them get the next key");
        terminal.type_in(CTRL_C);
        // It sends SIGINT to itself, in vain as PID 1.
        assert_eq!(running.end().status, 130);
        assert!(!rest(terminal).contains("went on"));
    }
}

#[test]
fn a_command_that_sigstop_stopped_stays_stopped() {
    for as_init in [true, false] {
        let (mut terminal, running) = if as_init {
            script(&words("exec SEXTON PROBE sleep"))
        } else {
            script(&words("SEXTON PROBE sleep; exit $?"))
        };
        terminal.expect("ready\r\n");
        let sexton = if as_init { running.pid } else { running.children()[0] };
        let main = children_of(sexton)[0];
        let is_idle = || {
            let pending = status_field(sexton, "ShdPnd");
            pending == "0000000000000000" && sleeps_for_ever(sexton)
        };
        let switches = || status_field(sexton, "voluntary_ctxt_switches");
        wait_until("sexton has nothing to do", is_idle);
        let before = switches();
        unsafe { libc::kill(main, libc::SIGSTOP) };
        wait_for_state(main, 'T');
        // sexton has taken its SIGCHLD, acted on it, and waits for the next signal.
        wait_until("sexton has looked at it", || switches() != before && is_idle());
        assert_eq!((state(main), state(sexton)), ('T', 'S'));
        unsafe { libc::kill(sexton, libc::SIGCONT) };
        wait_for_state(main, 'S');
        unsafe { libc::kill(sexton, libc::SIGTERM) };
        assert_eq!(running.end().status, 143);
    }
}

/// A read in the background stops the command each time that it is continued, if there is no shell to stop for.
#[test]
fn a_command_that_is_stopped_again_and_again_costs_little() {
    // The shell of the inner sexton ends, and its new parent is in another session.
    let folder = Folder::new("again");
    let inner = "until grep -q '^PPid:.1$' /proc/$PPID/status; do :; done; exec cat </dev/tty";
    let inner = folder.file("inner", "755", &format!("#!/bin/sh\n{inner}\n"));
    let line = "exec SEXTON --setsid sh -c 'set -m; sh -c \"SEXTON -v INNER & exec true\" & \
                wait; exec PROBE sleep'";
    let begin = Instant::now();
    let (mut terminal, running) = script(&words(&line.replace("INNER", &inner)));
    for _ in 0..=10 {
        terminal.expect("sent SIGCONT to the command's process group\r\n");
    }
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
    drop(running);
}

/// The command gave the terminal to a process group that has ended.
#[test]
fn the_command_is_given_a_terminal_that_no_group_has() {
    let program = "import os, sys, signal\n\
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n\
        child = os.fork()\n\
        if child == 0:\n    signal.pause()\n\
        os.setpgid(child, child)\n\
        os.tcsetpgrp(0, child)\n\
        os.kill(child, 9)\n\
        os.wait()\n\
        sys.exit(int(sys.stdin.readline()))";
    let mut terminal = Terminal::new();
    let words = ["/usr/bin/python3", "-c", program];
    let running = Setup::new(&words).terminal(&terminal.program).start();
    terminal.type_in("7\n");
    assert_eq!(running.end().status, 7);
}
