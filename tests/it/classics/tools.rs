//! Tools that start other commands: what they pass on, and what becomes of their children.

use super::{UNDER_SEXTON, WORLDS, World, command, command_of, ends};
use crate::harness::{Folder, blocked_in, probe, status_field, wait_until};
use nix::libc;
use std::path::Path;

const MAKEFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/classics/jobs.mk");

#[test]
fn timeout_ends_its_command_and_passes_signals_on() {
    command(&["timeout", "600", "sh", "-c", "exit 7"]).prints(7, "");
    command(&["timeout", "0.1", "sleep", "1000"]).prints(124, "");
    command(&["timeout", "--preserve-status", "-s", "INT", "0.1", "sleep", "1000"]).prints(130, "");
    let ready = ["timeout", "600", "sh", "-c", "echo ready; exec sleep 1000"];
    command(&ready).talk(&WORLDS, 143, |running, world| {
        running.expect("ready");
        // Until it has noted its child's process ID, a signal makes it exit, and the child stays.
        let main = command_of(running, world);
        wait_until("timeout waits for a signal", || {
            blocked_in(main).first() == Some(&(libc::SYS_rt_sigsuspend as u64))
        });
        running.signal(libc::SIGTERM);
    });
}

#[test]
fn timeout_kills_what_does_not_obey() {
    let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    // The time is for the shell to set its trap.
    let program = command(&["timeout", "-k", "0.1", "5", "sh", "-c", script]);
    for (world, mut running) in WORLDS.map(|world| (world, program.start(world))) {
        running.expect("ready");
        let ended = running.end();
        // It dies of its own SIGKILL, and sexton tells of a death that nobody asked for.
        assert_eq!(ended.status, 137, "{ended:?}");
        let warned = ended.stderr.contains("command killed by SIGKILL");
        assert_eq!(warned, world != World::Alone, "{ended:?}");
    }
}

#[test]
fn nohup_keeps_a_hangup_away() {
    let script = "trap 'echo told' USR1; echo ready; while :; do sleep 1000 & wait; done";
    command(&["nohup", "sh", "-c", script]).talk(&WORLDS, 143, |running, _| {
        running.expect("ready");
        running.signal(libc::SIGHUP);
        running.signal(libc::SIGUSR1);
        running.expect("told");
        running.signal(libc::SIGTERM);
    });
}

#[test]
fn xargs_starts_commands_side_by_side() {
    let folder = Folder::new("xargs");
    let numbers: Vec<String> = (1000..1200).map(|number| number.to_string()).collect();
    let input = folder.file("numbers", "644", &numbers.join("\n"));
    let script = "echo $0; (exit 9 &) ; exit $(( $0 % 2 ))";
    let words = ["xargs", "-a", &input, "-P", "8", "-n", "1", "sh", "-c", script];
    command(&words).talk(&WORLDS, 123, |running, _| {
        let mut lines: Vec<String> = numbers.iter().map(|_| running.line()).collect();
        lines.sort();
        assert_eq!(lines, numbers);
    });
}

#[test]
fn make_shares_its_jobs_with_a_make_below() {
    command(&["make", "-s", "-j4", "-f", MAKEFILE, "all"]).talk(&WORLDS, 0, |running, _| {
        let mut lines: Vec<String> = (0..12).map(|_| running.line()).collect();
        lines.sort();
        let names = [1, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6];
        assert_eq!(lines, names.map(|name| format!("job-{name} --jobserver")));
        running.expect("all");
    });
}

#[test]
fn make_reports_a_failure_and_goes_on() {
    let words = ["make", "-s", "-k", "-j4", "-f", MAKEFILE, "fails", "job-1"];
    for world in WORLDS {
        let mut running = command(&words).start(world);
        running.expect("job-1 --jobserver");
        ends(running, world, 2, &format!("make: *** [{MAKEFILE}:16: fails] Error 3\n"));
    }
}

#[test]
fn make_removes_what_is_half_made_when_it_is_stopped() {
    for world in WORLDS {
        let folder = Folder::new(&format!("make-{world:?}"));
        let words = ["make", "-s", "-C", folder.path(), "-f", MAKEFILE, "half"];
        let mut running = command(&words).start(world);
        running.expect("begun");
        assert!(Path::new(&folder.at("half")).exists());
        running.signal(libc::SIGTERM);
        let errors =
            format!("make: *** Deleting file 'half'\nmake: *** [{MAKEFILE}:20: half] Terminated\n");
        ends(running, world, 143, &errors);
        assert!(!Path::new(&folder.at("half")).exists());
    }
}

/// A tracer is told of every end before the parent is.
#[test]
fn strace_as_the_command_and_as_a_daemon_beside_the_command() {
    let script = "(sh -c 'exit 9' &) ; sh -c 'exit 4'; exit $(($? + 1))";
    for mode in ["-f", "-Df"] {
        command(&["strace", mode, "-o", "/dev/null", "-e", "trace=none", "sh", "-c", script])
            .prints(5, "");
    }
    let words = [
        "strace",
        "-Df",
        "-o",
        "/dev/null",
        "-e",
        "trace=none",
        "sh",
        "-c",
        "echo ready; exec sleep 1000",
    ];
    command(&words).talk(&WORLDS, 143, |running, _| {
        running.expect("ready");
        running.signal(libc::SIGTERM);
    });
}

#[test]
fn setsid_waits_for_its_command_or_leaves_it() {
    command(&["setsid", "--wait", "sh", "-c", "exit 3"]).prints(3, "");
    let leaves = command(&["setsid", &probe(), "signals", "1"])
        .setting("SEXTON_WAIT_ALL=1")
        .setting("SEXTON_GRACE=600s");
    leaves.talk(&UNDER_SEXTON, 0, |running, _| {
        running.expect("ready");
        wait_until("setsid has ended", || {
            running.children().first().is_some_and(|&pid| status_field(pid, "Name") == "probe")
        });
        running.signal(libc::SIGTERM);
        running.expect("signal 15 value none");
    });
}

#[test]
fn a_pid_namespace_below_has_an_init_of_its_own() {
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c"];
    let script = "(setsid sleep 1000 &) ; (exit 9 &) ; echo $$; exit 6";
    command(&[&unshare[..], &[script]].concat()).prints(6, "1");

    // unshare(1) itself ignores SIGTERM.
    let script =
        "trap 'echo told; exit 6' TERM; (setsid sleep 1000 &) ; echo ready; sleep 1000 & wait";
    let program = command(&[&unshare[..], &[script]].concat()).setting("SEXTON_GRACE=600s");
    program.setting("SEXTON_FORWARD_TO=all").talk(&UNDER_SEXTON, 6, |running, _| {
        running.expect("ready");
        running.signal(libc::SIGTERM);
        running.expect("told");
    });
}

/// It is the parent of what it starts, and takes two seconds for the stop.
#[test]
fn su_ends_the_command_of_another_user() {
    let program = command(&["su", "-s", "/bin/sh", "-c", "id -un; exec sleep 1000", "nobody"]);
    let mut started = WORLDS.map(|world| (world, program.start(world)));
    for (world, running) in &mut started {
        running.expect("nobody");
        let main = command_of(running, *world);
        // A signal that comes just before is noted by its handler, and then not looked at.
        wait_until("su waits for its child", || {
            blocked_in(main).first() == Some(&(libc::SYS_wait4 as u64))
        });
        running.signal(libc::SIGTERM);
    }
    for (world, running) in started {
        ends(running, world, 143, "\nSession terminated, killing shell... ...killed.\n");
    }
}
