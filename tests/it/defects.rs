//! What does not hold yet.

use crate::harness::{Folder, Setup, Terminal, Traced, be_traced, probe, wait_until};
use nix::libc;

/// As `start::main_s_group_gets_a_signal_before_main_has_run`, with a session instead of a group.
#[test]
fn main_s_session_gets_a_signal_before_main_has_run() {
    let setup = Setup::new(&["--setsid", "--forward-to=group", &probe(), "sleep"]);
    let running = setup.prepare(be_traced).start();
    let (sexton, main) = Traced::until_fork(running.pid);
    sexton.release();
    running.signal(libc::SIGUSR1);
    wait_until("SIGUSR1 is taken", || {
        let waiting = Some(&(libc::SYS_rt_sigtimedwait as u64));
        running.has_taken_all() && running.blocked_in().first() == waiting
    });
    main.release();
    assert_eq!(running.end().status, 138);
}

/// docs/privileges.md: "No file is read for what it needs not say".
#[test]
fn files_that_need_not_be_read_may_be_odd() {
    let etc = Folder::new("odd-files");
    etc.file("passwd/x", "644", "");
    etc.file("group/x", "644", "");
    let ended = Setup::new(&["--groups=5", "echo", "x"]).bind(etc.path(), "/etc").run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "x\n"), "{ended:?}");
    // HOME is looked up in /etc/passwd; nothing in /etc/group.
    let etc = Folder::new("odd-group");
    etc.file("group/x", "644", "");
    let words = ["--user=1000:50", "--groups=7", "echo", "x"];
    let ended = Setup::new(&words).bind(etc.path(), "/etc").run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "x\n"), "{ended:?}");
}

/// A session of its own has no terminal: SIGINT cannot have come from its keys, and is told as without one.
#[test]
fn a_death_by_sigint_in_a_session_of_its_own_is_told() {
    let mut terminal = Terminal::new();
    let words = ["--setsid", "sh", "-c", "kill -INT $$"];
    let running = Setup::new(&words).terminal(&terminal.program).start();
    let end = running.end();
    assert_eq!(end.status, 130);
    // Nothing else is shown after it.
    let shell = Setup::new(&["echo", "end"]).terminal(&terminal.program).run();
    assert_eq!(shell.status, 0);
    assert_eq!(terminal.expect("end"), "sexton: warning: main was killed by SIGINT\r\n");
}

/// What a run says, the dry run should say.
#[test]
fn a_dry_run_in_a_directory_that_is_missing_does_not_blame_the_command() {
    let words = ["--dry-run", "--chdir=/no/such", "./tool"];
    let ended = Setup::new(&words).run();
    let run = Setup::new(&words[1..]).run();
    assert_eq!(run.status, 125);
    assert_ne!(ended.status, 127, "{ended:?}");
}
