//! The program's front door: from the arguments and the environment to the exit status.
//!
//! It has `cli` read the command line, starts the logger, and has the request carried out: a command or a pause by
//! `runtime`, `--dry-run` by `child`, `--status` by `inspect`, `--install` by `install`. It prints texts such as
//! `--help` itself.

#![forbid(unsafe_code)]

use crate::child::prepare::Launch;
use crate::child::{dry_run, in_place};
use crate::cli;
use crate::inspect;
use crate::install;
use crate::plan::request::{Inspection, Printed, Request};
use crate::plan::{Plan, UnknownVariable};
use crate::runtime;
use crate::sys::{self, Errno, fds, process, signals};
use crate::values::environment::Values;
use crate::values::error::{Error, printable};
use crate::values::outcome::Ending;
use crate::values::signal::SignalSet;
use ::log::warn;
use std::ffi::CStr;

/// Runs sexton from its arguments, program name first, to its exit status. The caller has blocked all signals, and
/// `mask` is the mask before that, or the reason why they could not be blocked.
///
/// Only for the `main` of a program that does nothing else: the call closes descriptors and leaves the working
/// directory.
#[must_use]
pub fn run(argv: &[&CStr], environment: &[&CStr], mask: Result<SignalSet, Errno>) -> u8 {
    let pid = process::id();
    // Errors before the logger is started look the same.
    let early = || crate::log::set_looks(cli::logging(argv, environment), pid);
    let mask = match mask {
        Ok(mask) => mask,
        Err(errno) => {
            early();
            return give_up(&Error::unable("block signals", sys::reason(errno)));
        }
    };
    let (plan, act): (_, fn(&Plan, SignalSet) -> Ending) = match cli::parse(argv, environment, pid)
    {
        Ok(Request::Run(plan)) => (plan, supervise),
        Ok(Request::DryRun(plan, Values::Hidden)) => {
            (plan, |plan, mask| describe(plan, mask, Values::Hidden))
        }
        Ok(Request::DryRun(plan, Values::Shown)) => {
            (plan, |plan, mask| describe(plan, mask, Values::Shown))
        }
        Ok(Request::Replace(plan)) => (plan, replace),
        Ok(Request::Pause(plan)) => (plan, pause),
        Ok(Request::Status(inspection)) => {
            early();
            return look(&inspection, mask);
        }
        Ok(Request::Install(path)) => {
            early();
            return install::run(&path).map_or_else(|error| give_up(&error), |()| 0);
        }
        Ok(Request::Print(text)) => {
            early();
            return print(&text, mask);
        }
        Err(error) => {
            early();
            return give_up(&error);
        }
    };
    crate::log::start(&plan.logging, pid);
    for UnknownVariable { name, suggestion } in &plan.unknown_variables {
        let name = printable(name);
        match suggestion {
            None => warn!("unknown variable {name}: ignored"),
            Some(other) => {
                warn!("unknown variable {name}: ignored; did you mean {other}?")
            }
        }
    }
    let ending = act(Box::leak(plan), mask); // nothing is to be freed at the end
    crate::log::finish();
    runtime::end(ending)
}

/// Runs no command, until a signal ends the pause.
fn pause(plan: &Plan, _mask: SignalSet) -> Ending {
    runtime::pause::run(plan).unwrap_or_else(|error| give_up(&error)).into()
}

/// Prints the answer to `--status`; returns the exit status.
fn look(inspection: &Inspection, mask: SignalSet) -> u8 {
    signals::set_mask(mask).ok(); // Ctrl-C and SIGPIPE are to end it
    match inspect::run(inspection) {
        Ok(printed) => print(&printed, mask),
        Err(error) => give_up(&error),
    }
}

/// Runs the command.
fn supervise(plan: &Plan, mask: SignalSet) -> Ending {
    runtime::attempt(plan, mask).unwrap_or_else(|error| give_up(&error).into())
}

/// Becomes the command; the ending if that fails.
fn replace(plan: &Plan, mask: SignalSet) -> Ending {
    give_up(&in_place::run(plan, mask)).into()
}

/// Prints the steps that a run would take.
#[inline(never)]
fn describe(plan: &Plan, mask: SignalSet, values: Values) -> Ending {
    let timeout = plan.policy.timeout;
    let launch = Launch::new(plan, mask);
    let status = match launch.and_then(|launch| dry_run::describe(&launch, timeout, values)) {
        Ok(text) => print(&Printed::on_stdout(text), mask),
        Err(error) => give_up(&error),
    };
    status.into()
}

/// Logs the error that ends the run; returns the exit status.
fn give_up(error: &Error) -> u8 {
    crate::log::fatal(error);
    error.status()
}

/// Prints a text; returns the exit status. `mask` is the signal mask from before sexton blocked all signals.
fn print(printed: &Printed, mask: SignalSet) -> u8 {
    if printed.can_break {
        signals::set_mask(mask).ok(); // only a seccomp filter can make it fail
    }
    let stream = if printed.to_stderr { fds::STDERR } else { fds::STDOUT };
    match fds::write_all(stream, printed.text.as_bytes()) {
        Err(errno) if printed.checked => {
            give_up(&Error::unable("write to standard output", sys::reason(errno)))
        }
        _ => printed.status,
    }
}
