//! A container's memory limit: what sexton tells of the kernel's OOM killer, and what the runtime does.

use std::fs;

use super::pod::{Container, Handler, Pod};
use crate::engine::{bed, new_name};
use crate::oom::{GLUTTON, blamed};

on_each_handler!(
    a_command_that_is_killed_is_told_of_in_the_termination_log_too,
    a_child_that_the_command_reaps_itself_is_counted,
);

fn start<'a>(pod: &'a Pod, flags: &[&str], mounts: &[String], main: &[&str]) -> Container<'a> {
    let limits = ["memory_limit", "memory_swap_limit"]
        .map(|limit| format!("linux.resources.{limit}_in_bytes={}", 32 << 20));
    pod.sexton(flags).with(&limits).with(mounts).start(main)
}

fn a_command_that_is_killed_is_told_of_in_the_termination_log_too(handler: &Handler) {
    let pod = Pod::new(handler);
    let log = bed().join(new_name());
    fs::write(&log, "").unwrap();
    // As a kubelet does for `terminationMessagePath`.
    let mounts = [
        "mounts.container_path=/dev/termination-log".to_owned(),
        format!("mounts.host_path={}", log.display()),
        "linux.security_context.readonly_rootfs=true".to_owned(),
    ];
    // Another process keeps the group for a while: containerd drops an OOM event if the group has gone meanwhile.
    let stubborn =
        "(trap '' TERM; exec sleep 1000) & until grep -q sleep /proc/$!/comm; do :; done";
    let script = format!("{stubborn}; exec {GLUTTON}");
    let flags = ["--termination-log", "--linger=5s"];
    let mut container = start(&pod, &flags, &mounts, &["sh", "-c", &script]);
    let ended = container.end();
    ended.assert_status(137);
    container.wait_for_reason("OOMKilled");
    let told = "command killed by SIGKILL: kernel OOM killer (memory limit hit); ";
    let [line] = blamed(&ended)[..] else { panic!("not one line: {ended:#?}") };
    assert!(line.starts_with(&format!("sexton: warning: {told}")), "{ended:#?}");
    let message = fs::read_to_string(&log).unwrap();
    assert!(message.starts_with(&format!("sexton: {told}")), "{message:?}");
}

/// The command goes on until the runtime has learnt of it, for the same reason.
fn a_child_that_the_command_reaps_itself_is_counted(handler: &Handler) {
    let pod = Pod::new(handler);
    let script = format!(
        "trap 'exit 5' TERM; {GLUTTON}; echo its status is $?; while :; do sleep 0.1; done"
    );
    let mut container = start(&pod, &[], &[], &["sh", "-c", &script]);
    container.wait_for("its status is 137");
    container.wait_for_reason("OOMKilled"); // whoever it was
    let ended = container.stop(600);
    ended.assert_status(5);
    assert!(ended.stderr.contains("; 1 OOM kill in the container; "), "{ended:#?}");
    assert_eq!(blamed(&ended), [""; 0], "{ended:#?}");
}
