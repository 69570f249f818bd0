//! Containers without `/proc`: sexton as PID 1 does not need it.

use crate::bundle::CRUN;
use crate::engine::{Container, Engine};
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::{KILLING, LEAVE_STUBBORN_DAEMON, OBEDIENT};

on_each_engine!(
    without_proc_it_forwards_and_reaps,
    without_proc_a_daemon_is_killed_after_the_linger,
    without_proc_the_status_of_the_command_is_passed_on,
    without_proc_and_not_pid_1_it_says_what_it_cannot_do,
);

/// runc cannot start a container without `/proc`. So PID 1 is a shell at first, which unmounts it
/// and becomes sexton.
fn run_without_proc(engine: &Engine, options: &[&str], flags: &str, script: &str) -> Container {
    let to_unmount = ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"];
    let become_sexton =
        format!(r#"umount -l /proc && ! [ -e /proc/self ] && exec /sexton {flags} -- sh -c "$0""#);
    engine.run_bare("sh").options(&to_unmount).options(options).start(&[
        "-c",
        &become_sexton,
        script,
    ])
}

fn without_proc_it_forwards_and_reaps(engine: &Engine) {
    let mut container = run_without_proc(engine, &[], "", &format!("{LEAVE_ORPHANS}; {OBEDIENT}"));
    container.wait_for("ready");
    container.wait_for_children(1);
    container.kill("USR1");
    container.wait_for("heard USR1");
    let ended = container.stop();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}

fn without_proc_a_daemon_is_killed_after_the_linger(engine: &Engine) {
    let ended = run_without_proc(engine, &[], "--linger 1s", LEAVE_STUBBORN_DAEMON).end();
    ended.assert_status(7);
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
}

fn without_proc_the_status_of_the_command_is_passed_on(engine: &Engine) {
    run_without_proc(engine, &[], "", "exit 7").end().assert_status(7);
    run_without_proc(engine, &[], "", "kill -TERM $$").end().assert_status(143);
}

/// A subreaper finds its descendants in `/proc`: without it a daemon that left the command's group is out
/// of reach.
fn without_proc_and_not_pid_1_it_says_what_it_cannot_do(engine: &Engine) {
    let options = ["--pid=host"];
    let ended = run_without_proc(engine, &options, "--linger 1s", LEAVE_STUBBORN_DAEMON).end();
    ended.assert_status(7);
    assert!(ended.stderr.contains("unable to find descendants in /proc"), "{ended:?}");
}

/// crun, unlike runc, does without a `/proc` mount from the start.
#[test]
fn crun_without_an_engine() {
    let unmount =
        r#"del(.mounts[] | select(.type == "proc"), .linux.maskedPaths, .linux.readonlyPaths)"#;
    let script = format!("! [ -e /proc/self ] || exit 99; {LEAVE_ORPHANS}; {OBEDIENT}");
    let mut container = CRUN.run(unmount, &["/sexton", "--", "sh", "-c", &script]);
    container.wait_for("ready");
    container.wait_for_children(1);
    container.kill("TERM");
    container.end().assert_status(3);
}
