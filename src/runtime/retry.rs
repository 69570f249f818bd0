//! Calls that sexton cannot do without. The kernel never makes them fail, but a seccomp filter may.

#![forbid(unsafe_code)]

use crate::sys::{Errno, process, reason};
use crate::values::error::Error;
use std::time::Duration;

/// After a failure the call is made again. If it never works, sexton could neither forward a signal nor end: so it
/// gives up after half a second.
pub struct Retry {
    action: &'static str,
    /// The error that any process can cause at any time, and that is never too many.
    forgiven: Option<Errno>,
    failures: u32,
}

/// How often the call is made again without a pause.
const AT_ONCE: u32 = 10;
/// How often it is made again in all.
const MOST: u32 = 60;
const PAUSE: Duration = Duration::from_millis(10);

impl Retry {
    /// rt_sigtimedwait(2)
    pub const FOR_SIGNALS: Retry =
        Retry { action: "wait for signals", forgiven: Some(Errno::EINTR), failures: 0 };
    /// wait4(2)
    pub const FOR_CHILDREN: Retry =
        Retry { action: "wait for children", forgiven: None, failures: 0 };

    /// The call has worked.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The call has failed and is to be made again. After several failures this takes a pause.
    ///
    /// # Errors
    /// The call has failed too often.
    #[inline(never)]
    pub fn failed(&mut self, errno: Errno) -> Result<(), Error> {
        self.failures = self.failures.saturating_add(1);
        if self.failures > MOST && Some(errno) != self.forgiven {
            return Err(Error::unable(self.action, reason(errno)));
        }
        if self.failures > AT_ONCE {
            process::sleep(PAUSE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_never_works_is_given_up_and_a_success_starts_the_count_anew() {
        let mut retry = Retry::FOR_SIGNALS;
        for _ in 0..=AT_ONCE {
            assert_eq!(retry.failed(Errno::EPERM), Ok(()));
        }
        retry.succeeded();
        let failures = (0..).find(|_| retry.failed(Errno::ENOSYS).is_err());
        assert_eq!(failures, Some(MOST));
    }

    #[test]
    fn no_number_of_interruptions_is_too_many() {
        let mut retry = Retry { failures: u32::MAX, ..Retry::FOR_SIGNALS };
        assert_eq!(retry.failed(Errno::EINTR), Ok(()));
    }
}
