//! Calls that sexton cannot do without, and that fail although the kernel gives them no reason to: a seccomp
//! filter may.

#![forbid(unsafe_code)]

use crate::sys::{Errno, process, reason};
use crate::values::error::Error;
use std::time::Duration;

/// A failure or two are no matter: the call is made again. If it does not work at all sexton would neither pass a
/// signal on nor ever end, so there is an end to trying, after half a second.
pub struct Retry {
    action: &'static str,
    /// Comes from without, as often as somebody likes.
    forgiven: Option<Errno>,
    failures: u32,
}

/// So often it is tried again at once.
const AT_ONCE: u32 = 10;
/// And so often in all.
const MOST: u32 = 60;
const PAUSE: Duration = Duration::from_millis(10);

impl Retry {
    /// rt_sigtimedwait(2)
    pub const FOR_SIGNALS: Retry =
        Retry { action: "wait for signals", forgiven: Some(Errno::EINTR), failures: 0 };
    /// wait4(2)
    pub const FOR_CHILDREN: Retry =
        Retry { action: "wait for children", forgiven: None, failures: 0 };

    /// What the call gave; `None` if it failed and is to be tried again, which takes a pause if that is not the
    /// first time.
    ///
    /// # Errors
    /// It has failed too often.
    pub fn try_again<T>(&mut self, result: Result<T, Errno>) -> Result<Option<T>, Error> {
        let errno = match result {
            Ok(value) => {
                self.failures = 0;
                return Ok(Some(value));
            }
            Err(errno) => errno,
        };
        self.failures = self.failures.saturating_add(1);
        if self.failures > MOST && Some(errno) != self.forgiven {
            return Err(Error::unable(self.action, reason(errno)));
        }
        if self.failures > AT_ONCE {
            process::sleep(PAUSE);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_works_is_given_up_and_what_works_again_is_not() {
        let mut patience = Retry::FOR_SIGNALS;
        for _ in 0..=AT_ONCE {
            assert_eq!(patience.try_again::<()>(Err(Errno::EPERM)), Ok(None));
        }
        assert_eq!(patience.try_again(Ok(5)), Ok(Some(5)));
        let failures = (0..).find(|_| patience.try_again::<()>(Err(Errno::ENOSYS)).is_err());
        assert_eq!(failures, Some(MOST));
    }

    #[test]
    fn interruptions_are_never_too_many() {
        let mut patience = Retry { failures: u32::MAX, ..Retry::FOR_SIGNALS };
        assert_eq!(patience.try_again::<()>(Err(Errno::EINTR)), Ok(None));
    }
}
