//! The exit status of `docker run`.

use crate::engine::Engine;
use crate::process::Ended;

on_each_engine_also_rootless!(
    success_is_0,
    the_status_of_the_command_is_passed_on,
    death_by_a_signal_is_128_and_its_number,
    a_command_that_does_not_exist_is_127,
    a_file_that_is_no_program_is_126,
    no_command_is_125,
    an_unknown_flag_is_125_and_named,
    a_bad_value_is_125_and_named,
    a_bad_value_in_a_variable_is_125_and_the_variable_named,
);

fn success_is_0(engine: &Engine) {
    let ended = engine.run().start(&["true"]).end();
    ended.assert_status(0);
    assert_eq!(ended.stderr, "", "sexton is quiet when all goes well");
}

fn the_status_of_the_command_is_passed_on(engine: &Engine) {
    engine.run().sh("exit 7").end().assert_status(7);
}

fn death_by_a_signal_is_128_and_its_number(engine: &Engine) {
    engine.run().sh("kill -TERM $$").end().assert_status(143);
}

fn a_command_that_does_not_exist_is_127(engine: &Engine) {
    assert_refused(engine, &[], &["no-such-command"], 127, "no-such-command");
}

fn a_file_that_is_no_program_is_126(engine: &Engine) {
    assert_refused(engine, &[], &["/etc/notexec"], 126, "/etc/notexec");
}

fn no_command_is_125(engine: &Engine) {
    assert_refused(engine, &[], &[], 125, "command");
}

fn an_unknown_flag_is_125_and_named(engine: &Engine) {
    assert_refused(engine, &["--no-such-flag"], &["echo", "main ran"], 125, "--no-such-flag");
}

fn a_bad_value_is_125_and_named(engine: &Engine) {
    assert_refused(engine, &["--grace", "5parsecs"], &["echo", "main ran"], 125, "5parsecs");
}

fn a_bad_value_in_a_variable_is_125_and_the_variable_named(engine: &Engine) {
    let mut container =
        engine.run().options(&["--env", "SEXTON_GRACE=abc"]).start(&["echo", "main ran"]);
    let ended = container.end();
    ended.assert_status(125);
    assert_eq!(ended.stdout, "", "main was run");
    assert!(ended.stderr.contains("SEXTON_GRACE") && ended.stderr.contains("abc"), "{ended:?}");
}

/// sexton ends with `status` instead of running the command, and says why in one line, which names
/// `culprit`; a hint may follow.
#[track_caller]
pub fn assert_refused(engine: &Engine, flags: &[&str], main: &[&str], status: i32, culprit: &str) {
    assert_refusal(&engine.run_with(flags).start(main).end(), status, culprit);
}

/// (The engines have statuses 125 to 127 of their own: the line tells that it was sexton's.)
#[track_caller]
pub fn assert_refusal(ended: &Ended, status: i32, culprit: &str) {
    ended.assert_status(status);
    assert_eq!(ended.stdout, "", "main was run");
    let errors: Vec<_> =
        ended.stderr.lines().filter(|line| !line.starts_with("sexton: hint: ")).collect();
    let [error] = errors[..] else { panic!("not one line: {ended:?}") };
    assert!(error.starts_with("sexton: fatal: ") && error.contains(culprit), "{ended:?}");
}
