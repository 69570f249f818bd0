//! Shells: pipelines, redirections, jobs and traps.

use super::{
    UNDER_SEXTON, WORLDS, World, command, command_of, ends, expect_lines, fixture, signal,
};
use crate::harness::{Folder, blocked_in, children_of, status_field, wait_until};
use nix::libc;

#[test]
fn pipelines_with_redirections_work() {
    for world in WORLDS {
        let folder = Folder::new(&format!("pipeline-{world:?}"));
        let program = fixture("pipeline.sh", &[folder.path()]);
        program.talk(&[world], 11, |running, _| {
            expect_lines(running, include_str!("pipeline.expected"));
        });
    }
}

/// `head` ends first: `yes` dies of SIGPIPE, or is told by an error if that was ignored at the start.
#[test]
fn a_broken_pipe_is_what_it_was() {
    let script = "yes | head -n 1; echo ${PIPESTATUS[*]}";
    command(&["bash", "-c", script]).prints(0, "y\n141 0");
    let script = "yes 2>/dev/null | head -n 1; echo ${PIPESTATUS[*]}";
    let ignoring = command(&["bash", "-c", script]).with(|setup| setup.ignored(&[libc::SIGPIPE]));
    ignoring.prints(0, "y\n1 0");
}

/// Waits until the command's child is `sleep`. Before the exec it is a shell that may act on a signal as the command
/// does.
fn sleep_runs(main: i32) {
    wait_until("sleep runs", || {
        children_of(main).first().is_some_and(|&pid| status_field(pid, "Name") == "sleep")
    });
}

/// Waits until the command is blocked in its `wait`. Bash takes a signal that comes just before it blocks, and calls
/// the trap only when its job has ended.
fn waits_for_its_job(main: i32) {
    sleep_runs(main);
    wait_until("main waits for its job", || {
        blocked_in(main).first() == Some(&(libc::SYS_wait4 as u64))
    });
}

#[test]
fn traps_are_called() {
    fixture("traps.sh", &["exit 5"]).talk(&WORLDS, 5, |running, world| {
        running.expect("ready");
        let main = command_of(running, world);
        for _ in 0..3 {
            waits_for_its_job(main);
            running.signal(libc::SIGHUP);
            running.expect("hangup");
        }
        waits_for_its_job(main);
        running.signal(libc::SIGTERM);
        expect_lines(running, "terminated\nat the end: 5");
    });
    fixture("traps.sh", &["exit 5"]).talk(&WORLDS, 4, |running, world| {
        running.expect("ready");
        waits_for_its_job(command_of(running, world));
        running.signal(libc::SIGINT);
        expect_lines(running, "interrupted\nat the end: 4");
    });
}

/// The script passes the signal on to its own process group and so to itself: no further.
#[test]
fn kill_0_ends_the_command_s_group_only() {
    fixture("traps.sh", &["trap - TERM EXIT; kill 0"]).talk(&WORLDS, 143, |running, world| {
        running.expect("ready");
        waits_for_its_job(command_of(running, world));
        running.signal(libc::SIGTERM);
        running.expect("terminated");
    });
}

/// Bash calls the trap only when the command in the foreground has ended: it must get the signal too.
#[test]
fn a_script_with_a_command_in_the_foreground_is_signalled_by_group() {
    let script = "trap 'echo terminated; exit 5' TERM; echo ready; sleep 1000";
    let program = command(&["bash", "-c", script]).setting("SEXTON_FORWARD_TO=group");
    for world in WORLDS {
        let mut running = program.start(world);
        running.expect("ready");
        let main = command_of(&running, world);
        sleep_runs(main);
        match world {
            World::Alone => signal(-running.pid, libc::SIGTERM),
            World::Init | World::Subreaper => running.signal(libc::SIGTERM),
        }
        running.expect("terminated");
        ends(running, world, 5, "Terminated\n"); // that was sleep
    }
}

#[test]
fn jobs_that_a_script_leaves_behind_are_ended() {
    let script =
        "trap '' HUP; sleep 1000 & (setsid sleep 1000 &) ; sleep 1000 | sleep 1000 & exit 3";
    let program = command(&["bash", "-c", script]).setting("SEXTON_LINGER=600s");
    program.talk(&UNDER_SEXTON, 3, |_, _| {});
}

/// The first job has ended before it is asked for: bash's `wait` may return when it knows of a job only that it was
/// stopped, and its `wait -f` may not return at all.
#[test]
fn jobs_in_groups_of_their_own_are_signalled_by_group() {
    let script = "set -m
        sleep 1000 | sleep 1000 & first=$(jobs -p %1); last=$!
        kill -STOP -$first; kill -TERM -$first; kill -CONT -$first
        while kill -0 -$first; do :; done; wait $last; echo pipeline $?; wait
        (sleep 1000; exit 9) & kill -TERM -$!
        wait $!; echo subshell $?
        kill -0 -$first || echo nobody is left";
    let script = format!("exec 2>/dev/null; {script}");
    command(&["bash", "-c", &script]).prints(0, "pipeline 143\nsubshell 143\nnobody is left");
}
