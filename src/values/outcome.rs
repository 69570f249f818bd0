//! How a process ended: from the raw wait status to an exit status.

#![forbid(unsafe_code)]

use crate::values::signal::Signal;
use std::fmt;
use std::time::Duration;

/// What a wait status says about a process (waitpid(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It has ended.
    Ended(Outcome),
    /// A signal has stopped it.
    Stopped(Signal),
}

impl Change {
    /// Decodes a raw wait status. Unlike the decoder of `nix`, it knows every realtime signal.
    ///
    /// sexton never waits for a process to be continued (WCONTINUED), so that status is not decoded.
    #[must_use]
    pub fn from_raw(status: i32) -> Change {
        let low = status & 0x7f;
        let high = (status >> 8) & 0xff;
        match low {
            0 => Change::Ended(Outcome::Exited(high as u8)),
            0x7f => Change::Stopped(Signal::new(high & 0x7f).unwrap_or(Signal::STOP)),
            number => match Signal::new(number) {
                Some(signal) => Change::Ended(Outcome::Killed { signal, core: status & 0x80 != 0 }),
                // No kernel has a signal above 64. If one comes, its number is reported nevertheless.
                None => Change::Ended(Outcome::Exited(128 | number as u8)),
            },
        }
    }
}

/// The resources that a process has used (getrusage(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// The largest resident set of any single process, in bytes.
    pub peak: u64,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It exited with this status (exit(2)).
    Exited(u8),
    /// A signal killed it.
    Killed {
        /// The signal.
        signal: Signal,
        /// Whether there is a core dump.
        core: bool,
    },
}

impl Outcome {
    /// Killed by SIGKILL.
    pub const SIGKILLED: Outcome = Outcome::Killed { signal: Signal::KILL, core: false };

    /// The exit status for a command that not even SIGKILL could end: the status that the command would have had then.
    pub const NOT_ENDED: u8 = 137;

    /// The exit status of a command that was stopped because the time-out had passed, as timeout(1) has it.
    pub const TIMED_OUT: u8 = 124;

    /// Whether SIGKILL killed it.
    #[must_use]
    pub fn is_sigkill(self) -> bool {
        matches!(self, Outcome::Killed { signal: Signal::KILL, .. })
    }

    /// The exit status by the convention of shells: the process's own, or 128 plus the signal.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Outcome::Exited(status) => status,
            Outcome::Killed { signal, .. } => 128 + signal.number() as u8,
        }
    }
}

/// What made a command end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EndedBy {
    /// Itself, or something else that sexton has not asked for.
    #[default]
    Other,
    /// A stop, before its grace period was over.
    Stop,
    /// The time-out of the run. SIGKILL makes an end of [`EndedBy::Other`], as for timeout(1).
    Timeout,
}

/// The memory that had run out when the kernel's OOM killer killed a process, seen from sexton's control group.
/// Displays as what follows "kernel OOM killer" in a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shortage {
    /// The limit of that group was hit.
    Own,
    /// The limit of a group above it was hit, or the machine ran out of memory.
    Above,
    /// The machine ran out of memory.
    Machine,
    /// The kernel does not say.
    Unknown,
}

impl Shortage {
    /// Its name in the exit report; `None` if it is unknown.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Shortage::Own => Some("own-limit"),
            Shortage::Above => Some("limit-above-or-machine"),
            Shortage::Machine => Some("machine"),
            Shortage::Unknown => None,
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shortage::Own => " (memory limit hit)",
            Shortage::Above => " (memory limit of an outer group hit, or machine out of memory)",
            Shortage::Machine => " (machine out of memory)",
            Shortage::Unknown => "",
        })
    }
}

/// How sexton itself ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// The exit status.
    pub status: u8,
    /// The signal that killed the command, and that sexton dies of instead of exiting where that is possible.
    pub signal: Option<Signal>,
}

impl From<u8> for Ending {
    fn from(status: u8) -> Ending {
        Ending { status, signal: None }
    }
}

/// Displays as the end of a sentence: "exited with status 3".
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited(status) => write!(f, "exited with status {status}"),
            Outcome::Killed { signal, core } => {
                write!(f, "killed by {signal}{}", if *core { " (core dumped)" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_status_passes() {
        for status in 0..=255u8 {
            let change = Change::from_raw(i32::from(status) << 8);
            assert_eq!(change, Change::Ended(Outcome::Exited(status)));
            assert_eq!(Outcome::Exited(status).status(), status);
        }
    }

    #[test]
    fn every_signal_passes_with_and_without_core() {
        for signal in Signal::all() {
            for core in [false, true] {
                let raw = signal.number() | if core { 0x80 } else { 0 };
                let outcome = Outcome::Killed { signal, core };
                assert_eq!(Change::from_raw(raw), Change::Ended(outcome));
                assert_eq!(i32::from(outcome.status()), 128 + signal.number());
            }
        }
    }

    #[test]
    fn a_stopped_process_has_not_ended() {
        assert_eq!(Change::from_raw(0x137f), Change::Stopped(Signal::STOP));
        // WCONTINUED is never asked for.
        assert_eq!(Change::from_raw(0xffff), Change::Stopped(Signal::STOP));
    }

    #[test]
    fn an_outcome_is_shown_with_its_core_dump() {
        let killed = |core| Outcome::Killed { signal: Signal::SEGV, core }.to_string();
        assert_eq!(killed(false), "killed by SIGSEGV");
        assert_eq!(killed(true), "killed by SIGSEGV (core dumped)");
        assert_eq!(Outcome::Exited(3).to_string(), "exited with status 3");
    }
}
