//! Parents and children: who waits for whom, and who is told.

use super::{
    Classic, UNDER_SEXTON, WORLDS, World, command, command_of, ends, expect_lines, fixture, signal,
};
use crate::harness::{Folder, Setup, sexton, status_field, wait_until};
use nix::libc;
use std::path::Path;

#[test]
fn zombies_are_the_command_s_while_it_lives_and_gone_when_it_has_ended() {
    let program = fixture("never_waits.py", &[]).setting("SEXTON_LINGER=600s");
    let lines = "5 of its own\n5 of its own, and no others\nending\nnone is left";
    for world in WORLDS {
        let mut running = program.start(world);
        expect_lines(&mut running, lines);
        ends(running, world, 6, "");
    }
}

/// What sexton is for: orphans are the command's own then.
#[test]
fn zombies_stay_for_ever_if_the_command_is_pid_1_itself() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/classics/never_waits.py");
    let mut running = Setup::program("/usr/bin/python3".as_ref(), &[path]).start();
    running.expect("5 of its own");
    running.expect("10 of its own, and no others");
}

/// As many SIGCHLD as there may be for sexton: none is for the command.
#[test]
fn a_handler_that_loops_over_waitpid_gets_its_own_children_and_no_others() {
    let program = fixture("sigchld.c", &[]);
    program.talk(&WORLDS, 0, |running, world| {
        running.expect("300 ended, 0 wrong, 0 strange");
        if world != World::Alone {
            for _ in 0..100 {
                running.signal(libc::SIGCHLD);
            }
            wait_until("SIGCHLD is taken", || running.has_taken_all());
        }
        running.signal(libc::SIGUSR1);
        running.expect("0 more, 0 wrong, 0 strange");
    });
}

#[test]
fn every_way_of_starting_a_child_works() {
    let lines = "posix_spawn: mine, 3\n\
                 posix_spawn in a session: mine, 3\n\
                 posix_spawn of nothing: ENOENT\n\
                 vfork: mine, 4\n\
                 clone: mine, 5\n\
                 clone without a signal: mine, 5\n\
                 pidfd: 0, 6\n\
                 system: 7\n\
                 popen: 8\n\
                 clone with our parent: No child processes, 0\n\
                 reaped";
    fixture("spawn.c", &[]).prints(2, lines);
}

#[test]
fn a_child_gets_a_signal_at_the_command_s_end() {
    let program = fixture("pdeathsig.py", &[]).setting("SEXTON_LINGER=600s");
    for world in WORLDS {
        let mut running = program.start(world);
        running.expect("the parent has ended: True");
        ends(running, world, 4, "");
    }
}

#[test]
fn a_process_goes_on_without_its_first_thread() {
    fixture("threads.c", &[]).talk(&WORLDS, 7, |running, world| {
        running.expect("state Z");
        assert!(status_field(command_of(running, world), "State").starts_with('Z'));
        running.signal(libc::SIGTERM);
        running.expect("obeys");
    });
    fixture("threads.c", &["exec"]).prints(7, "the same process");
}

/// It looks like a zombie, but is none.
#[test]
fn a_process_without_its_first_thread_is_stopped_as_any_other() {
    let program = fixture("threads.c", &[]);
    let script = format!("{} & wait", program.words[0]);
    let main =
        command(&["sh", "-c", &script]).setting("SEXTON_LINGER=600s").setting("SEXTON_GRACE=600s");
    main.talk(&UNDER_SEXTON, 143, |running, _| {
        running.expect("state Z");
        running.signal(libc::SIGTERM);
        running.expect("obeys");
    });
}

fn daemon(folder: &Folder) -> Classic {
    fixture("daemon.py", &[&folder.at("pid")])
}

const STARTED: &str = "started, in a session of its own: True";

#[test]
fn a_daemon_that_the_command_leaves_behind_is_stopped() {
    let folder = Folder::new("daemon");
    daemon(&folder).setting("SEXTON_LINGER=600s").talk(&UNDER_SEXTON, 0, |running, _| {
        running.expect(STARTED);
        running.expect("stopped");
    });
    assert!(!Path::new(&folder.at("pid")).exists());
}

#[test]
fn with_wait_all_a_daemon_serves_until_the_stop() {
    let folder = Folder::new("daemon-on");
    let program = daemon(&folder).setting("SEXTON_WAIT_ALL=1").setting("SEXTON_GRACE=600s");
    program.talk(&UNDER_SEXTON, 0, |running, _| {
        running.expect(STARTED);
        wait_until("main has ended", || running.children().len() == 1);
        signal(running.children()[0], libc::SIGHUP);
        running.expect("reloaded");
        running.signal(libc::SIGTERM);
        running.expect("stopped");
    });
}

/// A container's init and one of the image's, as with `docker run --init`.
#[test]
fn an_init_under_an_init() {
    let inner = sexton();
    let script = "(setsid sleep 1000 &) ; echo ready; exec sleep 1000";
    let words = [inner.to_str().unwrap(), "--", "sh", "-c", script];
    command(&words).talk(&WORLDS, 143, |running, _| {
        running.expect("ready");
        running.signal(libc::SIGTERM);
    });
}

/// The kernel reaps them: wait(2) returns when all have ended, and tells of none.
#[test]
fn children_of_a_program_that_ignores_sigchld_are_reaped_by_the_kernel() {
    let script =
        r#"$SIG{CHLD} = "IGNORE"; for (1..50) { fork or exit 3 } print wait, "\n"; exit 8"#;
    command(&["perl", "-e", script]).prints(8, "-1");
}
