//! `--pause`: the runtime without a command. It holds a pod's namespaces, and reaps.

#![forbid(unsafe_code)]

use super::next_signal::NextSignal;
use super::reaper::{REAPED_AT_ONCE, Reaper};
use super::{log_orphan, self_setup};
use crate::kernel::processes::Name;
use crate::plan::Plan;
use crate::sys::clock::Clock;
use crate::sys::wait::{self, Waited};
use crate::sys::{credentials, process, signals};
use crate::values::capabilities::CapabilitySet;
use crate::values::error::Error;
use crate::values::outcome::Change;
use crate::values::signal::{Signal, SignalSet};
use log::{debug, info};
use std::time::Duration;

/// No process has this ID, and no child is the command.
const NO_COMMAND: i32 = 0;

/// Reaps until SIGTERM or SIGINT comes; the exit status.
///
/// # Errors
/// The kernel refuses what the plan asks for, or it lets sexton wait neither for signals nor for children.
#[inline(never)]
pub fn run(plan: &Plan) -> Result<u8, Error> {
    let parent = self_setup::watched_parent(plan);
    let own = process::id();
    self_setup::set_up(plan, own, parent, signals::is_ignored(Signal::CHLD))?;
    self_setup::secure_log(plan, credentials::user());
    self_setup::protect(plan);
    self_setup::release_inherited(&[]);
    self_setup::keep_capabilities(CapabilitySet::EMPTY); // it sends no signals
    let clock = Clock::start();
    let mut reaper = Reaper::new(plan, own, NO_COMMAND);
    let mut signals = NextSignal::default();
    loop {
        if reaper.due_in(clock) == Some(Duration::ZERO) {
            reap_all(plan, &mut reaper)?;
        }
        let received = signals.wait(SignalSet::FULL, reaper.due_in(clock), &mut reaper)?;
        match received.map(|received| received.signal) {
            Some(signal @ (Signal::TERM | Signal::INT)) => {
                info!("exiting on {signal}");
                return Ok(0);
            }
            Some(Signal::CHLD) => reaper.child_signalled(),
            Some(signal) => debug!("{signal} not forwarded: there is no command"),
            None => {}
        }
    }
}

/// Reaps each child that has ended.
fn reap_all(plan: &Plan, reaper: &mut Reaper) -> Result<(), Error> {
    for _ in 0..REAPED_AT_ONCE {
        let pid = reaper.reads_names().then(wait::peek).flatten();
        let name = pid.map(Name::of).unwrap_or_default();
        match wait::child(pid, false, None) {
            Waited::Child(pid, Change::Ended(outcome)) => log_orphan(plan, pid, name, outcome),
            Waited::Child(..) => {}
            found => return reaper.looked_at_all(found, false).map(drop),
        }
    }
    Ok(())
}
