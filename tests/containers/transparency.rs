//! The command does not notice that sexton started it.

use crate::engine::{Engine, Run};
use crate::status::assert_refused;
use crate::stop::AT_ONCE;
use std::time::Duration;

on_each_engine!(
    arguments_are_passed_unchanged,
    options_end_at_the_command,
    the_environment_is_that_without_sexton,
    variables_of_sexton_are_obeyed_and_taken_away,
    standard_input_is_passed_through,
    a_limit_is_what_the_command_sees,
    a_limit_that_cannot_be_applied_is_an_error,
);

fn arguments_are_passed_unchanged(engine: &Engine) {
    let arguments = [
        "",
        "two\nlines",
        " spaced  out ",
        "*",
        "--",
        "-v",
        "--grace",
        "'\"\\$HOME",
        "ä",
        &"x".repeat(100_000),
    ];
    let show = ["sh", "-c", r#"for argument; do printf '<%s>' "$argument"; done"#, "sh"];
    let ended = engine.run().start(&[&show[..], &arguments].concat()).end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, arguments.map(|argument| format!("<{argument}>")).concat());
}

fn options_end_at_the_command(engine: &Engine) {
    let run = engine.run_bare("/sexton");
    let ended = run.start(&["--grace", "1s", "echo", "--grace", "x"]).end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, "--grace x\n");
}

fn the_environment_is_that_without_sexton(engine: &Engine) {
    let options = [
        "--hostname",
        "box",
        "--env",
        "KEPT=a b",
        "--env",
        "EMPTY=",
        "--env",
        "MULTI=two\nlines",
        "--env",
        "SEXTON=x",
    ];
    let environment = |run: Run, main: &[&str]| {
        let ended = run.options(&options).start(main).end();
        ended.assert_status(0);
        let mut variables: Vec<_> = ended.stdout.split_terminator('\0').map(String::from).collect();
        variables.sort(); // Podman has no order
        variables
    };
    let without = environment(engine.run_bare("cat"), &["/proc/self/environ"]);
    let with = environment(engine.run(), &["cat", "/proc/self/environ"]);
    assert_eq!(with, without);
    assert!(with.contains(&"MULTI=two\nlines".into()), "{with:?}");
}

fn variables_of_sexton_are_obeyed_and_taken_away(engine: &Engine) {
    let script = "env | grep ^SEXTON_; trap '' TERM; echo ready; exec sleep 1000";
    let mut container =
        engine.run().options(&["--env", "SEXTON_GRACE=1s", "--env", "SEXTON_LINGER=2"]).sh(script);
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(137);
    assert_eq!(ended.stdout, "ready\n");
    let in_time = Duration::from_secs(1)..AT_ONCE;
    assert!(in_time.contains(&ended.took), "killed after {:?}", ended.took);
}

fn standard_input_is_passed_through(engine: &Engine) {
    let mut container = engine.run().options(&["--interactive"]).sh("echo ready; head -n 1; wc -c");
    container.wait_for("ready");
    container.say("a line\n");
    container.wait_for("a line");
    container.say(&"x".repeat(1_000_000));
    container.close_stdin();
    let ended = container.end();
    ended.assert_status(0);
    assert!(ended.stdout.ends_with("1000000\n"), "{ended:?}");
}

fn a_limit_is_what_the_command_sees(engine: &Engine) {
    let ended = engine.run_with(&["--rlimit", "nofile=256:512"]).sh("ulimit -Sn; ulimit -Hn").end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, "256\n512\n");
}

/// Containers have no CAP_SYS_RESOURCE by default, so no hard limit can be raised.
fn a_limit_that_cannot_be_applied_is_an_error(engine: &Engine) {
    assert_refused(
        engine,
        &["--rlimit", "nofile=9999999:99999999"],
        &["echo", "main ran"],
        125,
        "nofile",
    );
}
