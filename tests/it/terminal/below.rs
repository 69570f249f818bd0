//! sexton in a shell's job, below a PID namespace that the shell is not in, and not its PID 1: `unshare --fork`, `bwrap
//! --unshare-pid`, firejail. The job's process group has no number there.

use super::{CTRL_C, CTRL_Z, Shell, state, wait_for_state};
use crate::harness::{children_of, wait_until};

/// A shell that runs a script in a namespace of its own, with a command of sexton's in it; the processes of sexton and
/// of the command.
fn below(command: &str) -> (Shell, i32, i32) {
    let mut shell = Shell::new();
    let namespace = "unshare --pid --fork --mount-proc --kill-child";
    shell.line(&format!("{namespace} sh -c 'SEXTON {command}; :'"));
    shell.terminal.expect("ready\r\n");
    let only_child = |pid| {
        let [child] = children_of(pid)[..] else { panic!("{pid} has one child") };
        child
    };
    let unshare = only_child(shell.running.pid);
    let sexton = only_child(only_child(unshare));
    (shell, sexton, only_child(sexton))
}

#[test]
fn the_job_stops_and_goes_on_as_a_whole() {
    let (mut shell, sexton, command) = below("PROBE sleep");
    for _ in 0..2 {
        shell.terminal.type_in(CTRL_Z);
        shell.expect_stopped();
        wait_for_state(command, 'T');
        wait_for_state(sexton, 'T');
        shell.line("fg");
        wait_for_state(command, 'S');
        wait_for_state(sexton, 'S');
    }
    shell.terminal.type_in(CTRL_C);
    shell.expect_status(130);
    shell.exit();
}

/// Nobody inside can give the terminal back to the job, so a command that has it is not stopped: the shell would wait
/// for ever.
#[test]
fn a_command_that_has_the_terminal_goes_on() {
    let (mut shell, sexton, command) = below("PROBE read");
    wait_until("the command has the terminal", || shell.terminal.foreground() == command);
    wait_for_state(command, 'S');
    shell.terminal.type_in(CTRL_Z);
    shell.terminal.expect("^Z");
    wait_until("the command goes on", || [state(sexton), state(command)] == ['S', 'S']);
    shell.terminal.type_in("hello\n");
    shell.expect_status(0);
    shell.exit();
}
