//! What sexton asks the kernel about and for itself.

use super::Errno;
use crate::signal::Signal;
use nix::libc;
use nix::unistd;
use std::time::Duration;

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

/// Ends this process at once, without what exit(3) would do first.
pub(super) fn exit_now(status: i32) -> ! {
    // SAFETY: takes an integer, and never returns.
    unsafe { libc::_exit(status) }
}

/// Whether this process leads a session.
#[must_use]
pub fn leads_session() -> bool {
    unistd::getsid(None) == Ok(unistd::getpid())
}

/// Whether this process leads its process group.
#[must_use]
pub fn leads_group() -> bool {
    unistd::getpgrp() == unistd::getpid()
}

/// The first ancestor outside of this process's group, if it is of the same session: the shell that
/// this group is a job of, and that can continue it. Without /proc only the parent is looked at.
#[must_use]
pub fn job_control_shell() -> Option<i32> {
    const MOST: usize = 32;
    let (group, session) = (unistd::getpgrp(), unistd::getsid(None).ok()?);
    let mut ancestor = unistd::getppid();
    for _ in 0..MOST {
        // 0 is outside of the PID namespace, and for the calls it would be this process.
        if ancestor.as_raw() == 0 || unistd::getsid(Some(ancestor)) != Ok(session) {
            return None;
        }
        if unistd::getpgid(Some(ancestor)) != Ok(group) {
            return Some(ancestor.as_raw());
        }
        let stat = super::proc::is_own().then(|| super::proc::stat(ancestor.as_raw()));
        ancestor = unistd::Pid::from_raw(stat??.parent);
    }
    None
}

/// Gives back the memory that the way to here has used of the stack: the caller runs for long, and deeper than
/// that it comes seldom again.
///
/// Never inlined: its own variable must lie below all that its callers have on the stack.
#[inline(never)]
pub fn release_stack() {
    const MOST: usize = 256 << 10;
    let here = 0u8;
    // SAFETY: takes an integer.
    let page = unsafe { libc::getauxval(libc::AT_PAGESZ) } as usize;
    // What this call uses stays, and so does what is not of the stack: below that is a gap.
    let end = (&raw const here).wrapping_sub(1024).map_addr(|address| address & !(page - 1));
    // SAFETY: nobody uses what is below the stack's end. What is not mapped there is left out.
    unsafe { libc::madvise(end.wrapping_sub(MOST).cast_mut().cast(), MOST, libc::MADV_DONTNEED) };
}

/// Leaves the working directory, so that its file system can be unmounted.
pub fn leave_directory() {
    // It cannot fail unless the root itself is unreadable; then there is nothing to keep busy.
    unistd::chdir(c"/").ok();
}

/// Does nothing for so long.
pub fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// The host's name, `-` if it has none.
#[must_use]
pub fn host_name() -> String {
    let name = nix::sys::utsname::uname().ok();
    let name = name.map(|name| name.nodename().to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() { "-".to_owned() } else { name }
}
