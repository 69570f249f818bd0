//! Containers without `/proc`: sexton as PID 1 does not need it.

use std::fs;
use std::process::Command;

use crate::engine::{self, Container, Engine};
use crate::process;
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::{KILLING, LEAVE_STUBBORN_DAEMON, OBEDIENT};

on_each_engine!(
    without_proc_it_forwards_and_reaps,
    without_proc_a_daemon_is_killed_after_the_linger,
    without_proc_the_status_of_main_is_passed_on,
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

fn without_proc_the_status_of_main_is_passed_on(engine: &Engine) {
    run_without_proc(engine, &[], "", "exit 7").end().assert_status(7);
    run_without_proc(engine, &[], "", "kill -TERM $$").end().assert_status(143);
}

/// A subreaper finds its descendants in `/proc`: without it a daemon that left main's group is out
/// of reach.
fn without_proc_and_not_pid_1_it_says_what_it_cannot_do(engine: &Engine) {
    let options = ["--pid=host"];
    let ended = run_without_proc(engine, &options, "--linger 1s", LEAVE_STUBBORN_DAEMON).end();
    ended.assert_status(7);
    assert!(ended.stderr.contains("unable to find descendants in /proc"), "{ended:?}");
}

/// The test bed's bundle has no `/proc` mount from the start; crun does without.
#[test]
fn crun_without_an_engine() {
    let bed = engine::bed();
    let bundle = bed.join("bundle-of-test");
    let crun = || {
        let mut crun = Command::new("crun");
        crun.arg("--root").arg(bed.join("crun"));
        crun
    };
    let mut set_arguments = Command::new("jq");
    set_arguments.arg(".process.args = $ARGS.positional").arg(bed.join("bundle/config.json"));
    set_arguments.args([
        "--args",
        "--",
        "/sexton",
        "--",
        "sh",
        "-c",
        &format!("{LEAVE_ORPHANS}; {OBEDIENT}"),
    ]);
    fs::create_dir_all(&bundle).unwrap();
    fs::write(bundle.join("config.json"), process::output_of(&mut set_arguments)).unwrap();

    let mut container =
        process::Listener::spawn(crun().arg("run").arg("--bundle").arg(&bundle).arg("no-proc"));
    container.wait_for("ready");
    let state = process::output_of(crun().args(["state", "no-proc"]));
    let init = state
        .lines()
        .find_map(|line| line.trim().strip_prefix(r#""pid": "#))
        .expect("a pid in the state");
    let init = init.trim_end_matches(',').parse().unwrap();
    process::eventually("main is the only child", || process::children_of(init).len() == 1);
    process::output_of(crun().args(["kill", "no-proc", "TERM"]));
    container.end().assert_status(3);
}
