//! Waiting for the next signal, so that no signal waits long for others, and a time in which sexton did not run is
//! seen.

#![forbid(unsafe_code)]

use super::reaper::Reaper;
use super::retry::Retry;
use crate::supervisor::Time;
use crate::sys::clock::Clock;
use crate::sys::signals;
use crate::values::error::Error;
use crate::values::signal::{Received, SignalSet};
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
    /// Waits for a signal of `accepted`, until that time or for ever; others stay pending.
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
        until: Option<Time>,
        clock: Clock,
        reaper: &mut Reaper,
    ) -> Result<Option<Received>, Error> {
        if self.in_a_row >= IN_A_ROW {
            let turns = self.turns.and(accepted);
            if let Some(received) = self.take(turns, Some(Duration::ZERO), reaper)? {
                self.turns = self.turns.without(received.signal);
                return Ok(Some(received));
            }
            self.begin_round();
        }
        let timeout = until.map(|at| at.saturating_sub(clock.now()).min(LONGEST_WAIT));
        if let Some(due) = &mut self.due {
            *due = due.saturating_add(timeout.unwrap_or_default());
        }
        let received = self.take(accepted, timeout, reaper)?;
        match received {
            Some(received) => {
                self.turns = self.turns.without(received.signal);
                self.in_a_row += 1;
            }
            None => self.begin_round(), // none is pending
        }
        Ok(received)
    }

    fn begin_round(&mut self) {
        self.turns = SignalSet::FULL;
        self.in_a_row = 0;
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
        let received = self.retry.try_again(signals::wait(accepted, timeout))?;
        if received.is_none() {
            reaper.sigchld_may_be_lost(); // the wait has failed, whatever for
        }
        Ok(received.flatten())
    }

    /// For how long sexton could not run, if it was long enough to matter.
    #[must_use]
    pub fn frozen(&self, clock: Clock) -> Option<Duration> {
        let due = self.due?;
        let late = clock.now().saturating_sub(due);
        (late >= FROZEN).then_some(late)
    }

    /// There is a deadline: from now on each wait should end in time.
    pub fn watch_clock(&mut self, now: Time) {
        self.due.get_or_insert(now);
    }

    /// A deadline or none is ahead, and all that was due before `now` is done.
    pub fn restart_clock(&mut self, has_deadline: bool, clock: Clock) {
        self.due = has_deadline.then(|| clock.now());
    }
}
