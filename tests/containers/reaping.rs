//! Orphans in a container are sexton's children, and none of them stays a zombie.

use crate::engine::Engine;
use crate::stop::OBEDIENT;

on_each_engine_also_rootless!(
    sexton_is_pid_1_and_the_command_its_only_child,
    orphans_of_the_command_are_reaped,
    orphans_of_an_exec_session_are_reaped,
    orphans_of_a_detached_exec_session_are_reaped,
    as_the_engines_own_init_it_serves_the_command,
);

/// Leaves many orphans, and waits (for the end of their output) until all of them have exited.
pub const LEAVE_ORPHANS: &str =
    r#"for i in $(seq 200); do (true &); done | cat; echo orphans left"#;

fn sexton_is_pid_1_and_the_command_its_only_child(engine: &Engine) {
    let container = engine.run().sh(OBEDIENT);
    container.wait_for("ready");
    assert_eq!(container.exec(&["cat", "/proc/1/comm"]), "sexton\n");
    container.wait_for_children(1);
}

fn orphans_of_the_command_are_reaped(engine: &Engine) {
    let container = engine.run().sh(&format!("{LEAVE_ORPHANS}; {OBEDIENT}"));
    container.wait_for("ready");
    container.wait_for_children(1);
}

fn orphans_of_an_exec_session_are_reaped(engine: &Engine) {
    let container = engine.run().sh(OBEDIENT);
    container.wait_for("ready");
    container.exec(&["sh", "-c", LEAVE_ORPHANS]);
    container.wait_for_children(1);
}

fn orphans_of_a_detached_exec_session_are_reaped(engine: &Engine) {
    let container = engine.run().sh(OBEDIENT);
    container.wait_for("ready");
    container.exec_detached(&["sh", "-c", &format!("({LEAVE_ORPHANS}) >/proc/1/fd/2")]);
    container.wait_for("orphans left");
    container.wait_for_children(1);
}

/// `run --init`: the engine mounts sexton into any image, and gives it a name of its own.
fn as_the_engines_own_init_it_serves_the_command(engine: &Engine) {
    let script = format!("{LEAVE_ORPHANS}; {OBEDIENT}");
    let mut container = engine.run_bare("sh").options(&["--init"]).start(&["-c", &script]);
    container.wait_for("ready");
    assert!(container.exec(&["cat", "/proc/1/comm"]).ends_with("-init\n"));
    container.wait_for_children(1);
    container.stop().assert_status(3);
}
