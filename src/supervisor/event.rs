//! What the runtime reports to the supervisor.

#![forbid(unsafe_code)]

use crate::values::outcome::Outcome;
use crate::values::signal::{Received, Signal};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A signal other than SIGCHLD arrived.
    Signal(Received),
    /// The command was stopped, and its terminal may be the reason.
    CommandStopped {
        /// The signal that stopped it.
        signal: Signal,
        /// sexton's own group has the terminal.
        terminal_is_here: bool,
    },
    /// An `Action::Suspend` did nothing: no shell could continue sexton.
    NotSuspended(Signal),
    /// The command has ended and is not reaped yet: its process group is still its own.
    CommandEnding,
    /// The command was reaped.
    CommandEnded(Outcome),
    /// All children were looked at, and those that had ended were reaped. Follows every [`Event::CommandEnded`]; may be
    /// left out while `Supervisor::heeds_reaped_all` is false.
    ReapedAll {
        /// Nothing is left besides sexton.
        tree_empty: bool,
        /// Some process has ended since the last event of this kind.
        progress: bool,
    },
    /// The answer to `Action::Look`: everything that is left of the tree ignores SIGTERM.
    RestIgnoresTerm,
    /// sexton did not run for some time (the container was frozen, the machine suspended), which the clock does not
    /// count.
    Thawed,
    /// Time has passed.
    Tick,
}
