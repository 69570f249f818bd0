//! The command's variables, and its arguments with the values of variables in them. The files that variables come from
//! are read with sexton's rights: a secret's file need not be readable for the command's user.

#![forbid(unsafe_code)]

use crate::plan::{Attributes, Plan};
use crate::sys::{Errno, files, reason};
use crate::text::escape::Quoted;
use crate::values::env_file;
use crate::values::environment::{Edits, variable};
use crate::values::error::Error;
use crate::values::expansion;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt;

/// The largest file that variables are read from, in bytes.
const LARGEST: usize = 1 << 20;

/// The changes that the attributes ask for, with the values that stand in files.
///
/// # Errors
/// A file is not there, is no regular file, is larger than 1 MiB, cannot be read or has no variables in it. The error
/// has none of what the file holds.
#[inline(never)]
pub fn edits(attributes: &Attributes) -> Result<Edits, Error> {
    let mut edits = attributes.environment.clone();
    for edit in edits.iter_mut() {
        if let Some(path) = edit.file().map(CStr::to_owned) {
            edit.fill(&contents(&path)?).map_err(|reason| refused(&path, reason))?;
        }
    }
    let mut below = Edits::default();
    for path in &attributes.environment_files {
        let variables = env_file::parse(&contents(path)?);
        variables
            .map_err(|reason| refused(path, reason))?
            .into_iter()
            .for_each(|edit| below.put(edit));
    }
    Ok(edits.over(&below))
}

fn contents(path: &CStr) -> Result<Vec<u8>, Error> {
    match files::contents_up_to(path, LARGEST) {
        Ok(Some(contents)) => Ok(contents),
        Ok(None) => Err(refused(path, reason(Errno::ENOENT))),
        Err(Errno::EINVAL) => Err(refused(path, "it is not a regular file")),
        Err(Errno::EFBIG) => Err(refused(path, "it is larger than 1 MiB")),
        Err(errno) => Err(refused(path, reason(errno))),
    }
}

fn refused(path: &CStr, reason: impl fmt::Display) -> Error {
    Error::unable(format_args!("set variables from {}", Quoted(path)), reason)
}

/// The command and its arguments with the values of these variables in them; empty if they stay as they are.
///
/// # Errors
/// A word that cannot be expanded, by its number: the word itself may be a secret.
#[inline(never)]
pub fn expanded(plan: &Plan, environment: &[Cow<CStr>]) -> Result<Vec<CString>, Error> {
    if !plan.expands_arguments {
        return Ok(Vec::new());
    }
    let value = |name: &[u8]| variable(environment, name).map(|(_, value)| value);
    let words = plan.argv.iter().enumerate().map(|(index, word)| {
        let expanded = expansion::expand(word.to_bytes(), &value);
        expanded.map(|bytes| CString::new(bytes).unwrap_or_default()).map_err(
            |reason| match index {
                0 => Error::unable("expand the command", reason),
                _ => Error::unable(format_args!("expand argument {index}"), reason),
            },
        )
    });
    words.collect()
}
