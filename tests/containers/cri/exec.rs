//! `ExecSync`: what probes leave behind is sexton's.

use super::pod::{Handler, Pod, field};
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::{DAEMON, OBEDIENT, assert_daemon_obeyed};

on_each_handler!(
    a_probe_has_its_own_output_and_status,
    the_orphans_of_probes_are_reaped,
    what_a_hanging_probe_has_left_ends_with_the_container,
);

fn a_probe_has_its_own_output_and_status(handler: &Handler) {
    let pod = Pod::new(handler);
    let container = pod.sexton(&[]).sh(OBEDIENT);
    container.wait_for("ready");
    let answer = container.exec(&["sh", "-c", "echo out; echo err >&2; exit 4"]);
    let fields = ["stdout", "stderr", "exit_code"].map(|name| field(&answer, name));
    assert_eq!(fields, ["out\n", "err\n", "4"]);
    let answer = container.exec(&["/sexton", "--", "sh", "-c", "exit 5"]);
    assert_eq!(field(&answer, "exit_code"), "5");
}

fn the_orphans_of_probes_are_reaped(handler: &Handler) {
    let pod = Pod::new(handler);
    let mut container = pod.sexton(&[]).sh(OBEDIENT);
    container.wait_for("ready");
    for _ in 0..3 {
        container.exec(&["sh", "-c", LEAVE_ORPHANS]);
    }
    container.wait_for_children(1);
    let ended = container.stop(60);
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}

/// The runtime kills the probe, but not what it has started.
fn what_a_hanging_probe_has_left_ends_with_the_container(handler: &Handler) {
    let pod = Pod::new(handler);
    let mut container = pod.sexton(&[]).sh(OBEDIENT);
    container.wait_for("ready");
    let probe = format!("sh -c '{DAEMON}' </dev/null >/proc/1/fd/2 2>&1 & exec sleep 1000");
    // Time enough to start the daemon.
    let answer = container.try_exec(&["sh", "-c", &probe], 5);
    assert!(field(&answer, "error").contains("exceeded"), "{answer:?}");
    container.wait_for("up");
    container.wait_for_children(2); // the command and the daemon
    let ended = container.stop(60);
    ended.assert_status(3);
    assert_daemon_obeyed(&ended);
}
