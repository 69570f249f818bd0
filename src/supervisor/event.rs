//! What the runtime tells the supervisor.

#![forbid(unsafe_code)]

use crate::values::outcome::Outcome;
use crate::values::signal::{Received, Signal};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A signal other than SIGCHLD arrived.
    Signal(Received),
    /// The command was stopped, and there is a terminal that may have done it.
    CommandStopped {
        /// By which signal.
        signal: Signal,
        /// sexton's own group has the terminal.
        terminal_is_here: bool,
    },
    /// An `Action::Suspend` did nothing: nobody could continue sexton.
    NotSuspended(Signal),
    /// The command has ended and is not reaped yet: its process group is still its own.
    CommandEnding,
    /// The command was reaped.
    CommandEnded(Outcome),
    /// Everything that could be reaped was. Follows every [`Event::CommandEnded`]; may be left out as long as it
    /// is not heeded (`Supervisor::heeds_reaped_all`).
    ReapedAll {
        /// Nothing is left besides sexton.
        tree_empty: bool,
        /// Some process has ended since the last sweep.
        progress: bool,
    },
    /// The answer to `Action::Look`: everything that is left of the tree ignores SIGTERM.
    RestIgnoresTerm,
    /// sexton did not run for a while (the container was frozen, the machine suspended). The clock does not count that
    /// time.
    Thawed,
    /// Time has passed.
    Tick,
}
