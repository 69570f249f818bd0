//! How sexton ends: the exit status, or the signal that it dies of.

#![forbid(unsafe_code)]

use crate::plan::Plan;
use crate::sys::process;
use crate::values::outcome::{EndedBy, Ending, Outcome};

/// The ending for the command's outcome, and what brought that about; `None`: the command did not end.
#[must_use]
pub fn ending(plan: &Plan, own: i32, outcome: Option<Outcome>, by: EndedBy) -> Ending {
    let map = &plan.exit_map;
    let Some(outcome) = outcome else {
        let status = Outcome::NOT_ENDED;
        return map.mapped_status(status).unwrap_or(status).into();
    };
    // The kernel drops a signal that PID 1 of a namespace sends itself.
    let may_die = plan.reraise_signal && own != process::INIT;
    match (map.mapped(outcome, by), outcome) {
        (Some(status), _) => status.into(),
        (None, Outcome::Killed { signal, .. }) if may_die => {
            Ending { status: outcome.status(), signal: Some(signal) }
        }
        (None, _) => outcome.status().into(),
    }
}
