//! What sexton asks of the kernel for itself, and what it gives up: the same with a command and without.

#![forbid(unsafe_code)]

use crate::kernel::processes::{Name, is_shell};
use crate::plan::{Grouping, Plan, Subreaper};
use crate::sys::{credentials, fds, process, reason, scheduling, signals, socket};
use crate::values::capabilities::CapabilitySet;
use crate::values::environment::variable;
use crate::values::error::Error;
use crate::values::signal::Signal;
use log::{Level, debug, info, log_enabled, warn};
use std::os::fd::RawFd;

/// The parent's process ID, if sexton is to get a signal at its end. It is read before anything that takes time.
#[must_use]
pub fn watched_parent(plan: &Plan) -> Option<i32> {
    plan.parent_death_signal.map(|_| process::parent())
}

/// Asks for orphans, for SIGCHLD, and for what the plan wants when the parent ends. `parent` is what
/// [`watched_parent`] gave.
///
/// # Errors
/// The kernel refuses the signal for the parent's end, or SIGCHLD.
pub fn set_up(
    plan: &Plan,
    pid: i32,
    parent: Option<i32>,
    sigchld_ignored: bool,
) -> Result<(), Error> {
    if let (Some(signal), Some(parent)) = (plan.parent_death_signal, parent) {
        process::set_parent_death_signal(signal, parent).map_err(|errno| {
            Error::unable(format_args!("request {signal} when the parent ends"), reason(errno))
        })?;
    }
    if sigchld_ignored {
        // The kernel would reap all children itself, and send no SIGCHLD.
        signals::set_ignored(Signal::CHLD, false)
            .map_err(|errno| Error::unable("stop ignoring SIGCHLD", reason(errno)))?;
    }
    let adopts = adopt_orphans(plan.subreaper, pid);
    let warns = plan.warn_if_not_adopting && pid != process::INIT;
    if warns && !adopts && !process::is_subreaper() {
        warn!("neither PID 1 nor a child subreaper: orphans are not reaped");
    }
    Ok(())
}

/// Becomes a subreaper, if the mode asks for it; whether sexton has become one.
fn adopt_orphans(mode: Subreaper, pid: i32) -> bool {
    let adopt = match mode {
        Subreaper::Auto => pid != process::INIT,
        Subreaper::On => true,
        Subreaper::Off => false,
    };
    if !adopt {
        return false;
    }
    let result = process::become_subreaper();
    if let Err(errno) = result {
        debug!("not a subreaper: {}", reason(errno));
    }
    result.is_ok()
}

/// Logs that a shell is PID 1 in sexton's place, if it is: an entry point that is a string and no list.
#[inline(never)]
pub fn report_shell(pid: i32) {
    if !log_enabled!(Level::Info) || pid == process::INIT || process::parent() != process::INIT {
        return;
    }
    let name = Name::of(process::INIT);
    if is_shell(name.as_str()) {
        info!("PID 1 is a shell{name}: write ENTRYPOINT as a list, [\"/sexton\", ...]");
    }
}

/// Has systemd accept messages of the command, if the plan wants that: before the fork, so that systemd has read it
/// when the command's first message comes. The socket does not block, and is closed at once.
pub fn notify_access(plan: &Plan) {
    if !plan.notify_access {
        return;
    }
    let Some((_, name)) = variable(&plan.environment, b"NOTIFY_SOCKET") else {
        return info!("no notify access: NOTIFY_SOCKET is not set");
    };
    let sent = socket::local_datagram()
        .and_then(|socket| socket::send_to_local(&socket, b"NOTIFYACCESS=all", name));
    if let Err(errno) = sent {
        warn!("no notify access: unable to send to NOTIFY_SOCKET: {}", reason(errno));
    }
}

/// Opens the log's streams a second time, so that no line ever waits, if that takes a right that sexton is about to
/// give up, or to give away with a stream. `user` is sexton's effective user ID.
pub fn secure_log(plan: &Plan, user: u32) {
    let attributes = &plan.attributes;
    // The command's session may get the terminal, which sexton can then no longer open.
    let certain = attributes.changes_capabilities() || attributes.grouping == Grouping::Session;
    crate::log::secure(user, certain);
}

/// Keeps no file, socket or mount busy: leaves the working directory, and closes all descriptors but those of `keep`,
/// the log's, and the standard streams, which others find in `/proc/1/fd`.
pub fn release_inherited(keep: &[RawFd]) {
    fds::close_inherited(keep.iter().copied().chain(crate::log::own_descriptors()));
    process::leave_directory();
}

/// Keeps sexton from the kernel's OOM killer, if the plan wants that: after the fork, so that the command has the value
/// that it would have without, and before sexton gives up the capability that this takes.
pub fn protect(plan: &Plan) {
    const NEVER: i32 = -1000;
    if plan.protect
        && let Err(errno) = scheduling::set_oom_score_adj(NEVER)
    {
        let why = reason(errno);
        info!(
            "not protected: unable to set sexton's oom_score_adj to {NEVER}: {why} (needs CAP_SYS_RESOURCE)"
        );
    }
}

/// Gives up all capabilities but these.
pub fn keep_capabilities(set: CapabilitySet) {
    if let Err(errno) = credentials::keep_only(set) {
        debug!("unable to give up capabilities: {}", reason(errno));
    }
}
