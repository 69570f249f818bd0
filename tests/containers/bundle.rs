//! `runc run` and `crun run` on an OCI bundle: a container without an engine.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::process::Command;

use crate::engine::{bed, new_name};
use crate::process::{self, Listener};
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::{DAEMON, KILLING, OBEDIENT, assert_daemon_obeyed};

on_each!([runc = super::RUNC, crun = super::CRUN] {
    the_exit_status_is_that_of_the_command,
    what_cannot_be_run_is_told,
    it_forwards_each_signal_and_reaps,
    what_ignores_the_stop_is_killed_after_the_grace,
    what_exec_has_left_is_told_to_end,
    without_a_terminal_there_is_none_and_standard_input_is_passed_through,
});

/// A low-level runtime.
pub struct Runtime(&'static str);

pub const RUNC: Runtime = Runtime("runc");
pub const CRUN: Runtime = Runtime("crun");

impl Runtime {
    /// Runs a command in the test bed's bundle, which has a read-only root; its configuration is changed
    /// by a filter of jq first.
    pub fn run(&self, filter: &str, main: &[&str]) -> Container {
        let name = new_name();
        let bundle = bed().join(&name);
        let mut configure = Command::new("jq");
        configure.arg(format!("{filter} | .process.args = $ARGS.positional"));
        configure.arg(bed().join("bundle/config.json")).args(["--args", "--"]).args(main);
        fs::create_dir(&bundle).unwrap();
        fs::write(bundle.join("config.json"), process::output_of(&mut configure)).unwrap();
        let mut run = self.command("run");
        run.arg("--bundle").arg(&bundle).arg(&name);
        Container { runtime: Runtime(self.0), name, client: Listener::spawn(&mut run) }
    }

    fn sexton(&self, flags: &[&str], script: &str) -> Container {
        self.run(".", &[&["/sexton"], flags, &["--", "sh", "-c", script]].concat())
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(self.0);
        command.arg("--root").arg(bed().join(self.0)).arg(verb);
        command
    }
}

/// A container, seen through the runtime that runs it in the foreground.
pub struct Container {
    runtime: Runtime,
    name: String,
    client: Listener,
}

impl Container {
    /// A call that needs a running container. crun notes down what it runs only after it has started it.
    #[track_caller]
    fn call(&self, verb: &str, arguments: &[&str]) -> String {
        process::eventually("the runtime knows the container", || {
            let state = self.runtime.command("state").arg(&self.name).output().unwrap();
            String::from_utf8_lossy(&state.stdout).contains("running")
        });
        process::output_of(self.runtime.command(verb).arg(&self.name).args(arguments))
    }

    #[track_caller]
    pub fn kill(&self, signal: &str) {
        self.call("kill", &[signal]);
    }

    /// The container's init, as the host numbers it.
    #[track_caller]
    pub fn init(&self) -> u32 {
        let state = self.call("state", &[]);
        let pid = state.lines().find_map(|line| line.trim().strip_prefix(r#""pid": "#));
        pid.and_then(|pid| pid.trim_end_matches(',').parse().ok()).expect("a pid in the state")
    }

    #[track_caller]
    pub fn wait_for_children(&self, count: usize) {
        process::wait_for_children(self.init(), count);
    }
}

impl Deref for Container {
    type Target = Listener;
    fn deref(&self) -> &Listener {
        &self.client
    }
}

impl DerefMut for Container {
    fn deref_mut(&mut self) -> &mut Listener {
        &mut self.client
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.runtime.command("delete").args(["--force", &self.name]).output();
    }
}

fn the_exit_status_is_that_of_the_command(runtime: &Runtime) {
    for (script, status) in [("true", 0), ("exit 7", 7), ("kill -TERM $$", 143)] {
        let ended = runtime.sexton(&[], script).end();
        ended.assert_status(status);
        assert_eq!(ended.stdout, "");
    }
}

fn what_cannot_be_run_is_told(runtime: &Runtime) {
    for (command, status) in [("no-such-command", 127), ("/etc/notexec", 126)] {
        let ended = runtime.run(".", &["/sexton", "--", command]).end();
        ended.assert_status(status);
        assert!(ended.stderr.starts_with("sexton: fatal: "), "{ended:?}");
        assert!(ended.stderr.contains(command), "{ended:?}");
    }
}

fn it_forwards_each_signal_and_reaps(runtime: &Runtime) {
    let mut container = runtime.sexton(&[], &format!("{LEAVE_ORPHANS}; {OBEDIENT}"));
    container.wait_for("ready");
    container.wait_for_children(1);
    container.kill("USR1");
    container.wait_for("heard USR1");
    container.kill("TERM");
    let ended = container.end();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");

    let mut container = runtime.sexton(&[], "echo ready; exec sleep 1000");
    container.wait_for("ready");
    container.kill("50");
    container.end().assert_status(128 + 50);
}

fn what_ignores_the_stop_is_killed_after_the_grace(runtime: &Runtime) {
    let script = "trap '' TERM; echo ready; exec sleep 1000";
    let mut container = runtime.sexton(&["--grace", "1s"], script);
    container.wait_for("ready");
    container.kill("TERM");
    let ended = container.end();
    ended.assert_status(137);
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
}

fn what_exec_has_left_is_told_to_end(runtime: &Runtime) {
    let mut container = runtime.sexton(&[], OBEDIENT);
    container.wait_for("ready");
    let script = format!("(setsid sh -c '{DAEMON}' </dev/null 2>/proc/1/fd/2 &) | head -n 1");
    container.call("exec", &["sh", "-c", &script]);
    container.wait_for_children(2);
    container.kill("TERM");
    let ended = container.end();
    ended.assert_status(3);
    assert_daemon_obeyed(&ended);
}

fn without_a_terminal_there_is_none_and_standard_input_is_passed_through(runtime: &Runtime) {
    let script = "[ $(cut -d ' ' -f 7 /proc/$$/stat) = 0 ] || exit 99; echo ready; wc -c";
    let mut container = runtime.sexton(&[], script);
    container.wait_for("ready");
    container.say(&"x".repeat(100_000));
    container.close_stdin();
    let ended = container.end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, "ready\n100000\n");
}
