//! `docker run -it` and `docker exec -it`: as if there were no init.

use crate::engine::{Engine, Run};
use crate::process::{Listener, eventually, outer_terminal, output_of};
use std::process::Command;

on_each_engine!(
    the_command_is_the_foreground_group,
    keys_reach_command,
    a_shell_has_job_control,
    a_shell_in_a_session_of_its_own_has_job_control,
    a_shell_under_two_inits_has_job_control,
    a_shell_that_exec_started_has_job_control,
    a_shell_under_sexton_that_exec_started_has_job_control,
    ctrl_z_stops_nobody_whom_nobody_could_continue,
    a_new_size_reaches_the_command,
    a_password_is_not_shown,
);

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

fn the_command_is_the_foreground_group(engine: &Engine) {
    let script = r#"
        tty
        read -r pid name state parent group session terminal foreground rest </proc/$$/stat
        [ $pid != 1 ] && [ $group = $pid ] && [ $foreground = $pid ]"#;
    let ended = engine.run().options(&["--tty"]).sh(script).end();
    ended.assert_status(0);
    assert!(ended.stdout.starts_with("/dev/"), "{ended:?}");
}

fn keys_reach_command(engine: &Engine) {
    let script =
        "trap 'echo quit' QUIT; trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done";
    let mut container = engine.run().in_a_terminal().sh(script);
    container.wait_for("ready");
    container.say(CTRL_BACKSLASH);
    container.wait_for("quit");
    container.say(CTRL_C);
    container.end().assert_status(9);
}

fn a_shell_has_job_control(engine: &Engine) {
    job_control(&mut engine.run().in_a_terminal().start(&["sh", "-i"]));
}

fn a_shell_in_a_session_of_its_own_has_job_control(engine: &Engine) {
    let run = engine.run_with(&["--setsid"]).in_a_terminal();
    job_control(&mut run.start(&["sh", "-i"]));
}

/// `--init` of an image that has its own.
fn a_shell_under_two_inits_has_job_control(engine: &Engine) {
    job_control(&mut two_inits(engine).start(&["sh", "-i"]));
}

fn two_inits(engine: &Engine) -> Run<'_> {
    engine.run().options(&["--init"]).in_a_terminal()
}

fn a_shell_that_exec_started_has_job_control(engine: &Engine) {
    let container = engine.run().sh("echo up; exec sleep 1000");
    container.wait_for("up");
    job_control(&mut container.exec_in_a_terminal(&["sh", "-i"]));
}

fn a_shell_under_sexton_that_exec_started_has_job_control(engine: &Engine) {
    let container = engine.run().sh("echo up; exec sleep 1000");
    container.wait_for("up");
    job_control(&mut container.exec_in_a_terminal(&["/sexton", "--", "sh", "-i"]));
}

fn job_control(shell: &mut Listener) {
    // What is waited for differs from what is typed, which the terminal echoes. At SIGCONT the job
    // is in the foreground.
    let trap = r#"trap "echo job $((1 + 1)) goes on" CONT"#;
    shell.say(&format!("sh -c '{trap}; echo job $((1 + 1)) runs; while :; do sleep 0.1; done'\n"));
    shell.wait_for("job 2 runs");
    shell.say(CTRL_Z);
    shell.wait_for("Stopped");
    shell.say("fg\n");
    shell.wait_for("job 2 goes on");
    shell.say(CTRL_C);
    shell.wait_for("# ");
    shell.say("echo job ended with $?\n");
    shell.wait_for("job ended with 130");
    shell.say("exit 4\n");
    shell.end().assert_status(4);
}

fn ctrl_z_stops_nobody_whom_nobody_could_continue(engine: &Engine) {
    for run in [engine.run().in_a_terminal(), two_inits(engine)] {
        let mut container = run.start(&["cat"]);
        for word in ["one", "two"] {
            container.say(&format!("{word}\n"));
            container.wait_for(word); // the echo
            container.wait_for(word); // by cat
            container.say(CTRL_Z);
            container.wait_for("^Z");
        }
        container.say(CTRL_D);
        container.end().assert_status(0);
    }
}

fn a_new_size_reaches_the_command(engine: &Engine) {
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done";
    let container = engine.run().in_a_terminal().sh(script);
    container.wait_for("ready");
    let terminal = outer_terminal(&container);
    // A client that does not listen for changes yet, although the command runs, misses one; not the next.
    let mut rows = ["33", "34"].into_iter().cycle();
    eventually("main is told of its new size", || {
        let size = ["rows", rows.next().unwrap(), "columns", "101"];
        output_of(Command::new("stty").arg("--file").arg(&terminal).args(size));
        container.has_told(" 101")
    });
}

fn a_password_is_not_shown(engine: &Engine) {
    let script = "stty -echo; printf 'pass%s ' word:; read x; stty echo; echo \"<$x>\"";
    let mut container = engine.run().in_a_terminal().sh(script);
    container.wait_for("password: ");
    container.say("hidden\n");
    container.wait_for("<hidden>");
    let ended = container.end();
    ended.assert_status(0);
    assert_eq!(ended.stdout.matches("hidden").count(), 1, "{ended:?}");
}
