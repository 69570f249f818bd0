//! Privileges: sexton keeps those that it needs to signal its tree, and gives up all others.

#![forbid(unsafe_code)]

use super::self_setup;
use crate::child::inherited::Inherited;
use crate::child::prepare::Launch;
use crate::sys::{self, credentials, process};
use crate::values::capabilities::CapabilitySet;
use ::log::debug;

/// Sees to it that sexton may signal a command that has another user.
pub fn share_user(launch: &Launch) {
    let Inherited { uid: own, .. } = launch.inherited;
    if let Some(user) = launch.user()
        && user != own
        && credentials::effective().is_ok_and(|held| held.and(CapabilitySet::KILL).is_empty())
    {
        // Containers are often left CAP_SETUID and not CAP_KILL. With the command's user as its real user, sexton
        // may signal the command as well as its own user's processes.
        if let Err(errno) = credentials::set_real_uid(user) {
            // Then the command cannot become that user either, and reports it.
            debug!("unable to set the real user ID to {user}: {}", sys::reason(errno));
        }
    }
}

/// Keeps only the capabilities that are needed to signal the tree: the command and others may be other
/// users' processes, and a subreaper has to find them even in a /proc that hides them. `pid` is sexton's own.
pub fn give_up(pid: i32) {
    let find = if pid == process::INIT { CapabilitySet::EMPTY } else { CapabilitySet::SYS_PTRACE };
    self_setup::keep_capabilities(CapabilitySet::KILL.or(find));
}
