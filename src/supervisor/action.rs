//! What the supervisor asks the runtime to do.

#![forbid(unsafe_code)]

use crate::plan::Target;
use crate::values::outcome::Outcome;
use crate::values::signal::{Received, Signal};

/// What to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send a signal, with the value that it carried when it was received.
    Send {
        /// What to send; the origin is that of the signal that caused it.
        signal: Received,
        /// Whom to.
        to: Target,
        /// Send SIGCONT after it, without which a stopped process could not act on it.
        and_continue: bool,
    },
    /// Send SIGHUP and SIGCONT, as a terminal that goes away does, to the session leaders and foreground process groups
    /// of the tree that have a terminal: interactive shells ignore SIGTERM.
    HangUp,
    /// Look whether everything that is left of the tree ignores SIGTERM; if so, `Event::RestIgnoresTerm` is next.
    Look,
    /// Send SIGKILL to the whole tree.
    Kill(Cause),
    /// Stop sexton too, as the job that the command is part of. Where nobody could continue it, nothing happens,
    /// and `Event::NotSuspended` is next.
    Suspend(Signal),
    /// Stop sexton, until it is continued.
    Stop,
    /// Give the command the terminal, if sexton has it or nobody, and send its group SIGCONT.
    Continue,
    /// Send SIGCONT. If sexton is a job of a shell, it was the job that was continued: the command gets the
    /// terminal if the job has it, and its whole group the signal.
    Resume {
        /// SIGCONT as it came.
        signal: Received,
        /// Whom to, if it is not for a job.
        to: Target,
    },
    /// Record that this signal has asked for a stop. It comes after the signal was forwarded, because to find the
    /// sender's name takes time.
    RecordStop(Received),
    /// Exit.
    Exit {
        /// How the command ended; `None` if it did not, although it was sent SIGKILL.
        outcome: Option<Outcome>,
        /// Some of the tree could not be killed in time.
        survivors: bool,
    },
}

/// Why the tree is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The command outlasted the grace.
    Grace,
    /// Others outlasted the linger time or what was left of the grace.
    Linger,
    /// Some outlasted the first SIGKILL.
    Again,
}

/// The actions for one event, in order.
#[must_use]
#[derive(Clone, Copy, Default, Debug)]
pub struct Actions {
    items: [Option<Action>; Actions::CAPACITY],
    length: usize,
}

impl Actions {
    /// More than any event causes; the exhaustive test would show one that is lost.
    const CAPACITY: usize = 8;

    pub(super) fn push(&mut self, action: Action) {
        debug_assert!(self.length < Actions::CAPACITY);
        if let Some(slot) = self.items.get_mut(self.length) {
            *slot = Some(action);
            self.length += 1;
        }
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Action>, { Actions::CAPACITY }>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter().flatten()
    }
}
