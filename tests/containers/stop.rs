//! `docker stop`: what obeys ends at once, what does not is killed in time, and nobody is
//! forgotten.

use std::time::Duration;

use crate::engine::Engine;
use crate::process::Ended;

on_each_engine_also_rootless!(
    a_program_that_obeys_ends_at_once,
    a_program_without_a_handler_dies_of_the_signal,
    a_program_that_ignores_it_is_killed_after_the_grace,
    another_stop_signal_of_the_image_is_forwarded,
    a_realtime_signal_is_forwarded,
    a_daemon_that_the_command_leaves_behind_is_told_to_end,
    a_daemon_that_holds_out_is_killed_after_the_linger,
    a_daemon_of_an_exec_session_is_told_to_end,
    a_program_that_exec_started_gets_its_time_to_end,
);

/// A command that ends with status 3 at SIGTERM, and answers SIGUSR1. (Its sleeps are short because a
/// shell's child that has not come to its exec yet loses a signal that the shell has a trap for:
/// one such sleep in the background would outstay the command.)
pub const OBEDIENT: &str = r#"
    trap 'exit 3' TERM
    trap 'echo heard USR1' USR1
    echo ready
    while :; do sleep 0.1; done"#;

/// A program that tells that it is up and obeys SIGTERM, but in its own good time.
pub const DAEMON: &str =
    r#"trap "sleep 0.3; echo daemon obeyed >&2; exit" TERM; echo up; while :; do sleep 0.1; done"#;

#[track_caller]
pub fn assert_daemon_obeyed(ended: &Ended) {
    assert!(ended.stderr.contains("daemon obeyed"), "{ended:?}");
    assert!(!ended.stderr.contains(KILLING), "{ended:?}");
}

/// A command that ends with status 7 and leaves a program in another session that ignores SIGTERM.
pub const LEAVE_STUBBORN_DAEMON: &str =
    r#"(setsid sh -c 'trap "" TERM; echo up; exec sleep 1000' &) | head -n 1; exit 7"#;

/// What sexton says when it kills: that it was not the engine, nor the kernel at the end of PID 1.
pub const KILLING: &str = "killing";

/// No more than sexton's own grace period, below the 60 s after which the engine would kill, and well above what the
/// engine itself takes on a busy machine.
pub const AT_ONCE: Duration = Duration::from_secs(30);

fn a_program_that_obeys_ends_at_once(engine: &Engine) {
    let mut container = engine.run().sh(OBEDIENT);
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "", "sexton is quiet when all goes well");
    assert!(ended.took < AT_ONCE, "{ended:?}");
}

fn a_program_without_a_handler_dies_of_the_signal(engine: &Engine) {
    let mut container = engine.run().sh("echo ready; exec sleep 1000");
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(128 + 15);
    assert_eq!(ended.stderr, "", "sexton is quiet when all goes well");
    assert!(ended.took < AT_ONCE, "{ended:?}");
}

fn a_program_that_ignores_it_is_killed_after_the_grace(engine: &Engine) {
    let mut container =
        engine.run_with(&["--grace", "1s"]).sh("trap '' TERM; echo ready; exec sleep 1000");
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(137);
    assert!(ended.took >= Duration::from_secs(1), "{ended:?}");
    assert!(ended.took < AT_ONCE, "{ended:?}");
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
}

fn another_stop_signal_of_the_image_is_forwarded(engine: &Engine) {
    let script = "trap 'exit 4' QUIT; echo ready; while :; do sleep 0.1; done";
    let mut container = engine.run().options(&["--stop-signal", "QUIT"]).sh(script);
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(4);
    assert!(ended.took < AT_ONCE, "{ended:?}");
}

fn a_realtime_signal_is_forwarded(engine: &Engine) {
    let mut container = engine.run().sh("echo ready; exec sleep 1000");
    container.wait_for("ready");
    container.kill("50");
    container.end().assert_status(128 + 50);
}

fn a_daemon_that_the_command_leaves_behind_is_told_to_end(engine: &Engine) {
    let script = format!("(setsid sh -c '{DAEMON}' &) | head -n 1; exit 7");
    let ended = engine.run().sh(&script).end();
    ended.assert_status(7);
    assert_daemon_obeyed(&ended);
}

fn a_daemon_that_holds_out_is_killed_after_the_linger(engine: &Engine) {
    let mut container = engine.run_with(&["--linger", "1s"]).sh(LEAVE_STUBBORN_DAEMON);
    container.wait_for("up");
    let ended = container.end();
    ended.assert_status(7);
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
    assert!(ended.took < AT_ONCE, "{ended:?}");
    // By sexton's own clock: `up` may have taken a while to get here.
    let (_, linger) = ended.stderr.split_once("phases: linger ").expect(&ended.stderr);
    let seconds: f32 = linger.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds >= 1.0, "{ended:?}");
}

fn a_daemon_of_an_exec_session_is_told_to_end(engine: &Engine) {
    let mut container = engine.run().sh(OBEDIENT);
    container.wait_for("ready");
    let script = format!("(setsid sh -c '{DAEMON}' </dev/null 2>/proc/1/fd/2 &) | head -n 1");
    container.exec(&["sh", "-c", &script]);
    container.wait_for_children(2); // the command and the daemon
    let ended = container.stop();
    ended.assert_status(3);
    assert_daemon_obeyed(&ended);
}

/// What `exec` starts is in the PID namespace, but not a child of its init, which is never told of
/// its end.
fn a_program_that_exec_started_gets_its_time_to_end(engine: &Engine) {
    let mut container = engine.run().sh(OBEDIENT);
    container.wait_for("ready");
    container.exec_detached(&["sh", "-c", &format!("exec >/proc/1/fd/2 2>&1; {DAEMON}")]);
    container.wait_for("up");
    let ended = container.stop();
    ended.assert_status(3);
    assert_daemon_obeyed(&ended);
}
