//! `--pid=host`: sexton is not PID 1 and makes itself the subreaper of what the command starts.

use std::process::Command;

use crate::engine::Engine;
use crate::process::Listener;
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::{DAEMON, OBEDIENT, assert_daemon_obeyed};

on_each_engine!(
    as_a_subreaper_it_serves_the_command,
    as_a_subreaper_it_ends_a_daemon_and_harms_no_bystander,
);

fn as_a_subreaper_it_serves_the_command(engine: &Engine) {
    let script = format!("{LEAVE_ORPHANS}; (sleep 1000 &); {OBEDIENT}");
    let mut container = engine.run().options(&["--pid=host"]).sh(&script);
    container.wait_for("ready");
    container.wait_for_children(2); // the command, and the orphan that still runs
    container.kill("USR1");
    container.wait_for("heard USR1");
    container.stop().assert_status(3);
}

fn as_a_subreaper_it_ends_a_daemon_and_harms_no_bystander(engine: &Engine) {
    let mut bystander = Listener::spawn(Command::new("sleep").arg("1000"));
    let script = format!("(setsid sh -c '{DAEMON}' &) | head -n 1; {OBEDIENT}");
    let mut container = engine.run().options(&["--pid=host"]).sh(&script);
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(3);
    assert_daemon_obeyed(&ended);
    assert!(bystander.is_running(), "the bystander was harmed");
}
