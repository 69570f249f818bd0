//! How often sexton does what costs more with each child: it looks at all children, and kills them again.

#![forbid(unsafe_code)]

use crate::supervisor::Time;
use std::time::Duration;

/// A look that takes less than this is cheaper than a timer and its wake-up, which take some 10 us.
const CHEAPER_THAN_WAKING_UP: Duration = Duration::from_micros(5);

/// The pauses between looks at all children.
///
/// The kernel goes through the children until it finds one that has ended. With thousands of living children a look
/// costs much and finds little. The pause after a look that found nothing is a multiple of the time that it took, so
/// that looks take a small share of sexton's time with any number of children.
pub struct Backoff {
    put_off_until: Option<Time>,
    /// How long the last look took.
    took: Duration,
    /// How many looks are not measured before the next one that is.
    unmeasured: u8,
}

/// The first look is not measured: see [`Backoff::hurry`].
impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { put_off_until: None, took: Duration::ZERO, unmeasured: 1 }
    }
}

impl Backoff {
    /// When the next look may be; `None` for at once.
    #[must_use]
    pub fn put_off_until(&self) -> Option<Time> {
        self.put_off_until
    }

    /// The next look may be at once. It is not measured, because it is mostly the last one.
    pub fn hurry(&mut self) {
        self.put_off_until = None;
        self.unmeasured = 1;
    }

    /// Whether the next look is to be measured, because its duration may matter. One in sixteen is enough as long as
    /// looks are short: to read the clock twice takes a quarter of the time of such a look.
    #[must_use]
    pub fn measures(&mut self) -> bool {
        let measures = self.unmeasured == 0;
        self.unmeasured = self.unmeasured.saturating_sub(1);
        measures
    }

    /// From `begin` to `end` all children were looked at, and none could be reaped.
    pub fn looked(&mut self, begin: Time, end: Time, command_runs: bool) {
        let took = end.saturating_sub(begin);
        // A single long look may have been held up by something else.
        let usual = took.min(std::mem::replace(&mut self.took, took));
        let pause = after_look(usual, command_runs);
        self.unmeasured = if command_runs && took < CHEAPER_THAN_WAKING_UP { 15 } else { 0 };
        self.put_off_until = pause.map(|pause| end.saturating_add(pause));
    }
}

/// The pause for the time that a look usually takes. With few children there is none, because a look is cheaper than a
/// wake-up. While the command runs, only zombies that no SIGCHLD has named wait for the next look; afterwards the end
/// of the run may wait for it.
fn after_look(took: Duration, command_runs: bool) -> Option<Duration> {
    match command_runs {
        _ if took < CHEAPER_THAN_WAKING_UP => None,
        true => Some(took.saturating_mul(75).min(Duration::from_millis(50))),
        false => Some(took.saturating_mul(5).min(Duration::from_millis(20))),
    }
}

/// The pause after a repeated SIGKILL to all children, for what it took.
#[must_use]
pub fn after_kill(took: Duration) -> Duration {
    took.saturating_mul(10).min(Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_many_children_are_rare_and_looks_at_few_are_immediate() {
        let pause = |us| after_look(Duration::from_micros(us), true);
        assert_eq!(pause(1), None);
        for us in [5, 50, 600] {
            assert!(pause(us) >= Some(Duration::from_micros(70 * us)), "{us}");
        }
        assert!(pause(1_000_000) <= Some(Duration::from_millis(50)));
        let at_the_end = after_look(Duration::from_secs(1), false);
        assert!(at_the_end <= Some(Duration::from_millis(20)));
    }

    #[test]
    fn a_single_look_that_was_held_up_is_followed_by_no_pause() {
        let [short, long] = [1, 400].map(Duration::from_micros);
        let mut backoff = Backoff::default();
        let mut now = Time::ZERO;
        let mut pauses_after = |took: Duration| {
            let begin = now;
            now += took;
            backoff.looked(begin, now, true);
            backoff.put_off_until().map(|until| until - now)
        };
        assert_eq!(pauses_after(long), None, "the first");
        assert_eq!(pauses_after(short), None);
        assert_eq!(pauses_after(long), None, "among short ones");
        assert_eq!(pauses_after(long), Some(long * 75), "the second in a row");
        assert_eq!(pauses_after(short), None, "the children are gone");
    }
}
