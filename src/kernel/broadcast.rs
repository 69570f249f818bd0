//! Signals that are broadcast through the tree: which of them each process still has to get, and in which order.
//!
//! The look goes through the processes of a machine in the order of their IDs, some at a time, and takes a second for
//! 100,000 of them. A signal that comes meanwhile does not wait for the end of the look: it joins at the present
//! process, goes on past the last process to the first ones, and is complete when it is back where it joined.
//!
//! ```text
//!                      at: here the look is
//!                      v
//!   1 ------------------------------------------ 32768
//!                      |---- the first signal --->|          it joined at 0
//!    --- the second -->|---- the second --------->|          it joined just now
//! ```
//!
//! So every process that lives long enough gets each signal once, and signals keep their order.

#![forbid(unsafe_code)]

use crate::values::signal::Received;

/// How many signals may be under way at once.
pub const MOST: usize = 16;

/// With so many under way there is room only for those that cannot wait.
const CROWDED: usize = 10;

/// The signals, and where the look is.
#[derive(Default)]
pub struct Broadcast {
    /// In the order in which they have joined.
    signals: Vec<Joined>,
    /// How often the look has come to the end of all processes.
    lap: u32,
    /// The process that was looked at last.
    at: i32,
    /// That of the last signal that has joined.
    number: u32,
}

/// A signal that is under way.
struct Joined {
    signal: Received,
    /// Counts the signals.
    number: u32,
    /// Where the look was.
    lap: u32,
    from: i32,
}

impl Broadcast {
    /// Makes room for [`MOST`]. Without it there is none: nothing allocates later.
    pub fn reserve(&mut self) {
        self.signals.reserve_exact(MOST);
    }

    /// A new look begins, with the first process and without a signal.
    pub fn begin(&mut self) {
        self.signals.clear();
        (self.lap, self.at) = (0, 0);
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// Whether others should wait elsewhere.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.signals.len() >= CROWDED
    }

    /// Adds a signal; false if there is no room. One without a value that is under way already starts again, because
    /// the kernel has such a signal pending once: a process that has not got it yet gets it once.
    #[must_use]
    pub fn join(&mut self, signal: Received) -> bool {
        if !signal.origin.carries_value() {
            let same = |other: &Joined| {
                other.signal.signal == signal.signal && !other.signal.origin.carries_value()
            };
            self.keep(&|other| !same(other));
        }
        let free = self.signals.len() < self.signals.capacity().min(MOST);
        if free {
            self.number = self.number.saturating_add(1);
            let (number, lap, from) = (self.number, self.lap, self.at);
            self.signals.push(Joined { signal, number, lap, from });
        }
        free
    }

    /// The number of the signal that has joined last: a process that has got it has got all before it.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// All of them, in order.
    pub fn all(&self) -> impl Iterator<Item = Received> + Clone {
        self.signals.iter().map(|joined| joined.signal)
    }

    /// Those that a process still has to get, in order, if it has got those up to the one with this number already.
    pub fn due(&self, pid: i32, got: u32) -> impl Iterator<Item = Received> + Clone {
        let due = self.signals.iter().filter(move |it| it.number > got && self.is_ahead(it, pid));
        due.map(|joined| joined.signal)
    }

    /// Those that have come to the end of all processes for the first time, in order, but for those up to that number.
    pub fn due_at_end(&self, got: u32) -> impl Iterator<Item = Received> + Clone {
        let due = self.signals.iter().filter(move |it| it.number > got && it.lap == self.lap);
        due.map(|joined| joined.signal)
    }

    /// Whether the look will come to this process before the signal is round.
    fn is_ahead(&self, joined: &Joined, pid: i32) -> bool {
        if joined.lap == self.lap {
            pid > self.at || pid <= joined.from
        } else {
            pid > self.at && pid <= joined.from
        }
    }

    fn keep(&mut self, is_kept: &dyn Fn(&Joined) -> bool) {
        self.signals.retain(is_kept);
    }

    /// The look has passed a process. The next one has a greater ID, unless the end comes first.
    pub fn passed(&mut self, pid: i32) {
        self.at = pid;
        let lap = self.lap;
        self.keep(&|joined| joined.lap == lap || joined.from > pid);
    }

    /// The look has come to the end of all processes, and begins anew.
    pub fn passed_the_end(&mut self) {
        let lap = self.lap;
        self.keep(&|joined| joined.lap == lap && joined.from > 0);
        self.lap = lap.saturating_add(1);
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::values::signal::{Origin, Signal};
    use std::collections::BTreeMap;

    fn with_value(value: usize) -> Received {
        const SI_QUEUE: i32 = -1;
        let origin = Origin { code: SI_QUEUE, pid: 1, uid: 0, value };
        Received { signal: Signal::USR1, origin }
    }

    /// Processes that come and go, and are looked at as the tree is.
    struct World {
        broadcast: Broadcast,
        random: Random,
        /// The living, with the numbers of the signals that were sent when they were there, and what they have got.
        living: BTreeMap<i32, (Vec<usize>, Vec<usize>)>,
        sent: usize,
    }

    impl World {
        fn sends(&mut self) {
            if self.broadcast.is_empty() {
                self.broadcast.begin();
            }
            if self.broadcast.join(with_value(self.sent)) {
                for (expected, _) in self.living.values_mut() {
                    expected.push(self.sent);
                }
                self.sent += 1;
            }
        }

        fn looks_at_the_next(&mut self) {
            let next = self.living.range_mut(self.broadcast.at + 1..).next();
            match next {
                Some((&pid, (_, got))) => {
                    got.extend(self.broadcast.due(pid, 0).map(|it| it.origin.value));
                    self.broadcast.passed(pid);
                }
                None => self.broadcast.passed_the_end(),
            }
        }

        fn changes(&mut self) {
            let pid = self.random.below(50) as i32 + 1;
            // Who dies has got what came in order, and nothing twice.
            match self.living.remove(&pid) {
                Some((_, got)) => assert!(got.is_sorted_by(|a, b| a < b), "{got:?}"),
                None => _ = self.living.insert(pid, (Vec::new(), Vec::new())),
            }
        }
    }

    #[test]
    fn each_process_gets_each_signal_once_and_in_order() {
        for seed in 1..300 {
            let mut world = World {
                broadcast: Broadcast::default(),
                random: Random(seed),
                living: BTreeMap::new(),
                sent: 0,
            };
            world.broadcast.reserve();
            for _ in 0..2_000 {
                match world.random.below(10) {
                    0 => world.sends(),
                    1 => world.changes(),
                    _ if world.broadcast.is_empty() => {}
                    _ => world.looks_at_the_next(),
                }
            }
            while !world.broadcast.is_empty() {
                world.looks_at_the_next();
            }
            for (pid, (expected, got)) in &world.living {
                assert!(got.is_sorted_by(|a, b| a < b), "{seed}, {pid}: {got:?}");
                // What is forked while a signal is under way may get it too.
                let missing = expected.iter().find(|value| !got.contains(value));
                assert_eq!(missing, None, "{seed}, {pid}: {expected:?} but {got:?}");
            }
            assert!(world.sent > 50, "{seed}");
        }
    }

    #[test]
    fn a_signal_that_comes_late_is_round_where_it_joined() {
        let due = |broadcast: &Broadcast, pid| {
            broadcast.due(pid, 0).map(|it| it.signal).collect::<Vec<_>>()
        };
        let mut broadcast = Broadcast::default();
        broadcast.reserve();
        assert!(broadcast.join(Received::own(Signal::HUP)));
        assert_eq!(due(&broadcast, 5), [Signal::HUP]);
        broadcast.passed(5);
        assert!(broadcast.join(Received::own(Signal::TERM)));
        assert_eq!(
            (due(&broadcast, 5), due(&broadcast, 7)),
            (vec![Signal::TERM], vec![Signal::HUP, Signal::TERM])
        );
        assert_eq!(broadcast.due(7, 1).count(), 1, "it has got the first one otherwise");
        broadcast.passed(7);
        broadcast.passed_the_end();
        assert_eq!((due(&broadcast, 5), due(&broadcast, 7)), (vec![Signal::TERM], vec![]));
        broadcast.passed(5);
        assert!(broadcast.is_empty(), "not only at the end");
    }

    #[test]
    fn one_without_a_value_is_under_way_once_and_one_with_a_value_as_often_as_it_comes() {
        let mut broadcast = Broadcast::default();
        broadcast.reserve();
        let [stop, go_on] = [Signal::TSTP, Signal::CONT].map(Received::own);
        for signal in [stop, go_on, stop] {
            assert!(broadcast.join(signal));
        }
        assert_eq!(broadcast.all().collect::<Vec<_>>(), [go_on, stop], "the last one counts");
        let joined = (0..MOST).filter(|&value| broadcast.join(with_value(value))).count();
        assert_eq!(joined, MOST - 2);
        assert!(broadcast.is_crowded());
        assert!(broadcast.join(stop), "there is always room for what is under way");
        assert!(!broadcast.join(Received::own(Signal::TERM)));
    }
}
