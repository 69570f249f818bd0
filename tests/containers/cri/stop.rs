//! `StopContainer`, and what the runtime says of a container's end.

use std::time::Duration;

use super::pod::{Handler, Pod};
use crate::reaping::LEAVE_ORPHANS;
use crate::status::assert_refusal;
use crate::stop::{KILLING, OBEDIENT};

on_each_handler!(
    what_obeys_ends_with_its_own_status,
    what_ignores_it_is_killed_after_the_grace,
    what_ignores_it_longer_than_the_runtime_waits_is_killed_by_that,
    the_status_of_the_command_is_that_of_the_container,
    what_cannot_be_run_is_told,
);

fn what_obeys_ends_with_its_own_status(handler: &Handler) {
    let pod = Pod::new(handler);
    for (main, status, reason) in [
        (OBEDIENT, 3, "Error"),
        ("echo ready; exec sleep 1000", 143, "Error"),
        ("trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done", 0, "Completed"),
    ] {
        let mut container = pod.sexton(&[]).sh(&format!("{LEAVE_ORPHANS}; {main}"));
        container.wait_for("ready");
        container.wait_for_children(1);
        let ended = container.stop(60);
        ended.assert_status(status);
        container.wait_for_reason(reason);
        assert_eq!(ended.stderr, "");
    }
}

const STUBBORN: &str = "trap '' TERM; echo ready; exec sleep 1000";

fn what_ignores_it_is_killed_after_the_grace(handler: &Handler) {
    let pod = Pod::new(handler);
    let mut container = pod.sexton(&["--grace", "1s"]).sh(STUBBORN);
    container.wait_for("ready");
    let ended = container.stop(60);
    ended.assert_status(137);
    container.wait_for_reason("Error");
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
    assert!(ended.took >= Duration::from_secs(1), "{ended:?}");
}

fn what_ignores_it_longer_than_the_runtime_waits_is_killed_by_that(handler: &Handler) {
    let pod = Pod::new(handler);
    let mut container = pod.sexton(&["--grace", "none"]).sh(STUBBORN);
    container.wait_for("ready");
    let ended = container.stop(1);
    ended.assert_status(137);
    container.wait_for_reason("Error");
    assert_eq!(ended.stderr, "");
    assert!(ended.took >= Duration::from_secs(1), "{ended:?}");
}

fn the_status_of_the_command_is_that_of_the_container(handler: &Handler) {
    let pod = Pod::new(handler);
    for (main, status, reason) in
        [("true", 0, "Completed"), ("exit 7", 7, "Error"), ("kill -TERM $$", 143, "Error")]
    {
        let mut container = pod.sexton(&[]).sh(main);
        container.end().assert_status(status);
        container.wait_for_reason(reason);
    }
}

fn what_cannot_be_run_is_told(handler: &Handler) {
    let pod = Pod::new(handler);
    for (flags, command, status, culprit) in [
        (&[][..], "no-such-command", 127, "no-such-command"),
        (&[], "/etc/notexec", 126, "/etc/notexec"),
        (&["--grace", "5parsecs"], "true", 125, "5parsecs"),
    ] {
        assert_refusal(&pod.sexton(flags).start(&[command]).end(), status, culprit);
    }
}
