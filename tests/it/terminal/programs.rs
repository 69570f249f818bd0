//! Programs that use terminals, under sexton as PID 1 and under sexton in a script.

use super::{CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_Z, script, wait_for_reader, words};
use crate::harness::{Folder, Running, Terminal, probe, wait_until};

/// A program under sexton. The script around it ends with a line that is typed, so that the terminal
/// can be looked at before.
struct Session {
    terminal: Terminal,
    running: Running,
    modes: ([u32; 4], [u8; 32]),
}

impl Session {
    fn new(program: &str) -> Session {
        let modes = Terminal::new().modes();
        let line =
            format!("export PS1='# ' TERM=ansi; SEXTON {program}; echo status $?.; read line");
        let (terminal, running) = script(&words(&line));
        Session { terminal, running, modes }
    }

    fn expect(&mut self, text: &str) {
        self.terminal.expect(text);
    }

    fn type_in(&mut self, text: &str) {
        self.terminal.type_in(text);
    }

    /// Waits for this, and until the program waits for a key.
    fn expect_prompt(&mut self, text: &str) {
        self.expect(text);
        wait_until("the terminal is main's", || self.terminal.foreground() != self.running.pid);
        wait_for_reader(self.terminal.foreground());
    }

    /// The program has ended, and the terminal is as it was.
    fn ended_with(mut self, status: i32) {
        self.expect(&format!("status {status}."));
        assert_eq!(self.terminal.foreground(), self.running.pid);
        assert_eq!(self.terminal.modes(), self.modes);
        self.type_in("\n");
        assert_eq!(self.running.end().status, 0);
    }
}

/// All that a shell does with jobs and keys.
fn shell_has_job_control(shell: &str) {
    let mut session = Session::new(shell);
    session.expect("# ");
    let main = session.terminal.foreground();
    session.type_in(&format!("{} sleep\n", probe()));
    session.expect("ready\r\n");
    let job = session.terminal.foreground();
    assert_ne!(job, main);
    session.type_in(CTRL_Z);
    session.expect("Stopped");
    session.expect("# ");
    wait_until("the shell has the terminal", || session.terminal.foreground() == main);
    session.type_in("fg\n");
    wait_until("the job has the terminal", || {
        session.terminal.foreground() == job && super::state(job) == 'S'
    });
    session.type_in(CTRL_C);
    session.expect("# ");
    session.type_in(&format!("{} sleep\n", probe()));
    session.expect("ready\r\n");
    session.type_in(CTRL_BACKSLASH);
    session.expect_prompt("# ");
    // A key at the prompt ends a line, not the shell.
    session.type_in(CTRL_C);
    session.expect_prompt("# "); // readline(3) writes back the size that it reads before
    session.terminal.resize(33, 101);
    session.type_in("stty size\n");
    session.expect("33 101\r\n");
    // Its signal comes to a job.
    session.type_in(&format!("{} signals 1\n", probe()));
    session.expect("ready\r\n");
    session.terminal.resize(34, 102);
    session.expect("signal 28 value none\r\n");
    session.expect("# ");
    // A password is asked for.
    session.type_in(
        "stty -echo; printf 'pass%s ' word:; read secret; stty echo; echo \"<$secret>\"\n",
    );
    session.expect("password: ");
    assert!(!session.terminal.echoes());
    session.type_in("hidden\n");
    session.expect("<hidden>");
    session.type_in("exit 7\n");
    session.ended_with(7);
}

#[test]
fn bash() {
    shell_has_job_control("bash --norc --noprofile -i");
}

#[test]
fn dash() {
    shell_has_job_control("dash -i");
}

#[test]
fn busybox() {
    shell_has_job_control("busybox sh -i");
}

#[test]
fn python() {
    let mut session = Session::new("/usr/bin/python3 -q");
    session.expect(">>> ");
    session.type_in("print('lo' + 'op')\nwhile True: pass\n\n");
    session.expect("loop\r\n");
    session.expect("... ");
    session.expect("\r\n");
    session.type_in(CTRL_C);
    session.expect("KeyboardInterrupt");
    session.expect(">>> ");
    session.type_in(CTRL_Z); // nobody could continue it
    session.type_in("\nprint(6 * 7)\n");
    session.expect("42\r\n");
    session.expect_prompt(">>> "); // readline(3) writes back the size that it reads before
    session.terminal.resize(35, 103);
    session.type_in("import os; print(os.get_terminal_size().columns + 1)\n");
    session.expect("104\r\n");
    session.type_in("import getpass; print('<' + getpass.getpass('wo' + 'rd: ') + '>')\n");
    session.expect("word: ");
    wait_until("echo is off", || !session.terminal.echoes());
    session.type_in("hidden\n");
    session.expect("<hidden>\r\n");
    session.expect(">>> ");
    session.type_in(CTRL_D);
    session.ended_with(0);
}

#[test]
fn vim() {
    let mut session = Session::new("vi -N -n -u NONE -i NONE");
    session.expect_prompt("~");
    session.type_in(CTRL_C);
    session.expect_prompt("exit Vim"); // a hint at how to exit
    session.expect_prompt("\x1b[1;1H");
    session.terminal.resize(36, 104);
    session.expect_prompt("\x1b[35;1H"); // the last line but one
    session.expect_prompt("\x1b[1;1H");
    session.type_in(":set columns?\n");
    session.expect_prompt("columns=104");
    session.type_in(CTRL_Z); // it would suspend itself; nobody could continue it
    session.type_in(":set lines?\n");
    session.expect_prompt("lines=36");
    session.type_in(":cquit\n");
    session.ended_with(1);
}

#[test]
fn less() {
    let lines: Vec<String> = (1..=1000).map(|line| line.to_string()).collect();
    let folder = Folder::new("less");
    let file = folder.file("lines", "644", &lines.join("\n"));
    let mut session = Session::new(&format!("less {file}"));
    session.expect("10\r\n");
    session.expect_prompt("/lines"); // the prompt
    session.type_in(CTRL_C);
    session.expect_prompt(":");
    session.type_in("G");
    session.expect("1000\r\n");
    session.expect_prompt("(END)");
    session.type_in(CTRL_Z);
    session.expect("(END)"); // shown again
    session.type_in("q");
    session.ended_with(0);
}

/// A program that was killed has left the terminal as a shell could not use it.
#[test]
fn killed() {
    let mut session = Session::new("vi -N -n -u NONE -i NONE");
    session.expect_prompt("~");
    assert_ne!(session.terminal.modes(), session.modes);
    unsafe { nix::libc::kill(session.terminal.foreground(), nix::libc::SIGKILL) };
    session.ended_with(137);
}
