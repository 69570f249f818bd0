//! The command line and the environment, read into a [`Request`].
//!
//! - `parse`: sexton's own command line;
//! - `variables`: the `SEXTON_*` variables;
//! - `flags`: the table of flags, by which both are read;
//! - `texts`: texts that are printed on demand;
//! - `compat`: the command lines of other inits, in compatibility mode;
//! - `draft`: the request in the making, onto which the layers are read, the lowest first: defaults, variables, command
//!   line;
//! - `suggest`: what may have been meant.
//!
//! No I/O: the result depends on the arguments alone. Imports `plan`, `values` and `text`.

#![forbid(unsafe_code)]

mod compat;
mod draft;
pub mod flags;
mod parse;
mod suggest;
mod texts;
mod variables;

#[cfg(test)]
mod tests;

use self::compat::{Invocation, NAMES, Program};
use self::draft::Draft;
use crate::plan::Logging;
use crate::plan::request::{Printed, Request};
use crate::values::error::Error;
use std::ffi::CStr;

/// Reads sexton's own argument vector, program name first, and environment. `pid` is sexton's process ID.
///
/// # Errors
/// What cannot be used, with the flag or variable and its value; see [`Error`].
#[inline(never)] // the stack that this needs is free again afterwards
pub fn parse<'a>(
    argv: &[&'a CStr],
    environment: &[&'a CStr],
    pid: i32,
) -> Result<Request<'a>, Error> {
    let (own, others) = variables::split(environment);
    let mut draft = Draft::new(others);
    if let Some(text) = read(argv, environment, &own, pid, &mut draft)? {
        return Ok(Request::Print(text));
    }
    let plan = &mut draft.plan;
    plan.unknown_variables = variables::unknown(&own);
    plan.hint_if_not_found = plan.argv.first().and_then(|word| suggest::hint_if_not_found(word));
    draft.request()
}

/// How the line of an error of `parse` looks, as set by the variables and by the flags before the error.
#[must_use]
pub fn logging(argv: &[&CStr], environment: &[&CStr]) -> Logging {
    let (own, _) = variables::split(environment);
    let mut draft = Draft::default();
    read(argv, environment, &own, 0, &mut draft).ok(); // the draft has the settings before the error
    draft.plan.logging
}

/// Reads the layers of settings into the draft, or returns a text to print instead.
fn read<'a>(
    argv: &[&'a CStr],
    environment: &[&'a CStr],
    own_variables: &[&CStr],
    pid: i32,
    draft: &mut Draft<'a>,
) -> Result<Option<Printed>, Error> {
    let (program, arguments) = match argv.split_first() {
        Some((program, arguments)) => (program.to_bytes(), arguments),
        None => (&b""[..], argv),
    };
    let call = Invocation { program, arguments, environment, pid };
    let mode = compatibility_mode(call).inspect_err(|_| {
        variables::read(own_variables, draft); // one of them may be the log format, in which the error is printed
    });
    Ok(match mode? {
        Some((program, call)) => program.read(&call, own_variables, draft).err(),
        None => parse::read(arguments, own_variables, draft)?.map(Printed::on_stdout),
    })
}

/// The program in whose place sexton is, by its own name or by `--as`, and how that program was called.
fn compatibility_mode<'a, 'w>(
    call: Invocation<'a, 'w>,
) -> Result<Option<(Program, Invocation<'a, 'w>)>, Error> {
    // Podman pauses with catatonit's -P, but executes the file that the link of that name leads to.
    let pauses = matches!(call.arguments, [only] if only.to_bytes() == b"-P");
    // No other init has --status. In a container sexton may be there under another init's name only.
    let is_status =
        |word: &&CStr| word.to_bytes() == b"--status" || word.to_bytes().starts_with(b"--status=");
    if pauses || call.arguments.first().is_some_and(is_status) {
        return Ok(None);
    }
    let file = call.program.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if let Some(program) = Program::named(file) {
        return Ok(Some((program, call)));
    }
    let (name, arguments) = match call.arguments {
        [first] if first.to_bytes() == b"--as" => {
            return Err(Error::usage(format!("--as needs a value: --as NAME, one of {NAMES}")));
        }
        [first, name, rest @ ..] if first.to_bytes() == b"--as" => (name.to_bytes(), rest),
        [first, rest @ ..] => match first.to_bytes().strip_prefix(b"--as=") {
            Some(name) => (name, rest),
            None => return Ok(None),
        },
        [] => return Ok(None),
    };
    match Program::named(name) {
        Some(program) => Ok(Some((program, Invocation { program: name, arguments, ..call }))),
        None => Err(Error::invalid(name, "--as", format_args!("expected one of {NAMES}"))),
    }
}
