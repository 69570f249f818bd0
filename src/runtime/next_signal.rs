//! Waiting for the next signal, so that no signal waits long for others, and a time in which sexton did not run is
//! seen.

#![forbid(unsafe_code)]

use super::reaper::Reaper;
use super::retry::Retry;
use crate::supervisor::Time;
use crate::sys::{Errno, signals};
use crate::values::error::Error;
use crate::values::signal::{Received, Signal, SignalSet};
use std::time::Duration;

/// How many signals the kernel chooses, lowest number first, before the others have their turn: few, so that none
/// waits long; and more than one, because it takes a call to learn that no other is pending.
const IN_A_ROW: u32 = 8;

/// No wait with a deadline takes longer, so that a time in which sexton did not run shows.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// If a wait returns so much later than it should, sexton could not run: the container was frozen, or the machine
/// suspended.
const FROZEN: Duration = Duration::from_secs(1);

/// The order in which pending signals are taken.
pub struct NextSignal {
    /// Signals that have not had their turn in this round.
    turns: SignalSet,
    /// How many signals the kernel has chosen in this round.
    in_a_row: u32,
    /// When sexton should be at work again at the latest; `None` if there is no deadline.
    due: Option<Time>,
    retry: Retry,
}

impl Default for NextSignal {
    fn default() -> NextSignal {
        NextSignal { turns: SignalSet::FULL, in_a_row: 0, due: None, retry: Retry::FOR_SIGNALS }
    }
}

impl NextSignal {
    /// Waits for a signal of `accepted`, for that time or for ever; others stay pending.
    ///
    /// The kernel hands out the lowest number first, so that a storm of one signal could hide all
    /// higher ones, SIGTERM and SIGCHLD among them. Hence, after [`IN_A_ROW`] signals, a round: each other
    /// number that is pending has its turn.
    ///
    /// # Errors
    /// Signals cannot be waited for at all.
    pub fn wait(
        &mut self,
        accepted: SignalSet,
        timeout: Option<Duration>,
        reaper: &mut Reaper,
    ) -> Result<Option<Received>, Error> {
        let timeout = timeout.map(|timeout| timeout.min(LONGEST_WAIT));
        loop {
            let is_round = self.in_a_row >= IN_A_ROW;
            let received = if is_round {
                self.take(self.turns.and(accepted), Some(Duration::ZERO), reaper)?
            } else {
                if let Some(due) = &mut self.due {
                    *due = due.saturating_add(timeout.unwrap_or_default());
                }
                self.take(accepted, timeout, reaper)?
            };
            if let Some(received) = received {
                self.had_turn(received.signal);
                return Ok(Some(received));
            }
            // None is pending: the next round begins.
            self.turns = SignalSet::FULL;
            self.in_a_row = 0;
            if !is_round {
                return Ok(None);
            }
        }
    }

    /// The same for any signal and for ever, where there is nothing else to wait for. This is the short way.
    ///
    /// # Errors
    /// As above.
    #[inline(always)]
    pub fn wait_for_any(&mut self, reaper: &mut Reaper) -> Result<Option<Received>, Error> {
        if self.in_a_row >= IN_A_ROW {
            return self.wait(SignalSet::FULL, None, reaper);
        }
        let result = signals::wait(SignalSet::FULL, None);
        if let Ok(Some(received)) = &result {
            self.had_turn(received.signal);
        }
        self.again_if_failed(result, reaper)
    }

    #[inline(always)]
    fn had_turn(&mut self, signal: Signal) {
        self.turns = self.turns.without(signal);
        self.in_a_row += 1;
    }

    /// Signals and the end of a foreign process are waited for together; then the signal that is pending, if any, is
    /// taken.
    fn take(
        &mut self,
        accepted: SignalSet,
        mut timeout: Option<Duration>,
        reaper: &mut Reaper,
    ) -> Result<Option<Received>, Error> {
        if reaper.watches_foreign() && timeout != Some(Duration::ZERO) {
            reaper.wait_for_foreign(timeout);
            timeout = Some(Duration::ZERO);
        }
        self.again_if_failed(signals::wait(accepted, timeout), reaper)
    }

    /// What was received, or nothing if the wait has failed and is to be repeated.
    #[inline(always)]
    fn again_if_failed(
        &mut self,
        result: Result<Option<Received>, Errno>,
        reaper: &mut Reaper,
    ) -> Result<Option<Received>, Error> {
        match result {
            Ok(received) => {
                self.retry.succeeded();
                Ok(received)
            }
            Err(errno) => {
                reaper.sigchld_may_be_lost(); // whatever the failure was for
                self.retry.failed(errno).map(|()| None)
            }
        }
    }

    /// For how long sexton could not run, if it was long enough to matter.
    #[must_use]
    pub fn frozen(&self, now: Time) -> Option<Duration> {
        let late = now.saturating_sub(self.due?);
        (late >= FROZEN).then_some(late)
    }

    /// Whether there was a deadline lately.
    #[must_use]
    pub fn watches_clock(&self) -> bool {
        self.due.is_some()
    }

    /// There is a deadline: from now on each wait should end in time.
    pub fn watch_clock(&mut self, now: Time) {
        self.due.get_or_insert(now);
    }

    /// A deadline or none is ahead, and all that was due before `now` is done.
    pub fn restart_clock(&mut self, has_deadline: bool, now: Time) {
        self.due = has_deadline.then_some(now);
    }
}
