//! The command line and the environment, read into a [`Plan`].

#![forbid(unsafe_code)]

mod flags;
mod native;
mod settings;

use crate::error::Error;
use crate::plan::Plan;
use std::ffi::CStr;

/// What sexton is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// Run a command.
    Run(Box<Plan<'a>>),
    /// Print what would be done to run it, and exit 0.
    DryRun(Box<Plan<'a>>),
    /// Print this text and exit 0.
    Print(String),
}

/// Reads sexton's own argument vector, program name first, and environment.
///
/// # Errors
/// Anything that cannot be used, with the flag or variable and the value; see [`Error`].
pub fn parse<'a>(argv: &[&'a CStr], environment: &[&'a CStr]) -> Result<Request<'a>, Error> {
    native::parse(argv.get(1..).unwrap_or_default(), environment)
}
