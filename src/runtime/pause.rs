//! `--pause`: no command. It holds a pod's namespaces, and reaps.

#![forbid(unsafe_code)]

use super::retry::Retry;
use super::self_setup;
use crate::plan::Plan;
use crate::sys::wait::{self, Waited};
use crate::sys::{Errno, credentials, process, signals};
use crate::values::capabilities::CapabilitySet;
use crate::values::error::Error;
use crate::values::outcome::Change;
use crate::values::signal::{Signal, SignalSet};
use log::{debug, info, warn};
use std::time::Duration;

/// How many are reaped before signals get their turn: a storm of orphans must not delay the end.
const REAPED_AT_ONCE: usize = 256;

/// Reaps until SIGTERM or SIGINT comes; the exit status.
///
/// # Errors
/// What the plan asks of the kernel cannot be had, or it lets sexton wait neither for signals nor for children.
#[inline(never)]
pub fn run(plan: &Plan) -> Result<u8, Error> {
    let parent = self_setup::watched_parent(plan);
    self_setup::set_up(plan, process::id(), parent, signals::is_ignored(Signal::CHLD))?;
    self_setup::secure_log(plan, credentials::user());
    self_setup::release_inherited(Vec::new());
    self_setup::keep_capabilities(CapabilitySet::EMPTY); // it signals nobody
    // Children may have ended before sexton was executed in their parent's place.
    let mut more = true;
    let (mut wait, mut reap) = (Retry::FOR_SIGNALS, Retry::FOR_CHILDREN);
    loop {
        let timeout = more.then_some(Duration::ZERO);
        let received = wait.try_again(signals::wait(SignalSet::FULL, timeout))?.flatten();
        match received.map(|received| received.signal) {
            Some(signal @ (Signal::TERM | Signal::INT)) => {
                info!("exiting on {signal}");
                return Ok(0);
            }
            // SIGTERM and SIGINT come first: the kernel hands out the lowest number.
            Some(Signal::CHLD) | None => {
                more = reap.try_again(reap_ended(plan))?.unwrap_or(true);
            }
            Some(signal) => debug!("nobody is there to get {signal}"),
        }
    }
}

/// Reaps those that have ended; whether there may be more.
fn reap_ended(plan: &Plan) -> Result<bool, Errno> {
    for _ in 0..REAPED_AT_ONCE {
        let (pid, change) = match wait::child(None, wait::Asked::default()) {
            Waited::Child(pid, change, _) => (pid, change),
            Waited::Nothing | Waited::NoChildren => return Ok(false),
            Waited::Failed(errno) => return Err(errno),
        };
        match change {
            Change::Ended(outcome) if plan.warn_on_reap => {
                warn!("reaped orphan {pid}, which {outcome}");
            }
            Change::Ended(outcome) => debug!("reaped orphan {pid}, which {outcome}"),
            Change::Stopped(_) => {}
        }
    }
    Ok(true)
}
