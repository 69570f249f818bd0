//! SPEC 1.5: process group and terminal; what `docs/terminals.md` promises.

mod below;
mod hand_over;
mod jobs;
mod keys;
mod nested;
mod programs;
mod session;

use crate::harness::{Running, Setup, Terminal, probe, sexton, status_field, wait_until};
use nix::libc;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// A shell that executes a script on a terminal, as PID 1 and leader of the session.
fn script(text: &str) -> (Terminal, Running) {
    script_of("/bin/sh", text)
}

fn script_of(shell: &str, text: &str) -> (Terminal, Running) {
    let terminal = Terminal::new();
    let setup = Setup::program(shell.as_ref(), &["-c", text]).variable("TERM=dumb");
    let running = setup.terminal(&terminal.program).start();
    (terminal, running)
}

/// A command line with sexton and the probe in it.
fn words(text: &str) -> String {
    text.replace("SEXTON", sexton().to_str().unwrap()).replace("PROBE", &probe())
}

/// An interactive shell with job control, as PID 1.
struct Shell {
    terminal: Terminal,
    running: Running,
}

impl Shell {
    fn new() -> Shell {
        let terminal = Terminal::new();
        let arguments = ["--norc", "--noprofile", "-i"];
        let setup = Setup::program("/bin/bash".as_ref(), &arguments);
        let setup = setup.variable("PS1=$ ").variable("TERM=dumb");
        let running = setup.terminal(&terminal.program).start();
        let mut shell = Shell { terminal, running };
        shell.terminal.expect("$ ");
        shell
    }

    /// Types a line, in which `SEXTON` and `PROBE` are the programs.
    fn line(&mut self, text: &str) {
        self.terminal.type_in(&(words(text) + "\n"));
        self.terminal.expect("\r\n"); // the echo
    }

    fn has_the_terminal(&self) -> bool {
        self.terminal.foreground() == self.running.pid
    }

    /// Waits until the job has stopped and the shell has the terminal.
    fn expect_stopped(&mut self) {
        self.terminal.expect("Stopped");
        self.terminal.expect("$ ");
        assert!(self.has_the_terminal());
    }

    /// Waits for the prompt, and for the status of the last command.
    fn expect_status(&mut self, status: i32) {
        self.terminal.expect("$ ");
        self.terminal.type_in("echo status $?.\n");
        self.terminal.expect(&format!("status {status}."));
        self.terminal.expect("$ ");
    }

    fn exit(mut self) {
        assert!(self.has_the_terminal());
        self.terminal.type_in("exit 3\n");
        assert_eq!(self.running.end().status, 3);
    }
}

/// Waits until a program waits for a key: one that comes before may find it half prepared.
fn wait_for_reader(pid: i32) {
    let reading = [libc::SYS_read, libc::SYS_pselect6, libc::SYS_select, libc::SYS_poll];
    wait_until(&format!("pid {pid} reads"), || {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        let number = call.split(' ').next().and_then(|word| word.parse().ok());
        number.is_some_and(|number| reading.contains(&number))
    });
}

fn state(pid: i32) -> char {
    status_field(pid, "State").chars().next().unwrap_or('-')
}

fn wait_for_state(pid: i32, wanted: char) {
    wait_until(&format!("pid {pid} is in state {wanted}"), || state(pid) == wanted);
}
