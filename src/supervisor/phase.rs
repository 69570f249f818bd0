//! The phases of a run, as the supervisor and as the report have them.

#![forbid(unsafe_code)]

use crate::values::signal::{Received, Signal};
use std::time::Duration;

/// A point in time: how long after the start of sexton, on a monotonic clock.
pub type Time = Duration;

/// A signal that is forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Forward {
    pub received: Received,
    /// The signal that is sent in its place, by the rewrite table, or the same.
    pub sent_as: Signal,
}

impl Forward {
    /// The signal to send, with the origin and the value of the one that was received.
    pub fn sent(self) -> Received {
        Received { signal: self.sent_as, ..self.received }
    }
}

/// The phases of a run; `mod.rs` has a drawing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Running,
    /// The first stop signal is held back.
    Draining {
        held: Forward,
        until: Time,
    },
    /// The stop signal was forwarded.
    Stopping {
        stop: Forward,
        /// Index and time of the next escalation step.
        step: usize,
        step_at: Option<Time>,
        kill_at: Option<Time>,
        /// The whole tree has had the stop signal, not only the command.
        tree_signalled: bool,
    },
    /// The command has ended, and the rest was sent SIGTERM.
    Lingering {
        kill_at: Option<Time>,
        /// When to look whether all that is left ignores SIGTERM.
        look_at: Option<Time>,
    },
    /// Everything was sent SIGKILL.
    Killing {
        since: Time,
        again_at: Time,
        give_up_at: Time,
    },
    Over,
}

/// A phase as it is logged and reported; each takes some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stage {
    /// The command runs.
    #[default]
    Run,
    /// The stop signal is held back.
    Drain,
    /// The stop signal was sent.
    Stop,
    /// The command has ended, and the rest is to end by itself.
    WaitAll,
    /// The command has ended, and the rest was sent SIGTERM.
    Linger,
    /// All were sent SIGKILL.
    Kill,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Stage; 6] =
        [Stage::Run, Stage::Drain, Stage::Stop, Stage::WaitAll, Stage::Linger, Stage::Kill];

    /// In lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Run => "run",
            Stage::Drain => "drain",
            Stage::Stop => "stop",
            Stage::WaitAll => "wait-all",
            Stage::Linger => "linger",
            Stage::Kill => "kill",
        }
    }
}
