//! What sexton asks the kernel about and for itself.

use super::Errno;
use crate::signal::Signal;
use nix::libc;
use nix::unistd;

/// PID 1 of its namespace.
pub const INIT: i32 = 1;

/// The process ID.
#[must_use]
pub fn id() -> i32 {
    unistd::getpid().as_raw()
}

/// Asks for the orphans of all descendants (PR_SET_CHILD_SUBREAPER, Linux 3.4).
///
/// # Errors
/// EINVAL on kernels that do not know it.
pub fn become_subreaper() -> Result<(), Errno> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// Asks for a signal when the parent ends (PR_SET_PDEATHSIG, prctl(2)); at once, if that has ended since
/// `parent` was its process ID.
///
/// # Errors
/// None that prctl(2) lists apply.
pub fn set_parent_death_signal(signal: Signal, parent: i32) -> Result<(), Errno> {
    const ZERO: libc::c_ulong = 0;
    let number = signal.number() as libc::c_ulong;
    // SAFETY: takes integers only. `nix` has no realtime signals.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, number, ZERO, ZERO, ZERO) })?;
    if self::parent() != parent {
        super::send::to_process(id(), crate::signal::Received::own(signal))?;
    }
    Ok(())
}

/// The parent's process ID; 0 if it is outside of the PID namespace.
#[must_use]
pub fn parent() -> i32 {
    unistd::getppid().as_raw()
}

/// Leaves the working directory, so that its file system can be unmounted.
pub fn leave_directory() {
    // It cannot fail unless the root itself is unreadable; then there is nothing to keep busy.
    unistd::chdir(c"/").ok();
}

/// The host's name, `-` if it has none.
#[must_use]
pub fn host_name() -> String {
    let name = nix::sys::utsname::uname().ok();
    let name = name.map(|name| name.nodename().to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() { "-".to_owned() } else { name }
}
