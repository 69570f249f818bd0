//! `--dry-run`: the launch as a text, and whether the command is there.

#![forbid(unsafe_code)]

use crate::child::examine;
use crate::child::explain;
use crate::child::messages::Failure;
use crate::child::prepare::Launch;
use crate::child::step::Step;
use crate::sys::{Errno, credentials, files};
use crate::text::escape::Quoted;
use crate::values::capabilities::{CapabilitySet, ROOT};
use crate::values::duration::Shown;
use crate::values::environment::Values;
use crate::values::error::Error;
use std::ffi::CStr;
use std::fmt;
use std::time::Duration;

/// What would be done, one step a line, the command and its time-out last. Values of variables are only shown if they
/// are to be.
///
/// # Errors
/// A step or the exec would fail, as far as that can be known without them: the error of a run.
#[inline(never)]
pub fn describe(
    launch: &Launch,
    timeout: Option<Duration>,
    values: Values,
) -> Result<String, Error> {
    let found = refused(launch).map_or_else(|| find(launch), Err);
    let file = found.map_err(|failure| explain::failure(launch, failure))?;
    let mut execute = explain::execute(file);
    // Expanded arguments have values in them.
    let words = if values == Values::Shown { launch.words() } else { launch.argv.into() };
    for argument in words.get(1..).unwrap_or_default() {
        execute += &format!(" {}", Quoted(argument));
    }
    let mut text = String::new();
    let mut number = 0;
    let mut line = |action: &dyn fmt::Display| {
        number += 1;
        text += &format!("{number:>2}. {action}\n");
    };
    for edit in launch.edits.iter() {
        line(&edit.describe(values));
    }
    for (_, name) in &launch.naming.renamed {
        line(&format_args!("set variable '{name}' to the command's process ID"));
    }
    if launch.naming.without_pidfd {
        line(&"unset variable 'LISTEN_PIDFDID'");
    }
    for step in &launch.steps {
        line(step);
    }
    line(&execute);
    if let Some(timeout) = timeout {
        line(&format_args!("stop the command after {}", Shown(timeout)));
    }
    Ok(text)
}

/// The first step for which sexton, if it is not root, lacks the privilege.
fn refused(launch: &Launch) -> Option<Failure> {
    let own = launch.inherited.uid;
    if own == ROOT {
        return None;
    }
    let held = credentials::effective().ok()?;
    let lacks = |step: &Step| {
        let needed = match step {
            Step::Groups(_) => CapabilitySet::SETGID,
            Step::Gid(gid) if *gid != credentials::group() => CapabilitySet::SETGID,
            Step::Uid(uid) if *uid != own => CapabilitySet::SETUID,
            Step::DropBounding(_) => CapabilitySet::SETPCAP,
            _ => return false,
        };
        held.and(needed).is_empty()
    };
    launch.steps.iter().position(lacks).map(|index| Failure::Step(index, Errno::EPERM))
}

/// The file that would be executed, as far as sexton can tell: another user may see other files.
fn find<'a>(launch: &'a Launch) -> Result<&'a CStr, Failure> {
    if let Err((Some(index), errno)) = launch.enter_directory() {
        return Err(Failure::Step(index, errno));
    }
    let (mut denied, mut incomplete) = (None, None);
    for (index, file) in launch.candidates.iter().enumerate() {
        let errno = match files::check_executable(file) {
            Ok(()) => match examine::obstacle(file) {
                Some(obstacle) => obstacle.errno,
                None => return Ok(file),
            },
            Err(errno) => errno,
        };
        match errno {
            Errno::EACCES => _ = denied.get_or_insert(index),
            _ if !files::exists(file) => {}
            Errno::ENOENT => _ = incomplete.get_or_insert(index),
            _ => return Err(Failure::Exec(index, errno)),
        }
    }
    Err(match (denied, incomplete) {
        (Some(index), _) => Failure::Exec(index, Errno::EACCES),
        (None, Some(index)) => Failure::Exec(index, Errno::ENOENT),
        (None, None) => Failure::NotFound { is_here: files::exists(launch.command()) },
    })
}
