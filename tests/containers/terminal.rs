//! `docker run -t`: main owns the terminal.

use crate::engine::Engine;

on_each_engine!(main_is_the_foreground_group, ctrl_c_reaches_main, a_shell_has_job_control,);

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";

fn main_is_the_foreground_group(engine: &Engine) {
    let script = r#"
        tty
        read -r pid name state parent group session terminal foreground rest </proc/$$/stat
        [ $pid != 1 ] && [ $group = $pid ] && [ $foreground = $pid ]"#;
    let ended = engine.run().options(&["--tty"]).sh(script).end();
    ended.assert_status(0);
    assert!(ended.stdout.starts_with("/dev/"), "{ended:?}");
}

fn ctrl_c_reaches_main(engine: &Engine) {
    let script = "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done";
    let mut container = engine.run().in_a_terminal().sh(script);
    container.wait_for("ready");
    container.say(CTRL_C);
    container.end().assert_status(9);
}

fn a_shell_has_job_control(engine: &Engine) {
    let mut container = engine.run().in_a_terminal().start(&["sh", "-i"]);
    // What is waited for differs from what is typed, which the terminal echoes. At SIGCONT the job
    // is in the foreground.
    let trap = r#"trap "echo job $((1 + 1)) goes on" CONT"#;
    container
        .say(&format!("sh -c '{trap}; echo job $((1 + 1)) runs; while :; do sleep 0.1; done'\n"));
    container.wait_for("job 2 runs");
    container.say(CTRL_Z);
    container.wait_for("Stopped");
    container.say("fg\n");
    container.wait_for("job 2 goes on");
    container.say(CTRL_C);
    container.wait_for("# ");
    container.say("echo job ended with $?\n");
    container.wait_for("job ended with 130");
    container.say("exit 4\n");
    container.end().assert_status(4);
}
