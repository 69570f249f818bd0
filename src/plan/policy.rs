//! What the supervisor does about signals and about the end of the command.

#![forbid(unsafe_code)]

use crate::values::duration::Shown;
use crate::values::rewrite::Rewrites;
use crate::values::signal::{Signal, SignalSet};
use std::time::Duration;

/// What the supervisor does about signals and ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// The processes that a signal is forwarded to.
    pub forward_to: Target,
    /// Signals that are forwarded as others, or not at all.
    pub rewrites: Rewrites,
    /// Signals that begin a stop.
    pub stop_signals: SignalSet,
    /// A limit on the run, counted from sexton's start, after which a stop begins by itself; `None` is none.
    pub timeout: Option<Duration>,
    /// How long the first stop signal is held back.
    pub drain: Duration,
    /// The grace period: the time from the stop signal to SIGKILL for the whole tree; `None` is for ever.
    pub grace: Option<Duration>,
    /// When a stop is slow, so that the processes that have not ended are logged; zero is never, `None` the default.
    pub slow_stop_after: Option<Duration>,
    /// Further signals within the grace period.
    pub escalation: Vec<EscalationStep>,
    /// The time for the processes that the command leaves behind.
    pub linger: Linger,
    /// Wait until these processes have ended by themselves, instead of ending them.
    pub wait_all: bool,
    /// Send SIGCONT after a signal that is to end a process, so that a stopped process acts on it.
    pub and_continue: bool,
    /// Forward a SIGTERM, rewritten like a received one, when the command has ended and before it is reaped.
    pub signal_at_end: bool,
    /// Signals that stop sexton too, once they are forwarded.
    pub suspend_at: SignalSet,
    /// The command is in sexton's process group, so the signals of the terminal's keys reach it without sexton.
    pub command_gets_keys: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            forward_to: Target::Command,
            rewrites: Rewrites::default(),
            stop_signals: SignalSet::EMPTY.with(Signal::TERM),
            timeout: None,
            drain: Duration::ZERO,
            grace: Some(Duration::from_secs(30)),
            slow_stop_after: None,
            escalation: Vec::new(),
            linger: Linger::Default,
            wait_all: false,
            and_continue: true,
            signal_at_end: false,
            suspend_at: SignalSet::EMPTY,
            command_gets_keys: false,
        }
    }
}

impl Policy {
    /// [`Policy::slow_stop_after`] unless another time is given, or half of the grace period if that is less.
    pub const SLOW_STOP_AFTER: Duration = Duration::from_secs(5);

    /// The time after which a stop is slow; `None` if none is.
    #[must_use]
    pub fn slow_stop(&self) -> Option<Duration> {
        let default = || match self.grace {
            Some(grace) => Policy::SLOW_STOP_AFTER.min(grace / 2),
            None => Policy::SLOW_STOP_AFTER,
        };
        Some(self.slow_stop_after.unwrap_or_else(default)).filter(|after| !after.is_zero())
    }

    /// Checks times against each other.
    ///
    /// # Errors
    /// The escalation takes as long as the grace period, or longer.
    pub fn check(&self) -> Result<(), String> {
        let times = self.escalation.iter().map(|step| step.after);
        let escalation = times.fold(Duration::ZERO, Duration::saturating_add);
        match self.grace {
            Some(grace) if escalation >= grace && !self.escalation.is_empty() => Err(format!(
                "the escalation takes {}, which must be less than the grace of {}",
                Shown(escalation),
                Shown(grace)
            )),
            _ => Ok(()),
        }
    }
}

/// How long the processes that the command leaves behind may take to end after SIGTERM, before SIGKILL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linger {
    /// [`Linger::DEFAULT`]; but during a stop the rest of the grace period, unless all these processes ignore SIGTERM.
    #[default]
    Default,
    /// This long, and during a stop no longer than the grace period.
    For(Duration),
    /// No signal is sent: sexton exits when the command has ended.
    Leave,
}

impl Linger {
    /// The time if none is given.
    pub const DEFAULT: Duration = Duration::from_secs(5);
}

/// `None` is `--linger none`.
impl From<Option<Duration>> for Linger {
    fn from(time: Option<Duration>) -> Linger {
        time.map_or(Linger::Leave, Linger::For)
    }
}

/// The processes that a signal is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The command alone.
    Command,
    /// The command's process group.
    Group,
    /// Every process in the tree.
    Tree,
}

/// One signal of `--escalate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EscalationStep {
    /// The signal that is sent.
    pub signal: Signal,
    /// The time since the stop signal, or since the step before; more than zero.
    pub after: Duration,
}
