//! `--exec`: the steps and the exec without a fork, in sexton's own process.

#![forbid(unsafe_code)]

use crate::child::exec::{self, Needs};
use crate::child::explain;
use crate::child::messages::Letterbox;
use crate::child::prepare::Launch;
use crate::child::program::Program;
use crate::child::step::Step;
use crate::plan::Plan;
use crate::sys::Errno;
use crate::values::error::Error;
use crate::values::signal::SignalSet;

/// Becomes the command. `mask` is the signal mask that sexton was started with. Returns only if that fails, and what
/// has been done of the steps stays done.
#[must_use]
#[inline(never)]
pub fn run(plan: &Plan, mask: SignalSet) -> Error {
    let fatal = |error: Error| error.with_status(plan.statuses.fatal);
    let launch = match Launch::new(plan, mask) {
        Ok(launch) => launch,
        Err(error) => return fatal(error),
    };
    let words = launch.words();
    let mut program = Program::new(&launch.candidates, &words, &launch.environment, &launch.naming);
    let mask = launch.steps.iter().find_map(|step| match step {
        Step::Mask(mask) => Some(*mask),
        _ => None,
    });
    let needs = Needs {
        letterbox: Letterbox::default(), // which nobody looks into
        terminal: Err(Errno::ENOTTY),
        mask: mask.unwrap_or_default(),
    };
    explain::failure(&launch, exec::become_command(&mut program, &launch.steps, &needs))
}
