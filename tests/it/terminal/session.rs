//! `--setsid` with a terminal.

use super::{CTRL_C, CTRL_Z, Shell, script, wait_for_state, words};
use crate::harness::{Folder, Setup, Terminal, children_of, probe, sleeps_for_ever, wait_until};
use nix::libc;

fn field(report: &str, name: &str) -> i32 {
    let line = report.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("{name} is not in {report}")).trim().parse().unwrap()
}

#[test]
fn the_command_s_session_has_sexton_s_terminal() {
    let mut terminal = Terminal::new();
    let words = ["--setsid", &probe(), "report"];
    let running = Setup::new(&words).terminal(&terminal.program).start();
    let report = terminal.expect("end");
    let pid = field(&report, "pid");
    for name in ["session", "group", "terminal group"] {
        assert_eq!(field(&report, name), pid, "{report}");
    }
    for field in ["SigPnd", "ShdPnd", "SigBlk", "SigIgn"] {
        assert!(report.contains(&format!("{field}:\t0000000000000000\r\n")), "{report}");
    }
    assert_eq!(running.end().status, 0);
}

/// To detach from a terminal brings SIGHUP and SIGCONT to the foreground group.
#[test]
fn no_process_gets_a_signal_when_sexton_gives_up_the_terminal() {
    let folder = Folder::new("detach");
    let [main, other] = ["main", "other"].map(|name| format!("{}/{name}", folder.path()));
    // The other one is a child that sexton is started with, in the same process group.
    let line = format!(
        "PROBE signals 1 >{other} & until [ -s {other} ]; do :; done; \
         exec SEXTON --setsid PROBE signals 1 >{main}"
    );
    let (mut terminal, running) = script(&words(&line));
    let lines = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    wait_until("main is ready", || lines(&main) == "ready\n");
    let children = running.children();
    assert_eq!(children.len(), 2);
    let leader = terminal.foreground();
    let other_pid = *children.iter().find(|&&pid| pid != leader).unwrap();
    wait_until("sexton waits", || running.has_taken_all() || sleeps_for_ever(running.pid));
    unsafe { libc::kill(other_pid, libc::SIGUSR1) };
    wait_until("the other one has ended", || lines(&other).lines().count() == 2);
    assert_eq!(lines(&other), "ready\nsignal 10 value none\n");
    running.signal(libc::SIGUSR2);
    assert_eq!(running.end().status, 0);
    assert_eq!(lines(&main), "ready\nsignal 12 value none\n");
    assert_eq!(terminal.shown(), "");
}

#[test]
fn a_shell_in_a_session_of_its_own_has_job_control() {
    let mut terminal = Terminal::new();
    let words = ["--setsid", "bash", "--norc", "--noprofile", "-i"];
    let setup = Setup::new(&words).variable("PS1=$ ").variable("TERM=dumb");
    let running = setup.terminal(&terminal.program).start();
    terminal.expect("$ ");
    terminal.type_in(&format!("{} sleep\n", probe()));
    terminal.expect("ready\r\n");
    terminal.type_in(CTRL_Z);
    terminal.expect("Stopped");
    terminal.expect("$ ");
    terminal.type_in("fg\n");
    terminal.expect("sleep\r\n");
    let shell = running.children()[0];
    wait_until("the job has the terminal", || terminal.foreground() != shell);
    terminal.type_in(CTRL_C);
    terminal.expect("$ ");
    terminal.type_in("exit 4\n");
    assert_eq!(running.end().status, 4);
}

/// The command leads an orphaned group, as it would without sexton: the kernel itself ignores the key.
#[test]
fn ctrl_z_does_not_even_stop_the_command() {
    let mut terminal = Terminal::new();
    let words = ["-v", "--setsid", &probe(), "sleep"];
    let running = Setup::new(&words).terminal(&terminal.program).start();
    terminal.expect("ready\r\n");
    terminal.type_in(CTRL_Z);
    terminal.expect("^Z");
    terminal.type_in(CTRL_C);
    assert_eq!(running.end().status, 130);
    assert!(!terminal.shown().contains("SIGCONT"));
}

#[test]
fn the_command_s_session_gets_sighup_when_its_terminal_goes_away() {
    let mut terminal = Terminal::new();
    let words = ["--setsid", &probe(), "sleep"];
    let running = Setup::new(&words).terminal(&terminal.program).start();
    terminal.expect("ready\r\n");
    terminal.unplug();
    assert_eq!(running.end().status, 129);
}

/// The session is a shell's: the terminal is not sexton's to give away.
#[test]
fn the_terminal_of_another_s_session_stays_there() {
    let mut shell = Shell::new();
    shell.line("SEXTON --setsid PROBE sleep");
    shell.terminal.expect("ready\r\n");
    let [sexton] = shell.running.children()[..] else { panic!("the shell has one child") };
    assert_eq!(shell.terminal.foreground(), sexton);
    let [main] = children_of(sexton)[..] else { panic!("sexton has one child") };
    wait_for_state(main, 'S');
    shell.terminal.type_in(CTRL_C); // to sexton, which passes it on
    shell.expect_status(130);
    shell.exit();
}

#[test]
fn nor_is_it_taken_from_the_foreground() {
    let mut terminal = Terminal::new();
    let words = ["--setsid", &probe(), "sleep"];
    let running = Setup::new(&words).terminal(&terminal.program).in_background().start();
    terminal.expect("ready\r\n");
    assert_eq!(terminal.foreground(), running.pid);
    drop(running);
}

#[test]
fn a_dry_run_shows_the_terminal() {
    for (flags, told) in [
        ("--dry-run", "2. become the terminal's foreground process group"),
        ("--dry-run --setsid", "2. take over sexton's controlling terminal"),
    ] {
        let (mut terminal, running) = script(&words(&format!("exec SEXTON {flags} true")));
        assert_eq!(running.end().status, 0);
        assert!(terminal.shown().contains(told), "{}", terminal.shown());
    }
}
