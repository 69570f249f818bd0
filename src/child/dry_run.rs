//! `--dry-run`: the launch as a text, and whether the command is there.

#![forbid(unsafe_code)]

use crate::child::explain;
use crate::child::messages::Failure;
use crate::child::prepare::Launch;
use crate::child::step::Step;
use crate::sys::{Errno, files};
use crate::text::escape::Quoted;
use crate::values::duration::Shown;
use crate::values::environment::Values;
use crate::values::error::Error;
use std::ffi::CStr;
use std::time::Duration;

/// What would be done, one step a line, the command and its time-out last. Values of variables are only shown if they are to be.
///
/// # Errors
/// There is no such command, or no permission for sexton to execute it, or no such directory.
#[inline(never)]
pub fn describe(
    launch: &Launch,
    timeout: Option<Duration>,
    values: Values,
) -> Result<String, Error> {
    let file = find(launch)?;
    let edits = launch.edits.iter().map(|edit| edit.describe(values).to_string());
    let named = launch.naming.renamed.iter();
    let named = named.map(|(_, name)| format!("set variable '{name}' to the command's process ID"));
    let unset = launch.naming.without_pidfd.then(|| "unset variable 'LISTEN_PIDFDID'".to_owned());
    let steps = launch.steps.iter().map(ToString::to_string);
    let mut execute = explain::execute(file);
    // Expanded arguments have values in them.
    let words = if values == Values::Shown { launch.words() } else { launch.argv.into() };
    for argument in words.get(1..).unwrap_or_default() {
        execute += &format!(" {}", Quoted(argument));
    }
    let stop = timeout.map(|timeout| format!("stop it after {}", Shown(timeout)));
    let lines =
        edits.chain(named).chain(unset).chain(steps).chain([execute]).chain(stop).enumerate();
    Ok(lines.map(|(index, line)| format!("{:>2}. {line}\n", index + 1)).collect())
}

/// The file that would be executed, as far as sexton can tell: another user may see other files.
fn find<'a>(launch: &'a Launch) -> Result<&'a CStr, Error> {
    let directory = launch.steps.iter().enumerate().find_map(|(index, step)| match step {
        Step::Directory(path) => Some((index, path.as_c_str())),
        _ => None,
    });
    let (index, path) = directory.unwrap_or((0, c"."));
    let directory = files::directory(path)
        .map_err(|errno| explain::failure(launch, Failure::Step(index, errno)))?;
    let mut failure = Failure::NotFound;
    for (index, file) in launch.candidates.iter().enumerate() {
        match files::is_executable(&directory, file) {
            Ok(true) => return Ok(file),
            Ok(false) if failure == Failure::NotFound => {
                failure = Failure::Exec(index, Errno::EACCES);
            }
            _ => {}
        }
    }
    Err(explain::failure(launch, failure))
}
