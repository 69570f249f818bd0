//! Confinement by Landlock: the ruleset, made before the fork. A file that it names is looked up with sexton's rights,
//! and the ruleset holds it: whatever has that name later makes no difference.

#![forbid(unsafe_code)]

use crate::child::step::Step;
use crate::sys::{Errno, files, landlock, reason};
use crate::text::escape::Quoted;
use crate::values::confinement::{Confinement, Rights, Rule};
use crate::values::error::Error;
use log::warn;
use std::ffi::CStr;
use std::fmt::Display;
use std::os::fd::{IntoRawFd, OwnedFd};

/// What newer versions of Landlock have: the version, the rights, and what those are for.
const NEWER: [(u32, Rights, &str); 6] = [
    (1, Rights::READ.with(Rights::EXECUTE).with(Rights::WRITE), ", files"),
    (2, Rights::MOVE, ", moves to other directories"),
    (3, Rights::TRUNCATE, ", truncation"),
    (4, Rights::OF_PORT, ", TCP ports"),
    (5, Rights::CONTROL, ", ioctl on devices"),
    (6, Rights::OUTSIDE, ", scopes"),
];

/// The step that confines the command, if it is to be confined.
///
/// # Errors
/// The kernel cannot do all that is wanted, unless it need not; a path that cannot be looked up.
#[inline(never)]
pub fn step(confinement: &Confinement) -> Result<Option<Step>, Error> {
    let wanted = confinement.taken;
    if wanted.is_empty() {
        return Ok(None);
    }
    let version = landlock::version();
    let mut taken = wanted;
    let mut missing = String::new();
    for (since, rights, name) in &NEWER {
        if version.unwrap_or(0) < *since && !taken.and(*rights).is_empty() {
            taken = taken.without(*rights);
            missing.push_str(name);
        }
    }
    if !missing.is_empty() {
        let why: &dyn Display = match &version {
            Ok(version) => version,
            Err(errno) => &reason(*errno),
        };
        let names = missing.get(2..).unwrap_or_default();
        let text = format!("this kernel does not restrict {names} (Landlock: {why})");
        if !confinement.best_effort {
            return Err(unable(&text).with_hint(Some("--confine best-effort goes on without")));
        }
        warn!("{text}");
    }
    if taken.is_empty() {
        return Ok(None);
    }
    let ruleset = landlock::create(taken).map_err(|errno| unable(&reason(errno)))?;
    // The kernel takes this right away with any other, and nobody asked for that.
    if wanted.and(Rights::WRITE) == Rights::MOVE {
        allow(&ruleset, c"/", 0, Rights::MOVE.and(taken))?;
    }
    for Rule { given, path, port } in &confinement.rules {
        allow(&ruleset, path, *port, given.and(taken))?;
    }
    Ok(Some(Step::Confine(ruleset.into_raw_fd(), confinement.text.clone())))
}

/// Gives rights to a port, to a file, or to all that is below a directory.
fn allow(ruleset: &OwnedFd, path: &CStr, port: u16, given: Rights) -> Result<(), Error> {
    let allowed = if given.without(Rights::OUTSIDE).is_empty() {
        Ok(())
    } else if given.and(Rights::OF_PORT) == given {
        landlock::allow_port(ruleset, port, given)
    } else {
        files::located(path).and_then(|(file, is_directory)| {
            let given = if is_directory { given } else { given.and(Rights::OF_FILE) };
            landlock::allow_below(ruleset, &file, given)
        })
    };
    match allowed {
        // What is on no file system, such as a pipe, is not restricted.
        Ok(()) | Err(Errno::EBADFD) => Ok(()),
        Err(errno) => Err(unable(&format_args!("{}: {}", Quoted(path), reason(errno)))),
    }
}

#[cold]
fn unable(why: &dyn Display) -> Error {
    Error::usage(format!("unable to confine the command: {why}"))
}
