//! SPEC 1.5: process group and terminal. (All of what `docs/terminals.md` will promise is still to come.)

use crate::harness::{Setup, Terminal, probe, sexton, status_field, wait_until};

#[test]
fn main_s_group_is_the_foreground_group() {
    let mut terminal = Terminal::new();
    let running = Setup::new(&[&probe(), "report"]).terminal(&terminal.program).start();
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 2\r\n"), "{report}");
    assert!(report.contains("group: 2\r\n"), "{report}");
    assert_eq!(running.end().status, 0);
}

#[test]
fn a_key_reaches_main() {
    for (key, status) in [("\x03", 130), ("\x1c", 131)] {
        let mut terminal = Terminal::new();
        let running =
            Setup::new(&["--rlimit=core=0", &probe(), "sleep"]).terminal(&terminal.program).start();
        terminal.expect("ready");
        terminal.type_in(key);
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (status, ""));
    }
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

#[test]
fn a_job_of_an_interactive_shell_stops_and_goes_on_as_a_whole() {
    let mut terminal = Terminal::new();
    let setup = Setup::program("/bin/bash".as_ref(), &["--norc", "--noprofile", "-i"]);
    let setup = setup.variable("PS1=$ ").variable("TERM=dumb");
    let running = setup.terminal(&terminal.program).start();
    terminal.expect("$ ");
    terminal.type_in(&format!("{} {} sleep\n", sexton().display(), probe()));
    terminal.expect("ready\r\n");
    let shell = running.pid;
    let job = terminal.foreground();
    assert_ne!(job, shell, "main has the terminal");
    terminal.type_in("\x1a");
    terminal.expect("Stopped");
    terminal.expect("$ ");
    assert_eq!(terminal.foreground(), shell);
    wait_until("main is stopped", || status_field(job, "State").starts_with('T'));
    terminal.type_in("fg\n");
    wait_until("main goes on in the foreground", || {
        terminal.foreground() == job && status_field(job, "State").starts_with('S')
    });
    terminal.type_in("\x03");
    terminal.expect("$ ");
    terminal.type_in("echo status $?\n");
    terminal.expect("status 130");
    terminal.type_in("exit 3\n");
    assert_eq!(running.end().status, 3);
}
