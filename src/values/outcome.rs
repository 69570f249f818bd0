//! How a process ended: the raw wait status, what it means, and the exit status it becomes.

#![forbid(unsafe_code)]

use crate::values::signal::Signal;
use std::fmt;
use std::time::Duration;

/// What a wait status says (waitpid(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The process ended.
    Ended(Outcome),
    /// A signal stopped it.
    Stopped(Signal),
    /// SIGCONT continued it.
    Continued,
}

impl Change {
    /// Decodes a raw wait status. Unlike `nix`'s, it knows every realtime signal.
    #[must_use]
    pub fn from_raw(status: i32) -> Change {
        let low = status & 0x7f;
        let high = (status >> 8) & 0xff;
        match low {
            0 => Change::Ended(Outcome::Exited(high as u8)),
            0x7f if status == 0xffff => Change::Continued,
            0x7f => Change::Stopped(Signal::new(high & 0x7f).unwrap_or(Signal::STOP)),
            number => match Signal::new(number) {
                Some(signal) => Change::Ended(Outcome::Killed { signal, core: status & 0x80 != 0 }),
                // No kernel has a signal above 64; should one come, its number is still told.
                None => Change::Ended(Outcome::Exited(128 | number as u8)),
            },
        }
    }
}

/// What a process used (getrusage(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// The largest resident set of any one process, in bytes.
    pub peak: u64,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// By exit(2), with this status.
    Exited(u8),
    /// By a signal.
    Killed {
        /// Which one.
        signal: Signal,
        /// Whether it left a core dump.
        core: bool,
    },
}

impl Outcome {
    /// Killed by SIGKILL.
    pub const SIGKILLED: Outcome = Outcome::Killed { signal: Signal::KILL, core: false };

    /// The exit status for a command that has no outcome because not even SIGKILL could end it: the one that it would
    /// have had.
    pub const NOT_ENDED: u8 = 137;

    /// Whether SIGKILL ended it.
    #[must_use]
    pub fn is_sigkill(self) -> bool {
        matches!(self, Outcome::Killed { signal: Signal::KILL, .. })
    }

    /// The shell's convention: the process's own status, or 128 plus the signal.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Outcome::Exited(status) => status,
            Outcome::Killed { signal, .. } => 128 + signal.number() as u8,
        }
    }
}

/// Whose memory had run out when the kernel's OOM killer struck, as seen from sexton's control group. Displays as the end of
/// "by the kernel's OOM killer".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shortage {
    /// The limit of that group was hit.
    Own,
    /// It was not: the limit of a group above was hit, or the machine ran out of memory.
    Above,
    /// The machine ran out of memory.
    Machine,
    /// The kernel does not tell.
    Unknown,
}

impl Shortage {
    /// A word for it; `None` if it is not known.
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
            Shortage::Own => ": the memory limit was hit",
            Shortage::Above => {
                ": the memory limit of an outer group was hit, or the machine ran out of memory"
            }
            Shortage::Machine => ": the machine ran out of memory",
            Shortage::Unknown => "",
        })
    }
}

/// How sexton itself ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// The exit status.
    pub status: u8,
    /// The signal to die of instead, where that is possible: the one that the command died of.
    pub signal: Option<Signal>,
}

impl From<u8> for Ending {
    fn from(status: u8) -> Ending {
        Ending { status, signal: None }
    }
}

/// Reads as the end of a sentence: "main " ... "exited with status 3".
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited(status) => write!(f, "exited with status {status}"),
            Outcome::Killed { signal, core } => {
                write!(f, "was killed by {signal}{}", if *core { " (core dumped)" } else { "" })
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
    fn stops_and_continues_are_no_ends() {
        assert_eq!(Change::from_raw(0x137f), Change::Stopped(Signal::STOP));
        assert_eq!(Change::from_raw(0xffff), Change::Continued);
    }

    #[test]
    fn an_end_is_told_with_its_core_dump() {
        let killed = |core| Outcome::Killed { signal: Signal::SEGV, core }.to_string();
        assert_eq!(killed(false), "was killed by SIGSEGV");
        assert_eq!(killed(true), "was killed by SIGSEGV (core dumped)");
        assert_eq!(Outcome::Exited(3).to_string(), "exited with status 3");
    }
}
