//! When sexton has sent which signal, and whether the command's death by a signal is put down to that.
//!
//! The kernel does not say who has sent the signal that a process died of, so this is judged by time: a signal that the
//! command has survived for long is not the one that it dies of now.

#![forbid(unsafe_code)]

use crate::supervisor::Time;
use crate::values::outcome::Outcome;
use crate::values::reserved::Reserved;
use crate::values::signal::{Signal, SignalSet};
use std::time::Duration;

/// A process that does not handle a signal dies of it as soon as it runs again.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A program that handles a signal that asks it to end may clean up, and then send it to itself again. The limit is the
/// default grace period. A core dump takes time, too.
const CLEANED_UP: Duration = Duration::from_secs(30);

/// Signals that ask a process to end. Not SIGHUP: servers read their configuration at it.
const ASKING: SignalSet = SignalSet::EMPTY.with(Signal::INT).with(Signal::QUIT).with(Signal::TERM);

/// When each signal was last sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// In tenths of a second, by the signal's number; enough for 13 years.
    last: Reserved<[Option<u32>; Signal::MAX.number() as usize + 1]>,
}

/// Who has sent the signal that killed the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// sexton.
    Sexton,
    /// Somebody else, or the kernel.
    Other {
        /// How long before sexton had last sent the same signal, if ever: not precise to less than a tenth of a second.
        sexton_before: Option<Duration>,
    },
}

impl Sent {
    /// Allocates what is needed.
    pub fn reserve(&mut self) {
        self.last.reserve();
    }

    /// sexton has just sent this signal to the command, perhaps among others.
    pub fn note(&mut self, signal: Signal, now: Time) {
        let last = self.last.get_or_set(|| [None; _]);
        if let Some(slot) = last.and_then(|last| last.get_mut(signal.number() as usize)) {
            *slot = Some(tenths(now));
        }
    }

    /// Who has sent what the command has just died of, if it was a signal. `stop` is when the stop began that is under
    /// way: until it is over the command may die of all that has been sent since.
    #[must_use]
    pub fn sender(&self, outcome: Outcome, now: Time, stop: Option<Time>) -> Option<Sender> {
        let Outcome::Killed { signal, core } = outcome else { return None };
        let last = self.last.get().and_then(|last| *last.get(signal.number() as usize)?);
        let Some(last) = last else {
            return Some(Sender::Other { sexton_before: None });
        };
        let before = Duration::from_millis(u64::from(tenths(now).saturating_sub(last)) * 100);
        let limit = if core || ASKING.contains(signal) { CLEANED_UP } else { AT_ONCE };
        let is_ours = signal == Signal::KILL // nobody survives that
            || before <= limit
            || stop.is_some_and(|since| last >= tenths(since));
        Some(if is_ours { Sender::Sexton } else { Sender::Other { sexton_before: Some(before) } })
    }
}

#[inline(never)]
fn tenths(time: Time) -> u32 {
    (time.as_secs() as u32).saturating_mul(10).saturating_add(time.subsec_nanos() / 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Time {
        Duration::from_millis(milliseconds)
    }

    fn killed(signal: Signal) -> Outcome {
        Outcome::Killed { signal, core: false }
    }

    fn sent(signal: Signal, milliseconds: u64) -> Sent {
        let mut sent = Sent::default();
        sent.reserve();
        sent.note(signal, at(milliseconds));
        sent
    }

    const NEVER: Option<Sender> = Some(Sender::Other { sexton_before: None });
    const SEXTON: Option<Sender> = Some(Sender::Sexton);

    fn before(milliseconds: u64) -> Option<Sender> {
        Some(Sender::Other { sexton_before: Some(at(milliseconds)) })
    }

    #[test]
    fn what_was_never_sent_is_another_s() {
        for signal in Signal::all() {
            assert_eq!(Sent::default().sender(killed(signal), at(5), None), NEVER);
            for other in Signal::all().filter(|&other| other != signal) {
                assert_eq!(sent(other, 1).sender(killed(signal), at(5), Some(at(0))), NEVER);
            }
            assert_eq!(sent(signal, 1).sender(Outcome::Exited(3), at(5), None), None);
        }
    }

    #[test]
    fn a_signal_that_was_survived_long_ago_is_another_s() {
        for signal in Signal::all() {
            let sent = sent(signal, 10_000);
            for soon in [10_000, 10_050, 10_900] {
                assert_eq!(sent.sender(killed(signal), at(soon), None), SEXTON);
            }
            let (later, much_later) = match signal {
                Signal::KILL => (SEXTON, SEXTON),
                Signal::INT | Signal::QUIT | Signal::TERM => (SEXTON, before(30_100)),
                _ => (before(1_100), before(30_100)),
            };
            assert_eq!(sent.sender(killed(signal), at(11_100), None), later, "{signal}");
            assert_eq!(sent.sender(killed(signal), at(40_100), None), much_later, "{signal}");
        }
    }

    #[test]
    fn the_last_one_counts() {
        let mut sent = sent(Signal::USR1, 1_000);
        sent.note(Signal::USR1, at(9_000));
        assert_eq!(sent.sender(killed(Signal::USR1), at(9_500), None), SEXTON);
        assert_eq!(sent.sender(killed(Signal::USR1), at(12_000), None), before(3_000));
    }

    #[test]
    fn a_core_dump_takes_its_time() {
        let dumped = Outcome::Killed { signal: Signal::SEGV, core: true };
        assert_eq!(sent(Signal::SEGV, 0).sender(dumped, at(20_000), None), SEXTON);
        assert_eq!(sent(Signal::SEGV, 0).sender(dumped, at(31_000), None), before(31_000));
    }

    /// However long it takes: the grace period has no end that is known here.
    #[test]
    fn all_that_was_sent_during_a_stop_counts_until_its_end() {
        let day = 86_400_000;
        for signal in Signal::all() {
            let ours = sent(signal, 5_000).sender(killed(signal), at(day), Some(at(5_000)));
            assert_eq!(ours, SEXTON);
        }
        let of_before = sent(Signal::USR1, 5_000);
        assert_eq!(
            of_before.sender(killed(Signal::USR1), at(8_000), Some(at(7_000))),
            before(3_000)
        );
    }

    #[test]
    fn no_time_is_too_long() {
        let sent = sent(Signal::USR1, 0);
        let end = Duration::MAX;
        assert!(matches!(sent.sender(killed(Signal::USR1), end, None), Some(Sender::Other { .. })));
    }
}
