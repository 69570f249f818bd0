//! What sexton asks the kernel about and for itself.

use super::Errno;
use nix::unistd;
use std::time::{Duration, Instant};

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

/// Leaves the working directory, so that its file system can be unmounted.
pub fn leave_directory() {
    // It cannot fail unless the root itself is unreadable; then there is nothing to keep busy.
    unistd::chdir(c"/").ok();
}

/// A monotonic clock that starts at zero.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts it.
    #[must_use]
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    /// How long it has been running.
    #[must_use]
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}
