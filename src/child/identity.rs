//! The user and the groups that the command is to have, looked up in the files of sexton's own root directory.

#![forbid(unsafe_code)]

use crate::plan::{Attributes, Given};
use crate::sys::{Errno, files, itself, reason};
use crate::values::error::Error;
use crate::values::error::Reason;
use crate::values::user::{File, Files, Identity, Less};
use std::ffi::CStr;

/// The IDs that the command is to have, as far as they are to change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// The user, if it is to be changed.
    pub user: Option<Identity>,
    /// The supplementary groups, if they are to be changed.
    pub groups: Option<Vec<u32>>,
}

/// Looks up the user and the groups that the attributes name.
///
/// # Errors
/// There is none of that name, or the file that would have it cannot be read. sexton is to change less than a login
/// does, and has its rights by its file's mode.
#[inline(never)]
pub fn look_up(attributes: &Attributes) -> Result<Credentials, Error> {
    let Attributes { user, groups, .. } = attributes;
    if user.is_none() && groups.is_none() {
        return Ok(Credentials::default());
    }
    let (passwd, group) = (read(c"/etc/passwd"), read(c"/etc/group"));
    let files = Files { passwd: file(&passwd), group: file(&group) };
    let less = attributes.changes_less.map(|less| self::less(less.group_apart)).transpose()?;
    let user =
        user.as_ref().map(|user| refused(user, user.value.resolve(files, less))).transpose()?;
    let groups =
        groups.as_ref().map(|groups| refused(groups, groups.value.resolve(files))).transpose()?;
    let groups = groups.or_else(|| user.as_ref().map(|user| user.groups.clone()));
    Ok(Credentials { user, groups })
}

/// A change of user that changes less than a login does. A file with the bit set-user-ID would make everybody root.
fn less(group_apart: bool) -> Result<Less, Error> {
    let [[uid, effective_uid], [gid, effective_gid]] = itself::ids();
    if (uid, gid) == (effective_uid, effective_gid) {
        return Ok(Less { uid, gid, group_apart });
    }
    Err(Error::usage("sexton is set-user-ID or set-group-ID: anyone could change the user"))
}

type Contents = Result<Option<Vec<u8>>, String>;

fn read(path: &CStr) -> Contents {
    files::contents(path).map_err(|errno| match errno {
        Errno::EINVAL => "it is not a regular file".to_owned(),
        errno => reason(errno).to_string(),
    })
}

fn file(contents: &Contents) -> File<'_> {
    match contents {
        Ok(Some(text)) => File::Text(text),
        Ok(None) => File::Missing,
        Err(why) => File::Unreadable(why),
    }
}

/// Names the flag or variable whose value could not be resolved.
fn refused<T, R>(given: &Given<T>, result: Result<R, Reason>) -> Result<R, Error> {
    result.map_err(|reason| Error::invalid(given.text.as_bytes(), &given.by, reason))
}
