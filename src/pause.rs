//! `--pause`: no command. It holds a pod's namespaces, and reaps.

#![forbid(unsafe_code)]

use crate::capabilities::CapabilitySet;
use crate::launch;
use crate::outcome::Change;
use crate::plan::Plan;
use crate::signal::{Signal, SignalSet};
use crate::sys::wait::{self, Waited};
use crate::sys::{fds, privileges, process, signals};
use log::{debug, info, warn};

/// Reaps until SIGTERM or SIGINT comes; the exit status.
#[must_use]
#[inline(never)]
pub fn run(plan: &Plan) -> u8 {
    if let Some(signal) = plan.parent_death_signal {
        let set = process::set_parent_death_signal(signal, process::parent());
        if set.is_err() {
            debug!("unable to ask for {signal} when the parent ends");
        }
    }
    if signals::is_ignored(Signal::CHLD) {
        signals::set_ignored(Signal::CHLD, false).ok(); // it would not come
    }
    launch::adopt_orphans(plan.subreaper, process::id());
    let keep: Vec<_> = crate::log::own_descriptors().collect();
    fds::close_inherited(plan.logging.uses_stdout(), &keep);
    process::leave_directory();
    privileges::keep_only(CapabilitySet::EMPTY).ok(); // a pause needs none
    reap(plan);
    loop {
        let Some(received) = signals::wait(SignalSet::FULL, None) else { continue };
        match received.signal {
            Signal::CHLD => reap(plan),
            signal @ (Signal::TERM | Signal::INT) => {
                info!("exiting on {signal}");
                return 0;
            }
            signal => debug!("nobody is there to get {signal}"),
        }
    }
}

/// Reaps all that have ended.
fn reap(plan: &Plan) {
    while let Waited::Child(pid, change, _) = wait::child(None, false) {
        match change {
            Change::Ended(outcome) if plan.warn_on_reap => {
                warn!("reaped orphan {pid}, which {outcome}");
            }
            Change::Ended(outcome) => debug!("reaped orphan {pid}, which {outcome}"),
            Change::Stopped(_) | Change::Continued => {}
        }
    }
}
