//! Who is given the terminal, and that it is given back.

use super::{CTRL_C, script, wait_for_state, words};
use crate::harness::{Folder, Setup, Terminal, children_of, probe, wait_until};
use nix::libc;

#[test]
fn the_command_s_group_is_the_foreground_group() {
    let mut terminal = Terminal::new();
    let running = Setup::new(&[&probe(), "report"]).terminal(&terminal.program).start();
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 2\r\n"), "{report}");
    assert!(report.contains("group: 2\r\n"), "{report}");
    for field in ["SigPnd", "ShdPnd", "SigBlk", "SigIgn"] {
        assert!(report.contains(&format!("{field}:\t0000000000000000\r\n")), "{report}");
    }
    assert_eq!(running.end().status, 0);
}

#[test]
fn the_terminal_is_not_stolen_from_the_foreground() {
    let mut terminal = Terminal::new();
    let setup = Setup::new(&[&probe(), "report"]).terminal(&terminal.program).in_background();
    let running = setup.start();
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 1\r\n"), "{report}");
    drop(running);
}

/// What counts is the controlling terminal, not the streams.
#[test]
fn the_command_is_given_the_terminal_whatever_its_streams_are() {
    for streams in ["</dev/null", "</dev/null >/dev/null 2>&1"] {
        let (mut terminal, running) = script(&words(&format!("exec SEXTON PROBE sleep {streams}")));
        wait_until("main has the terminal", || {
            let [main] = running.children()[..] else { return false };
            terminal.foreground() == main
        });
        let main = terminal.foreground();
        wait_until("main runs", || children_of(running.pid) == [main]);
        wait_until("it is the probe", || comm(main) == "probe\n");
        terminal.type_in(CTRL_C);
        assert_eq!(running.end().status, 130);
    }
}

fn comm(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default()
}

#[test]
fn streams_on_a_terminal_that_is_not_the_session_s_are_only_streams() {
    let (mut terminal, running) = script(&words("setsid --wait SEXTON PROBE sleep; exit $?"));
    terminal.expect("ready\r\n");
    assert_eq!(terminal.foreground(), running.pid);
    let [setsid] = running.children()[..] else { panic!("the script has one child") };
    let [sexton] = children_of(setsid)[..] else { panic!("setsid has one child") };
    unsafe { libc::kill(sexton, libc::SIGTERM) };
    assert_eq!(running.end().status, 143);
}

#[test]
fn the_terminal_is_given_back_at_the_end() {
    // A shell without job control does not take it back itself.
    let (mut terminal, running) = script(&words("SEXTON true; PROBE report"));
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 1\r\n"), "{report}");
    assert_eq!(running.end().status, 0);
}

/// The command may have given it to a group of its own that has ended by then.
#[test]
fn the_terminal_is_given_back_by_whoever_had_it_last() {
    let line = "SEXTON bash -c 'set -m; (kill -KILL $$; exec PROBE die 9)'; PROBE report";
    let (mut terminal, running) = script(&words(line));
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 1\r\n"), "{report}");
    assert_eq!(running.end().status, 0);
}

#[test]
fn modes_are_restored_only_if_a_signal_has_killed_the_command() {
    let raw =
        |end: &str| format!("SEXTON --rlimit=core=0 sh -c 'stty raw -echo; {end}'; read line");
    for (end, restored) in [("kill -KILL $$", true), ("kill -SEGV $$", true), ("exit 3", false)] {
        let terminal_before = Terminal::new().modes();
        let (terminal, running) = script(&words(&raw(end)));
        wait_until("sexton has ended", || {
            // The script is in read(2), of its standard input.
            running.children().is_empty() && running.blocked_in().get(..2) == Some(&[0, 0])
        });
        assert_eq!(terminal.modes() == terminal_before, restored, "{end}");
        assert_eq!(terminal.foreground(), running.pid);
    }
}

#[test]
fn modes_that_the_command_sets_from_the_background_stay() {
    let mut terminal = Terminal::new();
    let before = terminal.modes();
    let words = ["sh", "-c", "trap '' TTOU; stty raw -echo; echo raw; kill -KILL $$"];
    let running = Setup::new(&words).terminal(&terminal.program).in_background().start();
    terminal.expect("raw");
    assert_eq!(running.end().status, 137);
    assert_ne!(terminal.modes(), before, "they are not sexton's to change");
}

/// A hang-up is told to the session's leader only: sexton passes it on, and the command gets it once.
#[test]
fn a_terminal_that_goes_away_is_reported_once() {
    let folder = Folder::new("hang-up");
    let told = format!("{}/told", folder.path());
    let line = format!("exec SEXTON PROBE signals 3 </dev/null >{told} 2>&1");
    let (terminal, running) = script(&words(&line));
    let lines = || std::fs::read_to_string(&told).unwrap_or_default();
    wait_until("main is ready", || lines() == "ready\n");
    terminal.unplug();
    wait_until("main is told", || lines().contains("signal 18"));
    running.signal(libc::SIGUSR1);
    assert_eq!(running.end().status, 0);
    let signals = ["ready", "signal 1 value none", "signal 18 value none", "signal 10 value none"];
    assert_eq!(Vec::from_iter(lines().lines()), signals);
}

#[test]
fn a_terminal_that_goes_away_ends_the_tree() {
    let mut terminal = Terminal::new();
    let main = words("PROBE leave obey 0; exec PROBE sleep");
    let running = Setup::new(&["sh", "-c", &main]).terminal(&terminal.program).start();
    terminal.expect("ready\r\n");
    wait_until("main and a daemon are left", || running.children().len() == 2);
    terminal.unplug();
    assert_eq!(running.end().status, 129);
}

/// The shell of a job passes the hang-up on, or the kernel does when the shell has ended.
#[test]
fn a_terminal_that_goes_away_ends_a_job_too_even_one_that_is_stopped() {
    for stopped in [false, true] {
        let mut shell = super::Shell::new();
        shell.line("SEXTON PROBE sleep");
        shell.terminal.expect("ready\r\n");
        if stopped {
            shell.terminal.type_in(super::CTRL_Z);
            shell.expect_stopped();
        }
        let [sexton] = shell.running.children()[..] else { panic!("the shell has one child") };
        let [main] = children_of(sexton)[..] else { panic!("sexton has one child") };
        wait_for_state(main, if stopped { 'T' } else { 'S' });
        shell.terminal.unplug();
        wait_until("main has ended", || super::state(main) == '-');
        drop(shell.running);
    }
}

/// `unshare --pid` on a terminal: all groups are outside, and read as 0.
#[test]
fn a_group_outside_of_the_namespace_is_known_to_be_in_the_foreground_or_not() {
    let line = words("unshare --pid --fork --mount-proc SEXTON PROBE report; exit $?");
    for (background, group) in [(false, 2), (true, 0)] {
        let mut terminal = Terminal::new();
        let setup = Setup::program("/bin/sh".as_ref(), &["-c", &line]);
        let setup = setup.terminal(&terminal.program);
        let running = if background { setup.in_background() } else { setup }.start();
        let report = terminal.expect("end");
        assert!(report.contains(&format!("terminal group: {group}\r\n")), "{background}: {report}");
        drop(running);
    }
}

/// Some containers have no /dev/tty.
fn without_dev() {
    let (kind, none) = (c"tmpfs".as_ptr(), std::ptr::null());
    unsafe { libc::mount(kind, c"/dev".as_ptr(), kind, 0, none) };
}

#[test]
fn the_terminal_is_found_without_dev_tty() {
    for session in [false, true] {
        let mut terminal = Terminal::new();
        let words = [if session { "--setsid" } else { "--" }, &probe(), "report"];
        let setup = Setup::new(&words).terminal(&terminal.program).prepare(without_dev);
        let running = setup.start();
        let report = terminal.expect("end");
        let main = if session { 3 } else { 2 };
        assert!(report.contains(&format!("terminal group: {main}\r\n")), "{report}");
        assert_eq!(running.end().status, 0);
    }
}
