//! Waiting for the end of a process that is no child, and for signals, at once (pidfd_open(2), signalfd(2), poll(2)).

use super::{Errno, fds, send};
use crate::values::signal::SignalSet;
use nix::libc;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// A process whose end is waited for, and all signals, which must be blocked. They are not taken here: one that is
/// pending stays so.
pub struct Watch {
    process: OwnedFd,
    signals: OwnedFd,
}

impl Watch {
    /// Of this process.
    ///
    /// # Errors
    /// ESRCH: there is no such process; ENOSYS before Linux 5.3; EMFILE, ENFILE; what a seccomp filter gives.
    pub fn of(pid: i32) -> Result<Watch, Errno> {
        let process = fds::above_stdio(send::pidfd_open(pid)?)?;
        let mask = SignalSet::FULL.bits();
        // SAFETY: reads a live 64-bit set, the size that is given.
        let signals = Errno::result(unsafe {
            libc::syscall(
                libc::SYS_signalfd4,
                -1,
                ptr::from_ref(&mask),
                size_of_val(&mask),
                libc::SFD_CLOEXEC,
            )
        })?;
        // SAFETY: the descriptor is new, so nothing else owns it.
        let signals = unsafe { OwnedFd::from_raw_fd(signals as RawFd) };
        Ok(Watch { process, signals: fds::above_stdio(signals)? })
    }

    /// Waits until it has ended, which is the result, until a signal is pending, or for up to `timeout` (`None`: for
    /// ever).
    ///
    /// # Errors
    /// EINTR: the wait was broken off; what a seccomp filter gives.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, Errno> {
        let entry =
            |fd: &OwnedFd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let mut entries = [entry(&self.process), entry(&self.signals)];
        // Whole milliseconds, rounded up: a deadline must have passed afterwards.
        let timeout = timeout.map_or(-1, |timeout| {
            let rest = u64::from(timeout.subsec_nanos().div_ceil(1_000_000));
            let whole = timeout.as_secs().saturating_mul(1000).saturating_add(rest);
            i32::try_from(whole).unwrap_or(i32::MAX)
        });
        // SAFETY: two live entries.
        Errno::result(unsafe { libc::poll(entries.as_mut_ptr(), 2, timeout) })?;
        let [process, _] = entries;
        Ok(process.revents != 0)
    }
}
