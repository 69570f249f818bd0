//! The kernel's OOM killer in containers with a memory limit, and what sexton tells of it.
//!
//! Whatever the host counts OOM kills by: `memory.oom_control` of cgroup v1 or `memory.events` of v2. Where
//! it is v1, `tests/qemu/run.sh` has the like on v2.

use crate::engine::{Container, Engine};
use crate::process::{Ended, children_of};
use crate::stop::{KILLING, OBEDIENT};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

on_each_engine!(
    a_command_that_is_killed_is_told_of,
    a_child_that_the_command_reaps_itself_is_counted,
    an_orphan_is_told_of_while_the_command_runs,
    a_command_that_somebody_else_kills_is_not_blamed_on_it,
    a_command_that_somebody_else_kills_after_it_struck_an_orphan_is_not_either,
    a_command_that_sexton_kills_after_it_struck_is_not_either,
);

/// A program that needs 100 MiB, and no more even if the limit does not work. It is by far the largest in
/// its container, so it is the one that is chosen.
pub const GLUTTON: &str = "dd if=/dev/zero of=/dev/null bs=100M count=1";

pub const BLAMED: &str = "kernel OOM killer";

/// A container with 32 MiB. The exit report comes on standard output, as the last line.
fn start(engine: &Engine, flags: &[&str], main: &[&str]) -> Container {
    engine
        .run_with(&[&["--report", "/dev/stdout"], flags].concat())
        .options(&["--memory", "32m", "--memory-swap", "32m"])
        .start(main)
}

#[track_caller]
fn assert_reported(ended: &Ended, members: &[&str]) {
    let report = ended.stdout.lines().last().unwrap_or_default();
    for member in members {
        assert!(report.contains(member), "no {member} in {ended:#?}");
    }
}

/// The log lines that blame the OOM killer for a death.
pub fn blamed(ended: &Ended) -> Vec<&str> {
    ended.stderr.lines().filter(|line| line.contains(BLAMED)).collect()
}

fn a_command_that_is_killed_is_told_of(engine: &Engine) {
    let glutton: Vec<_> = GLUTTON.split(' ').collect();
    let ended = start(engine, &[], &glutton).end();
    ended.assert_status(137);
    let [line] = blamed(&ended)[..] else { panic!("not one line: {ended:#?}") };
    let told = "sexton: warning: command killed by SIGKILL: kernel OOM killer (memory limit hit); ";
    assert!(line.starts_with(told), "{ended:#?}");
    let members = [r#""cause":"oom""#, r#""signal":"SIGKILL""#, r#""oom_killed":true"#];
    assert_reported(&ended, &members);
    assert_reported(&ended, &[r#""exit_status":137"#, r#""oom_kills":1"#]);
}

fn a_child_that_the_command_reaps_itself_is_counted(engine: &Engine) {
    let script = format!("{GLUTTON}; echo its status is $?; exit 5");
    let mut container = start(engine, &[], &["sh", "-c", &script]);
    container.wait_for("its status is 137");
    let ended = container.end();
    ended.assert_status(5);
    let told = "sexton: warning: command exited with status 5; ";
    let counted = "; 1 OOM kill in the container; ";
    let line = ended.stderr.lines().find(|line| line.starts_with(told));
    assert!(line.is_some_and(|line| line.contains(counted)), "{ended:#?}");
    assert_eq!(blamed(&ended), [""; 0], "{ended:#?}");
    assert_reported(&ended, &[r#""cause":"exit""#, r#""oom_killed":false"#, r#""oom_kills":1"#]);
}

fn an_orphan_is_told_of_while_the_command_runs(engine: &Engine) {
    let mut container = start_with_struck_orphan(engine);
    let ended = container.stop();
    ended.assert_status(143);
    assert_eq!(blamed(&ended).len(), 1, "{ended:#?}");
    let members = [r#""cause":"stop""#, r#""oom_killed":false"#, r#""oom_kills":1"#];
    assert_reported(&ended, &members);
}

/// The orphan's end has been told, and the command runs. The orphan waits until the command sleeps: what needs memory
/// while there is none may be the next to be killed.
fn start_with_struck_orphan(engine: &Engine) -> Container {
    let command_sleeps = "grep -q '(sleep) S' /proc/$$/stat";
    let script =
        format!("((until {command_sleeps}; do :; done; exec {GLUTTON}) &); exec sleep 1000");
    let mut container = start(engine, &[], &["sh", "-c", &script]);
    container.wait_for("sexton: warning: orphan ");
    container.wait_for(&format!(" killed: {BLAMED}\n"));
    assert!(container.is_running());
    container
}

fn a_command_that_somebody_else_kills_is_not_blamed_on_it(engine: &Engine) {
    let mut container = start(engine, &[], &["sh", "-c", OBEDIENT]);
    container.wait_for("ready");
    kill_command(&container);
    assert_killed_by_somebody_else(&container.end(), 0);
}

fn a_command_that_somebody_else_kills_after_it_struck_an_orphan_is_not_either(engine: &Engine) {
    let mut container = start_with_struck_orphan(engine);
    kill_command(&container);
    assert_killed_by_somebody_else(&container.end(), 1);
}

/// Kills the command from outside of the container.
fn kill_command(container: &Container) {
    container.wait_for_children(1);
    let [main] = children_of(container.init())[..] else { panic!("main is not alone") };
    let main = i32::try_from(main).expect("a process ID");
    kill(Pid::from_raw(main), Signal::SIGKILL).expect("kill main");
}

#[track_caller]
fn assert_killed_by_somebody_else(ended: &Ended, oom_kills: usize) {
    ended.assert_status(137);
    assert!(ended.stderr.contains("warning: command killed by SIGKILL; ran for "), "{ended:#?}");
    assert_eq!(blamed(ended).len(), oom_kills, "{ended:#?}");
    let count = format!(r#""oom_kills":{oom_kills},"#);
    assert_reported(ended, &[r#""cause":"signal""#, r#""oom_killed":false"#, &count]);
}

fn a_command_that_sexton_kills_after_it_struck_is_not_either(engine: &Engine) {
    let script = format!("trap '' TERM; {GLUTTON}; echo its status is $?; exec sleep 1000");
    let mut container = start(engine, &["--grace", "500ms"], &["sh", "-c", &script]);
    container.wait_for("its status is 137");
    let ended = container.stop();
    ended.assert_status(137);
    assert!(ended.stderr.contains(KILLING), "{ended:#?}");
    assert!(ended.stderr.contains("did not end within the grace"), "{ended:#?}");
    assert_eq!(blamed(&ended), [""; 0], "{ended:#?}");
    assert_reported(&ended, &[r#""cause":"grace""#, r#""oom_killed":false"#, r#""oom_kills":1"#]);
}
