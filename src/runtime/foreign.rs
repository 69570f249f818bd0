//! Foreign processes: those of PID 1's namespace that are not its descendants, as `docker exec` starts them.
//!
//! Their end raises no SIGCHLD. Only when nothing else is left, PID 1 waits for signals and, by a pidfd, for the end of
//! one of them; nothing else wakes it up. Where there is no pidfd to wait for (before Linux 5.3, without /proc, or
//! while their own parents have not reaped them) it looks again and again, less and less often.
//!
//! In the initial namespace, that of the host or of a virtual machine, the kernel's threads are such processes too.
//! They never end, and PID 1 does not wait for them.

#![forbid(unsafe_code)]

use crate::kernel::processes;
use crate::kernel::tree::{self, Others};
use crate::supervisor::Time;
use crate::sys::watch::Watch;
use crate::sys::{Errno, process};
use std::time::Duration;

/// The first pause between two looks. Each pause is twice as long as the one before, so that noticing the end takes at
/// most as long again as the process has taken to end.
const FIRST: Duration = Duration::from_millis(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(1);

/// What PID 1 knows of them.
#[derive(Default)]
pub struct Foreign {
    wait: Wait,
    /// No pidfd could be opened or polled, because the kernel has none or a filter refuses them.
    is_blind: bool,
}

/// What PID 1 waits for.
#[derive(Default)]
enum Wait {
    /// Nothing: PID 1 has children, or no process is left.
    #[default]
    None,
    /// The end of one of them.
    End(Watch),
    /// The time of the next look.
    Pause { pause: Duration, until: Time },
}

impl Foreign {
    /// There are children, and their end raises SIGCHLD.
    pub fn stop_waiting(&mut self) {
        self.wait = Wait::None;
    }

    /// Whether a process of the namespace is left besides PID 1, which has no children, and threads of the kernel; the
    /// namespace is not empty. `command` is the ID that the command had.
    pub fn are_left(&mut self, command: i32, now: Time) -> bool {
        if matches!(self.wait, Wait::End(_)) {
            return true;
        }
        let Left::Some(living) = left(command) else {
            self.wait = Wait::None;
            return false;
        };
        if !living.is_some_and(|pid| self.watch(pid)) {
            self.pause(now);
        }
        true
    }

    /// Begins the next pause, if the last one is over.
    fn pause(&mut self, now: Time) {
        self.wait = match self.wait {
            Wait::Pause { pause, until } if until > now => Wait::Pause { pause, until },
            Wait::Pause { pause, .. } => after(pause.saturating_mul(2), now),
            Wait::None | Wait::End(_) => after(FIRST, now),
        };
    }

    /// Begins to wait for the end of this process; whether that is possible.
    fn watch(&mut self, pid: i32) -> bool {
        if self.is_blind {
            return false;
        }
        match Watch::of(pid) {
            Ok(watch) => self.wait = Wait::End(watch),
            Err(Errno::ESRCH) => return false,
            Err(_) => self.is_blind = true,
        }
        !self.is_blind
    }

    /// Whether anything is waited for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !matches!(self.wait, Wait::None)
    }

    /// When to look again, if nothing else shows the end.
    #[must_use]
    pub fn look_again_at(&self) -> Option<Time> {
        match self.wait {
            Wait::Pause { until, .. } => Some(until),
            Wait::None | Wait::End(_) => None,
        }
    }

    /// Whether the end of one is waited for, by [`Foreign::wait`].
    #[must_use]
    pub fn is_watching(&self) -> bool {
        matches!(self.wait, Wait::End(_))
    }

    /// Waits until a signal is pending, the watched process has ended, or the time is over; whether to look again.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        let Wait::End(watch) = &self.wait else { return false };
        let ended = match watch.wait(timeout) {
            Ok(ended) => ended,
            Err(Errno::EINTR) => false,
            Err(_) => {
                self.is_blind = true;
                true
            }
        };
        if ended {
            self.wait = Wait::None;
        }
        ended
    }
}

fn after(pause: Duration, now: Time) -> Wait {
    let pause = pause.min(LONGEST);
    Wait::Pause { pause, until: now.saturating_add(pause) }
}

/// Which processes are left.
enum Left {
    None,
    /// Some; and one of them that has not ended yet, if it can be seen.
    Some(Option<i32>),
}

/// `kill(-1, 0)` has found a process; which processes are those?
fn left(command: i32) -> Left {
    match tree::others() {
        Ok(Others::Living(pid)) => Left::Some(Some(pid)),
        Ok(Others::Kernel) => Left::None,
        Ok(Others::Unseen) if processes::is_in_initial_namespace() => Left::None,
        // Without /proc. Elsewhere the command, as the first process that is started, has one of the lowest numbers.
        Err(_) if command > process::LAST_OF_KERNEL && process::kernel_threads_are_here() => {
            Left::None
        }
        Ok(Others::Ended | Others::Unseen) | Err(_) => Left::Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        let mut foreign = Foreign::default();
        let mut now = Time::ZERO;
        let pauses = [(); 13].map(|()| {
            foreign.pause(now);
            let until = foreign.look_again_at().unwrap();
            foreign.pause(until - Duration::from_nanos(1)); // a signal has come
            assert_eq!(foreign.look_again_at(), Some(until));
            (until - std::mem::replace(&mut now, until)).as_millis()
        });
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000]);
        assert!(now < Duration::from_secs(5), "10 looks in the first second, then one a second");
    }
}
