//! `sexton --pause` and `-P` as what holds a pod.

use std::fs;
use std::path::Path;

use super::pod::{Handler, Pod, RUNC_P};
use crate::engine::is_sexton;
use crate::process::{self, command_line};

on_each_handler!(
    it_holds_a_pod_until_that_is_stopped,
    it_ends_at_sigterm_with_0,
    it_does_not_mind_other_signals,
);

/// Waits until sexton is what runs there, and waits. Until it is executed, signals get the runtime in its place;
/// until it blocks them, the kernel may drop those that kill, as the process is PID 1.
#[track_caller]
fn wait_for_sexton(pid: u32) {
    process::eventually("sexton waits", || {
        let status = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        is_sexton(pid) && status().contains("\nState:\tS")
    });
}

#[track_caller]
fn assert_holds_a_pod(handler: &Handler, by: &str) {
    let pod = Pod::new(handler);
    let pause = pod.pause();
    wait_for_sexton(pause);
    assert_eq!(command_line(pause), by);
    pod.sexton(&[]).sh("exit 5").end().assert_status(5);
    assert!(pod.is_ready());
    pod.stop();
    assert!(!pod.is_ready());
    assert!(!Path::new(&format!("/proc/{pause}")).exists());
}

fn it_holds_a_pod_until_that_is_stopped(handler: &Handler) {
    assert_holds_a_pod(handler, "/sexton --pause");
}

#[test]
fn its_short_flag_holds_a_pod_as_well() {
    assert_holds_a_pod(&RUNC_P, "/sexton -P");
}

/// containerd kills the pause of a pod at once. What it does when asked shows in a container like others.
fn it_ends_at_sigterm_with_0(handler: &Handler) {
    let pod = Pod::new(handler);
    for flag in ["--pause", "-P"] {
        let mut container = pod.run(&["/sexton", flag]).start(&[]);
        wait_for_sexton(container.init());
        let ended = container.stop(60);
        ended.assert_status(0);
        container.wait_for_reason("Completed");
        assert_eq!(ended.stdout + &ended.stderr, "");
    }
}

fn it_does_not_mind_other_signals(handler: &Handler) {
    let pod = Pod::shared(handler);
    wait_for_sexton(pod.pause());
    let signals = "for n in $(seq 64); do [ $n = 2 ] || [ $n = 15 ] || kill -$n 1; done";
    pod.run(&["sh", "-c"]).start(&[signals]).end().assert_status(0);
    pod.wait_for_processes(&[]);
    assert!(pod.is_ready());
}
