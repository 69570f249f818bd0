//! Landlock in containers, under the engines' own seccomp profiles and without capabilities.

use crate::engine::Engine;

on_each_engine_also_rootless!(
    the_engine_s_own_profile_allows_confinement,
    signals_reach_a_command_that_is_confined,
);

const ALL: [&str; 7] = [
    "--fs-read=/",
    "--fs-exec=/bin",
    "--fs-write=/tmp,/dev/null",
    "--tcp-bind=80",
    "--tcp-connect=none",
    "--scope=signal,unix",
    "--confine=strict",
];

fn the_engine_s_own_profile_allows_confinement(engine: &Engine) {
    for options in [&[][..], &["--cap-drop", "ALL", "--user", "1000:1000"]] {
        let script = "cat /etc/hostname >/tmp/new && ! touch /etc/new 2>/dev/null && echo ready";
        let run = engine.run_with(&ALL).options(options);
        let mut container =
            run.sh(&format!("grep -q '^Seccomp:.2$' /proc/self/status && {script}"));
        container.wait_for("ready");
        container.stop().assert_status(0);
    }
}

fn signals_reach_a_command_that_is_confined(engine: &Engine) {
    let mut container = engine.run_with(&ALL).sh(crate::stop::OBEDIENT);
    container.wait_for("ready");
    container.kill("USR1");
    container.wait_for("heard USR1");
    container.stop().assert_status(3);
}
