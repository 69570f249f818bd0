//! sexton among others of its kind.

use super::{CTRL_C, CTRL_Z, Shell, script, state, words};
use crate::harness::{Running, Setup, Terminal, children_of, sleeps_for_ever, wait_until};

/// Ctrl-Z leaves the command running, and Ctrl-C ends it.
fn keys_work(mut terminal: Terminal, running: Running) {
    terminal.expect("ready\r\n");
    let command = terminal.foreground();
    terminal.type_in(CTRL_Z);
    wait_until("the command goes on in the foreground", || {
        let is_foreground = terminal.foreground() == command;
        terminal.shown().contains("^Z") && is_foreground && state(command) == 'S'
    });
    terminal.type_in(CTRL_C);
    assert_eq!(running.end().status, 130);
}

/// The shell's job has been stopped by a key; `fg` continues it, with the terminal.
fn stops_and_goes_on(shell: &mut Shell, command: i32) {
    shell.expect_stopped();
    assert_eq!(state(command), 'T');
    shell.line("fg");
    wait_until("the command goes on in the foreground", || {
        shell.terminal.foreground() == command && state(command) == 'S'
    });
}

/// Ctrl-C ends the shell's job.
fn ends(mut shell: Shell) {
    shell.terminal.type_in(CTRL_C);
    shell.expect_status(130);
    shell.exit();
}

#[test]
fn sexton_under_sexton() {
    let (terminal, running) = script(&words("exec SEXTON SEXTON SEXTON PROBE sleep"));
    keys_work(terminal, running);
}

#[test]
fn sexton_under_sexton_as_a_job() {
    let mut shell = Shell::new();
    shell.line("SEXTON SEXTON PROBE sleep");
    shell.terminal.expect("ready\r\n");
    let command = shell.terminal.foreground();
    for _ in 0..2 {
        shell.terminal.type_in(CTRL_Z);
        stops_and_goes_on(&mut shell, command);
    }
    ends(shell);
}

#[test]
fn sexton_under_tini() {
    for tini in ["tini", "tini -g"] {
        let (mut terminal, running) = script(&words(&format!("exec {tini} SEXTON PROBE sleep")));
        terminal.expect("ready\r\n");
        let [sexton] = running.children()[..] else { panic!("tini has one child") };
        assert_eq!(children_of(sexton), [terminal.foreground()]);
        terminal.type_in(CTRL_C);
        assert_eq!(running.end().status, 130);
    }
}

/// script(1) makes a terminal of its own, and copies between the two.
#[test]
fn sexton_under_script() {
    let line = words("script --quiet --return --command 'SEXTON PROBE sleep' /dev/null; exit $?");
    let (mut terminal, running) = script(&line);
    terminal.expect("ready\r\n");
    terminal.type_in(CTRL_Z);
    terminal.expect("^Z");
    terminal.type_in(CTRL_C);
    assert_eq!(running.end().status, 130);
}

#[test]
fn nohup_survives_the_terminal() {
    let line = words("exec nohup SEXTON PROBE signals 2 </dev/null >/dev/null");
    let (mut terminal, running) = script(&line);
    terminal.expect("\r\n"); // nohup says where its errors go
    let command = || running.children().first().copied();
    wait_until("the command waits for signals", || command().is_some_and(sleeps_for_ever));
    terminal.unplug();
    running.signal(nix::libc::SIGUSR1);
    running.signal(nix::libc::SIGUSR2);
    assert_eq!(running.end().status, 0);
}

#[test]
fn the_session_s_leader_may_be_another_process() {
    let mut terminal = Terminal::new();
    let line = words("(SEXTON PROBE report); exit $?");
    let setup = Setup::program("/bin/bash".as_ref(), &["-c", &line]).terminal(&terminal.program);
    let running = setup.start();
    let report = terminal.expect("end");
    assert!(report.contains("session: 1\r\n"), "{report}");
    assert_eq!(running.end().status, 0);
}

/// docs/drop-in.md: sexton never takes a terminal from the foreground group.
#[test]
fn a_script_is_left_without_the_terminal_by_tini_only() {
    for (tini, has_it) in [("tini -s", false), ("SEXTON --as tini -s", true)] {
        let (mut terminal, running) = script(&words(&format!("{tini} -- true; PROBE report")));
        let report = terminal.expect("end");
        assert_eq!(report.contains("terminal group: 1\r\n"), has_it, "{tini}: {report}");
        drop(running);
    }
}

/// docs/drop-in.md: tini does not notice that a key has stopped its child; sexton stops with the command.
#[test]
fn a_shell_waits_for_a_job_that_tini_has_not_noticed_to_be_stopped() {
    for tini in ["tini -s", "SEXTON --as tini -s"] {
        let mut shell = Shell::new();
        shell.line(&format!("{tini} -- PROBE sleep"));
        shell.terminal.expect("ready\r\n");
        let [init] = shell.running.children()[..] else { panic!("the shell has one child") };
        let [command] = children_of(init)[..] else { panic!("the init has one child") };
        shell.terminal.type_in(CTRL_Z);
        if tini.starts_with("tini") {
            wait_until("the command is stopped", || state(command) == 'T');
            wait_until("tini has taken its SIGCHLD, and goes on", || {
                let pending = crate::harness::status_field(init, "ShdPnd");
                pending == "0000000000000000" && state(init) == 'S'
            });
            assert_eq!(shell.terminal.foreground(), command);
            continue;
        }
        stops_and_goes_on(&mut shell, command);
        ends(shell);
    }
}
