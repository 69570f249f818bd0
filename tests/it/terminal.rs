//! SPEC 1.5: process group and terminal. (All of what `docs/terminals.md` will promise is still to come.)

use crate::harness::{Setup, Terminal, children_of, probe, sexton, status_field, wait_until};
use nix::libc;
use std::io::Read;

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

// terminal.rs

#[test]
fn the_terminal_is_given_back_at_the_end() {
    let mut terminal = Terminal::new();
    // A shell without job control does not take it back itself.
    let script = format!("{} true; {} report", sexton().display(), probe());
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
    let running = setup.terminal(&terminal.program).start();
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 1\r\n"), "{report}");
    assert_eq!(running.end().status, 0);
}

/// What is shown until nobody has the terminal open any more.
fn rest(terminal: Terminal) -> String {
    let Terminal { mut user, program, .. } = terminal;
    drop(program);
    let mut shown = Vec::new();
    user.read_to_end(&mut shown).ok(); // EIO at the end
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_key_is_no_news() {
    for (key, echo, status) in [("\x03", "^C", 130), ("\x1c", "^\\", 131)] {
        let mut terminal = Terminal::new();
        let words = ["--rlimit=core=0", &probe(), "sleep"];
        let running = Setup::new(&words).terminal(&terminal.program).start();
        terminal.expect("ready\r\n");
        terminal.type_in(key);
        assert_eq!(running.end().status, status);
        assert_eq!(rest(terminal), echo);
    }
}

// terminal.rs

/// Where nothing can stop sexton itself, its group has the terminal while main is stopped.
#[test]
fn a_stopped_main_does_not_keep_the_terminal() {
    let mut terminal = Terminal::new();
    // A shell without job control: the job is an orphaned group, which SIGTSTP does not stop.
    let script = format!("{} {} sleep; exit $?", sexton().display(), probe());
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
    let running = setup.terminal(&terminal.program).start();
    terminal.expect("ready\r\n");
    let (job, main) = (running.pid, terminal.foreground());
    terminal.type_in("\x1a");
    wait_until("the job has the terminal", || terminal.foreground() == job);
    assert!(status_field(main, "State").starts_with('T'));
    unsafe { libc::kill(running.children()[0], libc::SIGCONT) };
    wait_until("main goes on in the foreground", || {
        terminal.foreground() == main && status_field(main, "State").starts_with('S')
    });
    terminal.type_in("\x03");
    assert_eq!(running.end().status, 130);
}

/// PID 1 is no shell's job: there is nobody to give the terminal to.
#[test]
fn a_stopped_main_of_init_keeps_the_terminal() {
    let mut terminal = Terminal::new();
    let running = Setup::new(&[&probe(), "sleep"]).terminal(&terminal.program).start();
    terminal.expect("ready\r\n");
    let main = terminal.foreground();
    terminal.type_in("\x1a");
    wait_until("main is stopped, and sexton has nothing to do", || {
        status_field(main, "State").starts_with('T')
            && running.has_taken_all()
            && running.blocked_in().first() == Some(&(libc::SYS_rt_sigtimedwait as u64))
    });
    assert_eq!(terminal.foreground(), main);
    running.signal(libc::SIGCONT);
    terminal.type_in("\x03");
    assert_eq!(running.end().status, 130);
}

#[test]
fn a_job_goes_on_with_all_of_its_processes() {
    let mut terminal = Terminal::new();
    let setup = Setup::program("/bin/bash".as_ref(), &["--norc", "--noprofile", "-i"]);
    let setup = setup.variable("PS1=$ ").variable("TERM=dumb");
    let running = setup.terminal(&terminal.program).start();
    terminal.expect("$ ");
    // Main is the shell, and the probe its child in the same group.
    terminal.type_in(&format!("{} sh -c '{} sleep; exit 4'\n", sexton().display(), probe()));
    terminal.expect("ready\r\n");
    let main = terminal.foreground();
    let [child] = children_of(main)[..] else { panic!("main has one child") };
    terminal.type_in("\x1a");
    terminal.expect("Stopped");
    wait_until("both are stopped", || {
        [main, child].iter().all(|&pid| status_field(pid, "State").starts_with('T'))
    });
    terminal.type_in("fg\n");
    wait_until("both go on", || {
        [main, child].iter().all(|&pid| status_field(pid, "State").starts_with('S'))
    });
    drop(running);
}

// terminal.rs

/// `unshare --pid` on a terminal: all groups are outside, and read as 0.
#[test]
fn a_group_outside_of_the_namespace_is_known_to_be_in_the_foreground_or_not() {
    let script = format!(
        "unshare --pid --fork --mount-proc {} {} report; exit $?",
        sexton().display(),
        probe()
    );
    for (background, group) in [(false, 2), (true, 0)] {
        let mut terminal = Terminal::new();
        let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
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
    let mut terminal = Terminal::new();
    let setup = Setup::new(&[&probe(), "report"]).terminal(&terminal.program).prepare(without_dev);
    let running = setup.start();
    let report = terminal.expect("end");
    assert!(report.contains("terminal group: 2\r\n"), "{report}");
    assert_eq!(running.end().status, 0);
}
