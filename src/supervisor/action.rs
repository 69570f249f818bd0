//! What the supervisor asks the runtime to do.

#![forbid(unsafe_code)]

use crate::plan::Target;
use crate::values::outcome::{EndedBy, Outcome};
use crate::values::signal::{Received, Signal};

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send a signal, with the value that it carried when it was received.
    Send {
        /// What to send; the origin is that of the signal that caused it.
        signal: Received,
        /// The processes to send it to.
        to: Target,
        /// Send SIGCONT after it, without which a stopped process could not act on it.
        and_continue: bool,
    },
    /// Send SIGHUP and SIGCONT, as the kernel does when a terminal goes away, to the session leaders and foreground
    /// process groups of the tree that have a terminal: interactive shells ignore SIGTERM.
    HangUp,
    /// Look whether everything that is left of the tree ignores SIGTERM; if so, `Event::RestIgnoresTerm` is next.
    Look,
    /// Find out which processes have not ended, and why, without delaying anything else.
    FindUnstopped(Search),
    /// Send SIGKILL to the whole tree.
    Kill(Cause),
    /// Stop sexton too, because the command and sexton are one job. Where no shell could continue it, nothing happens,
    /// and `Event::NotSuspended` is next.
    Suspend(Signal),
    /// Stop sexton, until it is continued.
    Stop,
    /// Lend the command the terminal, if sexton's group has it or none has, and send its group SIGCONT.
    Continue,
    /// Send SIGCONT. If sexton is a job of a shell, the shell has continued the job: the command's whole group gets the
    /// signal, and the terminal as well if sexton's group has it.
    Resume {
        /// SIGCONT as it came.
        signal: Received,
        /// The processes to send it to, unless sexton is a job.
        to: Target,
    },
    /// Record that this signal has asked for a stop. This follows the forwarding, because finding the sender's name
    /// takes time.
    RecordStop(Received),
    /// Log and record that the time-out has begun a stop.
    TimedOut,
    /// Exit.
    Exit {
        /// How the command ended; `None` if it has not ended after SIGKILL.
        outcome: Option<Outcome>,
        /// What made it end.
        by: EndedBy,
        /// Some of the tree could not be killed in time.
        survivors: bool,
    },
}

impl Action {
    /// What is done, for the trace log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Action::Send { .. } => "send a signal",
            Action::HangUp => "hang up terminals",
            Action::Look => "look whether all that is left ignores SIGTERM",
            Action::FindUnstopped(_) => "search for processes that have not ended",
            Action::Kill(_) => "kill every process",
            Action::Suspend(_) => "suspend sexton",
            Action::Stop => "stop sexton",
            Action::Continue => "continue the command",
            Action::Resume { .. } => "resume the command",
            Action::RecordStop(_) => "record the stop",
            Action::TimedOut => "record the time-out",
            Action::Exit { .. } => "exit",
        }
    }
}

/// A search for processes that have not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Search {
    /// The signal that was to end them.
    pub signal: Signal,
    /// The processes that it was sent to.
    pub to: Target,
    /// How long ago the stop began, in milliseconds.
    pub after: u64,
    /// SIGKILL is about to follow: the answer is logged after it.
    pub before_kill: bool,
}

/// Why the tree is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The command has not ended within the grace period.
    Grace,
    /// Others have not ended within the linger time, or what was left of the grace period.
    Linger,
    /// Some have not ended after the first SIGKILL.
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
    /// The action in this place, from 0 on.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<Action> {
        self.items.get(place).copied().flatten()
    }

    /// More than any event causes; the exhaustive test would show one that is lost.
    const CAPACITY: usize = 8;

    #[inline(never)]
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
