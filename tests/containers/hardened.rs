//! Containers with their privileges taken away: sexton needs none of them.

use crate::engine::Engine;
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::OBEDIENT;

on_each_engine_also_rootless!(
    as_another_user,
    with_a_read_only_root,
    without_capabilities,
    without_new_privileges,
    under_the_engine_s_own_seccomp_profile,
    with_all_of_it_together,
);

// Shell conditions that hold in the command.
pub const IS_USER: &str = "[ $(id -u):$(id -g) = 1000:1000 ]";
pub const IS_READ_ONLY: &str = "! touch /etc/new 2>/dev/null";
pub const HAS_NO_CAPABILITIES: &str = "grep -q '^CapBnd:.0*$' /proc/self/status";
pub const HAS_A_SECCOMP_FILTER: &str = "grep -q '^Seccomp:.2$' /proc/self/status";
pub const HAS_NO_NEW_PRIVILEGES: &str = "grep -q '^NoNewPrivs:.1$' /proc/self/status";

/// Options of the engine, and the condition that tells whether they are in force.
type Hardening = (&'static [&'static str], &'static str);

const USER: Hardening = (&["--user", "1000:1000"], IS_USER);
const READ_ONLY: Hardening = (&["--read-only"], IS_READ_ONLY);
const NO_CAPABILITIES: Hardening = (&["--cap-drop", "ALL"], HAS_NO_CAPABILITIES);
const NO_NEW_PRIVILEGES: Hardening =
    (&["--security-opt", "no-new-privileges"], HAS_NO_NEW_PRIVILEGES);
/// What containers have unless they are told otherwise.
const SECCOMP: Hardening = (&[], HAS_A_SECCOMP_FILTER);

fn as_another_user(engine: &Engine) {
    assert_serves_command(engine, &[USER]);
}

fn with_a_read_only_root(engine: &Engine) {
    assert_serves_command(engine, &[READ_ONLY]);
}

fn without_capabilities(engine: &Engine) {
    assert_serves_command(engine, &[NO_CAPABILITIES]);
}

fn without_new_privileges(engine: &Engine) {
    assert_serves_command(engine, &[NO_NEW_PRIVILEGES]);
}

fn under_the_engine_s_own_seccomp_profile(engine: &Engine) {
    assert_serves_command(engine, &[SECCOMP]);
}

fn with_all_of_it_together(engine: &Engine) {
    let all = [USER, READ_ONLY, NO_CAPABILITIES, NO_NEW_PRIVILEGES, SECCOMP];
    assert_serves_command(engine, &all);
}

/// The command runs, under the hardening; orphans are reaped, signals are forwarded, and a stop is obeyed.
#[track_caller]
fn assert_serves_command(engine: &Engine, hardenings: &[Hardening]) {
    let mut run = engine.run();
    let mut script = String::new();
    for (options, condition) in hardenings {
        run = run.options(options);
        script += &format!("{condition} || exit 99\n");
    }
    let mut container = run.sh(&format!("{script} {LEAVE_ORPHANS}; {OBEDIENT}"));
    container.wait_for("ready");
    container.wait_for_children(1);
    container.kill("USR1");
    container.wait_for("heard USR1");
    let ended = container.stop();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}
