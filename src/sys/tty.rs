//! The controlling terminal and its foreground process group (tcsetpgrp(3)).

use super::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpgrp, read, tcgetpgrp, tcsetpgrp};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

fn open_terminal() -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    open(c"/dev/tty", flags, Mode::empty())
}

/// Runs `action` on the controlling terminal, if there is one: what `/dev/tty` is, or, where that
/// does not exist, whichever of descriptors 0 to 2 it is.
fn with_terminal<T>(action: impl FnOnce(BorrowedFd) -> T) -> Option<T> {
    if let Ok(terminal) = open_terminal() {
        return Some(action(terminal.as_fd()));
    }
    for fd in 0..=super::fds::STDERR {
        // SAFETY: a descriptor number that may be closed, which the calls report; it is not kept.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        if tcgetpgrp(fd).is_ok() {
            return Some(action(fd));
        }
    }
    None
}

/// Whether there is a controlling terminal and this process's group is its foreground group.
#[must_use]
pub fn in_foreground() -> bool {
    with_terminal(|terminal| match tcgetpgrp(terminal) {
        Ok(group) if group.as_raw() == 0 && own_group() == 0 => may_read(),
        Ok(group) => group == getpgrp(),
        Err(_) => false,
    })
    .unwrap_or(false)
}

/// Tells the foreground where both groups are outside of the PID namespace, and so have no number
/// but 0: for a background group that blocks SIGTTIN a read fails with EIO, even one of no bytes.
fn may_read() -> bool {
    open_terminal().is_ok_and(|terminal| read(&terminal, &mut []) != Err(Errno::EIO))
}

/// Whether there is a controlling terminal.
#[must_use]
pub fn is_controlled() -> bool {
    with_terminal(|terminal| tcgetpgrp(terminal).is_ok()).unwrap_or(false)
}

/// Makes a process group the foreground group. SIGTTOU must be blocked or ignored.
///
/// # Errors
/// ENOTTY without a controlling terminal; EPERM for a group of another session.
pub fn set_foreground(group: i32) -> Result<(), Errno> {
    with_terminal(|terminal| tcsetpgrp(terminal, Pid::from_raw(group)))
        .unwrap_or(Err(Errno::ENOTTY))
}

/// Makes `to` the foreground group if `from` is.
pub fn pass_foreground(from: i32, to: i32) {
    let present = with_terminal(|terminal| tcgetpgrp(terminal).map_or(-1, Pid::as_raw));
    if present == Some(from) {
        set_foreground(to).ok();
    }
}

/// This process's group; 0 if it is outside of the PID namespace.
#[must_use]
pub fn own_group() -> i32 {
    getpgrp().as_raw()
}
