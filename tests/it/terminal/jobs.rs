//! sexton as a job of an interactive shell.

use super::{CTRL_C, CTRL_D, CTRL_Z, Shell, state, wait_for_state};
use crate::harness::{Folder, children_of, sleeps_for_ever, status_field, wait_until};
use nix::libc;

/// Waits until the shell knows that its job is stopped: it may run `fg` before, and then would not continue the job.
const STOPPED: &str = r#"until [ -n "$(jobs -s)" ]; do :; done"#;

impl Shell {
    /// The process groups of the shell's only job: sexton's, and the command's.
    fn job(&self) -> (i32, i32) {
        let [sexton] = self.running.children()[..] else { panic!("the shell has one child") };
        let [main] = children_of(sexton)[..] else { panic!("sexton has one child") };
        (sexton, main)
    }

    fn wait_for_foreground(&self, group: i32) {
        wait_until("the group has the terminal", || self.terminal.foreground() == group);
    }
}

#[test]
fn a_job_stops_and_goes_on_as_a_whole() {
    let mut shell = Shell::new();
    shell.line("SEXTON PROBE sleep");
    shell.terminal.expect("ready\r\n");
    let (sexton, main) = shell.job();
    assert_eq!(shell.terminal.foreground(), main);
    for _ in 0..2 {
        shell.terminal.type_in(CTRL_Z);
        shell.expect_stopped();
        assert_eq!((state(sexton), state(main)), ('T', 'T'));
        shell.line("fg");
        shell.wait_for_foreground(main);
        wait_for_state(main, 'S');
        wait_for_state(sexton, 'S');
    }
    shell.terminal.type_in(CTRL_C);
    shell.expect_status(130);
    shell.exit();
}

#[test]
fn a_job_goes_on_with_all_of_its_processes() {
    for flags in ["", "--forward-to=group", "--forward-to=all"] {
        let mut shell = Shell::new();
        // The command is the shell, and the probe its child in the same group.
        shell.line(&format!("SEXTON {flags} sh -c 'PROBE sleep; exit 4'"));
        shell.terminal.expect("ready\r\n");
        let (_, main) = shell.job();
        let [child] = children_of(main)[..] else { panic!("main has one child") };
        shell.terminal.type_in(CTRL_Z);
        shell.expect_stopped();
        wait_for_state(main, 'T');
        wait_for_state(child, 'T');
        shell.line("fg");
        wait_for_state(main, 'S');
        wait_for_state(child, 'S');
        shell.wait_for_foreground(main);
    }
}

/// Each turn is a job of its own, and the key comes to the command alone: the shell learns of it from sexton's end.
#[test]
fn a_key_ends_the_shell_s_loop() {
    let mut shell = Shell::new();
    shell.line("for i in 1 2 3; do SEXTON PROBE sleep; done");
    shell.terminal.expect("ready\r\n");
    let (_, main) = shell.job();
    shell.wait_for_foreground(main);
    shell.terminal.type_in(CTRL_C);
    shell.expect_status(130);
    shell.exit();
}

/// The shell keeps the terminal, also when the job ends: it is not the job's to give back.
#[test]
fn a_job_that_goes_on_in_the_background_leaves_the_terminal_alone() {
    let mut shell = Shell::new();
    shell.line("SEXTON PROBE sleep");
    shell.terminal.expect("ready\r\n");
    let (sexton, main) = shell.job();
    shell.terminal.type_in(CTRL_Z);
    shell.expect_stopped();
    shell.line("bg");
    shell.terminal.expect("$ ");
    wait_for_state(sexton, 'S');
    wait_for_state(main, 'S');
    assert!(shell.has_the_terminal());
    // So that the shell cannot take the terminal back.
    unsafe { libc::kill(shell.running.pid, libc::SIGSTOP) };
    wait_for_state(shell.running.pid, 'T');
    unsafe { libc::kill(sexton, libc::SIGTERM) };
    wait_for_state(sexton, 'Z');
    assert!(shell.has_the_terminal());
    unsafe { libc::kill(shell.running.pid, libc::SIGCONT) };
    shell.line("");
    shell.exit();
}

/// A running job that is put into the foreground is not told so: it finds out when the command asks.
#[test]
fn a_job_that_was_started_in_the_background_can_be_put_into_the_foreground() {
    for stops_before in [false, true] {
        let mut shell = Shell::new();
        let main = if stops_before { "cat" } else { "sh -c 'kill -STOP $$; cat'" };
        shell.line(&format!("SEXTON {main} &"));
        shell.terminal.expect("$ ");
        wait_until(
            "sexton has a child",
            || matches!(shell.running.children()[..], [sexton] if children_of(sexton).len() == 1),
        );
        let (sexton, main) = shell.job();
        wait_for_state(main, 'T');
        assert!(shell.has_the_terminal());
        wait_for_state(sexton, 'T');
        shell.line(STOPPED);
        shell.line("fg");
        shell.wait_for_foreground(main);
        shell.terminal.type_in("hello\n");
        shell.terminal.expect("hello\r\nhello\r\n"); // the echo, and cat
        shell.terminal.type_in(CTRL_D);
        shell.expect_status(0);
        shell.exit();
    }
}

#[test]
fn a_running_job_that_is_put_into_the_foreground_may_read() {
    let mut shell = Shell::new();
    // It reads when it is told so.
    shell.line("SEXTON sh -c 'trap \"exec cat\" USR1; echo ready; while :; do sleep 0.01; done' &");
    shell.terminal.expect("ready\r\n");
    let (sexton, main) = shell.job();
    shell.line("fg");
    shell.wait_for_foreground(sexton);
    unsafe { libc::kill(sexton, libc::SIGUSR1) };
    shell.wait_for_foreground(main);
    shell.terminal.type_in("hello\n");
    shell.terminal.expect("hello\r\nhello\r\n");
    shell.terminal.type_in(CTRL_D);
    shell.expect_status(0);
    shell.exit();
}

/// The shell would restore them if the command were its own child.
#[test]
fn the_modes_are_as_they_were_when_the_command_is_killed() {
    let mut shell = Shell::new();
    shell.line("stty -a | grep -o -- '-*icanon'");
    shell.terminal.expect("icanon\r\n$ ");
    shell.line("SEXTON sh -c 'stty -icanon -echo; kill -KILL $$'");
    shell.expect_status(137);
    shell.line("stty -a | grep -Eo -- '-*(icanon|echo) '");
    let shown = shell.terminal.expect("$ ");
    assert_eq!(shown, "icanon \r\necho \r\n");
    shell.exit();
}

#[test]
fn modes_that_the_command_sets_on_purpose_stay() {
    let mut shell = Shell::new();
    shell.line("SEXTON stty tostop");
    shell.expect_status(0);
    shell.line("stty -a | grep -o -- '-*tostop'");
    shell.terminal.expect("tostop\r\n$ ");
    shell.exit();
}

/// The rest of a pipeline gets the keys as ever, and sexton passes them on to the command.
#[test]
fn a_pipeline_is_stopped_continued_and_interrupted_as_a_whole() {
    let lines = [
        "SEXTON PROBE sleep | cat",
        "true | SEXTON PROBE sleep",
        "SEXTON PROBE sleep | SEXTON sh -c 'trap \"exit 130\" INT; PROBE sleep; :'",
    ];
    for line in lines {
        let mut shell = Shell::new();
        shell.line(line);
        shell.terminal.expect("ready\r\n"); // from the last of them
        let mains = || {
            let children = shell.running.children();
            Vec::from_iter(children.iter().flat_map(|&pid| children_of(pid)))
        };
        // A key that comes while a process is still the shell's fork, which ignores SIGTSTP, is lost.
        let count = line.matches("SEXTON").count();
        wait_until("every main is there", || {
            mains().len() == count && mains().iter().all(|&pid| state(pid) == 'S')
        });
        let main = mains()[0];
        shell.terminal.type_in(CTRL_Z);
        shell.expect_stopped();
        wait_for_state(main, 'T');
        shell.line("fg");
        wait_for_state(main, 'S');
        let group = shell.terminal.foreground();
        assert!(![main, shell.running.pid].contains(&group), "{line}: the pipeline has it");
        shell.terminal.type_in(CTRL_C);
        shell.expect_status(130);
        shell.exit();
    }
}

/// A key is for all of the command's group: this shell waits for its child, which has to get the key too.
#[test]
fn a_key_comes_to_all_of_the_command_s_group_in_a_pipeline() {
    let mut shell = Shell::new();
    shell.line("SEXTON bash -c 'PROBE sleep; echo end' | cat");
    let all_run = || {
        let descend = |pids: Vec<i32>| Vec::from_iter(pids.into_iter().flat_map(children_of));
        let jobs = shell.running.children();
        // Before its exec `cat` is a shell, and not ended by the key: the status would be another.
        let cat_runs = jobs.iter().any(|&pid| status_field(pid, "Name") == "cat");
        let probes = descend(descend(jobs));
        cat_runs && matches!(probes[..], [probe] if state(probe) == 'S')
    };
    wait_until("the probe and cat run", all_run);
    shell.terminal.type_in(CTRL_C);
    shell.expect_status(130);
    shell.exit();
}

#[test]
fn a_pager_behind_sexton_can_read_its_keys() {
    let mut shell = Shell::new();
    shell.line("SEXTON sh -c 'seq 1000; exec sleep 1000' | less");
    shell.terminal.expect("Press RETURN"); // for a dumb terminal
    shell.terminal.type_in("\n");
    shell.terminal.expect("11\r\n");
    shell.terminal.type_in("q");
    wait_until("less has ended", || {
        matches!(shell.running.children()[..], [_, less] if state(less) == 'Z')
            || shell.running.children().len() == 1
    });
    // The command still runs.
    shell.terminal.type_in(CTRL_C);
    shell.expect_status(0);
    shell.exit();
}

/// In a pipeline the command gets the terminal when it asks for it.
#[test]
fn the_command_may_use_the_terminal_in_a_pipeline() {
    for (main, input) in
        [("sh -c 'read line; echo $line'", "hello\n"), ("sh -c 'stty sane; echo hello'", "")]
    {
        let mut shell = Shell::new();
        shell.line(&format!("SEXTON {main} | tr a-z A-Z"));
        shell.terminal.type_in(input);
        shell.terminal.expect("HELLO\r\n");
        shell.expect_status(0);
        shell.exit();
    }
}

/// Where the command has the terminal, the first key stops the command and sexton, and the second one the others.
#[test]
fn a_script_stops_at_the_second_key_if_its_command_has_the_terminal() {
    let mut shell = Shell::new();
    shell.line("sh -c 'SEXTON PROBE read; exit 5'");
    shell.terminal.expect("ready\r\n");
    let [script] = shell.running.children()[..] else { panic!("the shell has one child") };
    let [sexton] = children_of(script)[..] else { panic!("the script has one child") };
    let [main] = children_of(sexton)[..] else { panic!("sexton has one child") };
    shell.wait_for_foreground(main);
    wait_for_state(main, 'S');
    shell.terminal.type_in(CTRL_Z);
    wait_for_state(sexton, 'T');
    shell.wait_for_foreground(script);
    shell.terminal.type_in(CTRL_Z);
    shell.expect_stopped();
    shell.line("fg");
    shell.wait_for_foreground(main);
    shell.terminal.type_in("hello\n");
    shell.expect_status(5);
    shell.exit();
}

/// A script is in the job too, and the shell waits for it to stop.
#[test]
fn a_script_with_sexton_in_it_stops_and_goes_on() {
    let folder = Folder::new("script");
    let script =
        folder.file("run", "755", &super::words("#!/bin/bash\nSEXTON PROBE sleep\nexit 5\n"));
    let mut shell = Shell::new();
    shell.line(&script);
    shell.terminal.expect("ready\r\n");
    let [script] = shell.running.children()[..] else { panic!("the shell has one child") };
    let [sexton] = children_of(script)[..] else { panic!("the script has one child") };
    let [main] = children_of(sexton)[..] else { panic!("sexton has one child") };
    shell.terminal.type_in(CTRL_Z);
    shell.expect_stopped();
    // The shell has waited for the script only.
    wait_for_state(main, 'T');
    wait_for_state(sexton, 'T');
    shell.line("fg");
    wait_for_state(main, 'S');
    wait_for_state(sexton, 'S');
    unsafe { libc::kill(sexton, libc::SIGTERM) };
    shell.expect_status(5);
    shell.exit();
}

/// Its keys are for the script, too, wherever it was started.
#[test]
fn a_script_that_was_started_in_the_background_keeps_the_terminal() {
    let mut shell = Shell::new();
    shell.line("sh -c 'SEXTON PROBE sleep; exit 5' &");
    shell.terminal.expect("ready\r\n");
    let [script] = shell.running.children()[..] else { panic!("the shell has one child") };
    let [sexton] = children_of(script)[..] else { panic!("the script has one child") };
    shell.line("kill -STOP %1");
    wait_for_state(sexton, 'T');
    shell.line(STOPPED);
    shell.line("fg");
    wait_for_state(sexton, 'S');
    wait_until("sexton has taken SIGCONT", || {
        status_field(sexton, "ShdPnd") == "0000000000000000" && sleeps_for_ever(sexton)
    });
    shell.wait_for_foreground(script);
    shell.terminal.type_in(CTRL_Z);
    wait_for_state(script, 'T');
    wait_for_state(sexton, 'T');
    wait_until("the shell has the terminal", || shell.has_the_terminal());
    shell.line(STOPPED);
    shell.line("fg");
    shell.wait_for_foreground(script);
    wait_for_state(sexton, 'S');
    shell.terminal.type_in(CTRL_C);
    wait_until("the shell has the terminal", || shell.has_the_terminal());
    drop(shell.running);
}
