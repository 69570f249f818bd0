//! `--map-exit`: other exit statuses than the command's own.

#![forbid(unsafe_code)]

use crate::values::decimal::decimal;
use crate::values::error::Reason;
use crate::values::layered;
use crate::values::outcome::{EndedBy, Outcome};
use crate::values::signal::Signal;

/// The exit statuses that become others. Any other exit status stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExitMap(Vec<Rule>);

/// One `FROM=TO` of `--map-exit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    from: Ends,
    to: u8,
}

/// The ends of the command that a rule maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ends {
    Statuses {
        first: u8,
        last: u8,
    },
    Signal(Signal),
    /// Every end because of a stop, if it comes in time.
    Stop,
}

impl Rule {
    /// Maps a status.
    #[must_use]
    pub fn status(from: u8, to: u8) -> Rule {
        Rule { from: Ends::Statuses { first: from, last: from }, to }
    }

    /// Maps the death by a signal.
    #[must_use]
    pub fn signal(from: Signal, to: u8) -> Rule {
        Rule { from: Ends::Signal(from), to }
    }

    /// Reads `143=0`, `1-3=1`, `signal:TERM=0` or `stop=0`.
    ///
    /// # Errors
    /// Anything else, a status above 255, and a range that runs backwards.
    pub fn parse(text: &str) -> Result<Rule, Reason> {
        const EXPECTED: &str = "expected STATUS=STATUS, FIRST-LAST=STATUS, signal:NAME=STATUS or stop=STATUS, \
                                each status from 0 to 255";
        let (from, to) = text.split_once('=').ok_or(EXPECTED)?;
        let to = status(to).ok_or(EXPECTED)?;
        if from == "stop" {
            return Ok(Rule { from: Ends::Stop, to });
        }
        if let Some(name) = from.strip_prefix("signal:") {
            return Ok(Rule { from: Ends::Signal(Signal::parse(name)?), to });
        }
        let (first, last) = from.split_once('-').unwrap_or((from, from));
        let (first, last) = (status(first).ok_or(EXPECTED)?, status(last).ok_or(EXPECTED)?);
        if first > last {
            return Err(format!("the range {first}-{last} runs backwards").into());
        }
        Ok(Rule { from: Ends::Statuses { first, last }, to })
    }
}

fn status(text: &str) -> Option<u8> {
    decimal(text.as_bytes())
}

impl Ends {
    fn has(self, status: u8) -> bool {
        matches!(self, Ends::Statuses { first, last } if (first..=last).contains(&status))
    }

    fn overlaps(self, other: Ends) -> bool {
        match (self, other) {
            (Ends::Statuses { first, .. }, Ends::Statuses { first: start, .. }) => {
                self.has(start) || other.has(first)
            }
            _ => self == other,
        }
    }
}

impl ExitMap {
    /// Adds a rule where there is only one layer of them.
    ///
    /// # Errors
    /// A status or signal that is already mapped.
    pub fn add(&mut self, rule: Rule) -> Result<(), Reason> {
        let mut own = self.0.len();
        self.add_to_layer(rule, &mut own)
    }

    /// Adds a rule of the layer that is being read, whose rules are the first `own`: see [`layered::add`].
    ///
    /// # Errors
    /// A status or signal that this layer maps already.
    pub fn add_to_layer(&mut self, rule: Rule, own: &mut usize) -> Result<(), Reason> {
        let overlap = |rule: &Rule, other: &Rule| rule.from.overlaps(other.from);
        layered::add(&mut self.0, own, rule, overlap).map_err(|rule| {
            let what = match rule.from {
                Ends::Statuses { .. } => "that status",
                Ends::Signal(_) => "that signal",
                Ends::Stop => "a stop",
            };
            format!("{what} is already mapped").into()
        })
    }

    fn find(&self, is_meant: impl Fn(Ends) -> bool) -> Option<u8> {
        self.0.iter().find(|rule| is_meant(rule.from)).map(|rule| rule.to)
    }

    /// The status that a rule or a time-out gives for an end. A time-out gives its own, to which only a rule for that
    /// status applies. Of the rules, one for stops comes first. For a death by a signal, a rule for that
    /// signal comes before a rule for the status 128 + signal.
    #[must_use]
    pub fn mapped(&self, outcome: Outcome, by: EndedBy) -> Option<u8> {
        if by == EndedBy::Timeout {
            return self.mapped_status(Outcome::TIMED_OUT).or(Some(Outcome::TIMED_OUT));
        }
        let by_stop = self.find(|from| from == Ends::Stop && by == EndedBy::Stop);
        let by_signal = || match outcome {
            Outcome::Killed { signal, .. } => self.find(|from| from == Ends::Signal(signal)),
            Outcome::Exited(_) => None,
        };
        by_stop.or_else(by_signal).or_else(|| self.mapped_status(outcome.status()))
    }

    /// The status that a rule gives for a status without an outcome of the command.
    #[must_use]
    pub fn mapped_status(&self, status: u8) -> Option<u8> {
        self.find(|from| from.has(status))
    }

    /// The exit status for an outcome that sexton has not asked for.
    #[must_use]
    pub fn apply(&self, outcome: Outcome) -> u8 {
        self.mapped(outcome, EndedBy::Other).unwrap_or(outcome.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rules: &[&str]) -> ExitMap {
        let mut map = ExitMap::default();
        for rule in rules {
            map.add(Rule::parse(rule).unwrap()).unwrap();
        }
        map
    }

    const TERM: Outcome = Outcome::Killed { signal: Signal::TERM, core: false };

    #[test]
    fn without_rules_every_status_is_kept() {
        assert!((0..=255).all(|n| ExitMap::default().apply(Outcome::Exited(n)) == n));
        assert_eq!(ExitMap::default().apply(TERM), 143);
    }

    #[test]
    fn ranges_single_statuses_and_signals_are_mapped() {
        let map = map(&["1-3=1", "143=0", "signal:TERM=7", "255=254"]);
        assert_eq!(
            (0..5).map(|n| map.apply(Outcome::Exited(n))).collect::<Vec<_>>(),
            [0, 1, 1, 1, 4]
        );
        assert_eq!(map.apply(Outcome::Exited(143)), 0);
        assert_eq!(map.apply(TERM), 7, "the signal's own rule comes first");
        assert_eq!(map.apply(Outcome::Exited(255)), 254);
    }

    #[test]
    fn a_rule_for_128_plus_signal_maps_the_death_by_it_too() {
        assert_eq!(map(&["143=0"]).apply(TERM), 0);
        let by = EndedBy::Other;
        assert_eq!(map(&["143=143"]).mapped(TERM, by), Some(143), "also to the same status");
        assert_eq!(map(&["142=0", "signal:INT=0"]).mapped(TERM, by), None);
    }

    #[test]
    fn a_rule_for_a_signal_maps_no_status_without_an_outcome() {
        let map = map(&["signal:KILL=0", "137=3"]);
        assert_eq!(map.mapped_status(Outcome::NOT_ENDED), Some(3));
        assert_eq!(map.apply(Outcome::SIGKILLED), 0);
        assert_eq!(Outcome::NOT_ENDED, Outcome::SIGKILLED.status());
    }

    #[test]
    fn a_status_or_signal_named_twice_is_refused() {
        let mut both = map(&["2=0", "signal:INT=0"]);
        assert!(both.add(Rule::parse("1-3=1").unwrap()).is_err());
        assert!(both.add(Rule::parse("signal:2=1").unwrap()).is_err());
        assert_eq!(both, map(&["2=0", "signal:INT=0"]), "a refused rule changes nothing");
        both.add(Rule::parse("stop=1").unwrap()).unwrap();
        let again = both.add(Rule::parse("stop=1").unwrap());
        assert_eq!(again.unwrap_err(), "a stop is already mapped");
    }

    #[test]
    fn a_rule_of_a_higher_layer_comes_first() {
        let mut merged = map(&["1-2=20", "signal:HUP=3"]);
        merged.add_to_layer(Rule::parse("1=10").unwrap(), &mut 0).unwrap();
        let hangup = Outcome::Killed { signal: Signal::HUP, core: false };
        assert_eq!([1, 2].map(|status| merged.apply(Outcome::Exited(status))), [10, 20]);
        assert_eq!(merged.apply(hangup), 3);
    }

    #[test]
    fn a_rule_for_stops_comes_first_and_is_for_stops_only() {
        let map = map(&["signal:TERM=7", "1=8", "stop=0"]);
        for (outcome, status) in [(TERM, 7), (Outcome::Exited(1), 8), (Outcome::Exited(2), 2)] {
            assert_eq!(map.mapped(outcome, EndedBy::Stop), Some(0), "{outcome:?}");
            assert_eq!(map.apply(outcome), status);
        }
        assert_eq!(map.mapped_status(Outcome::NOT_ENDED), None);
    }

    #[test]
    fn a_time_out_has_a_status_of_its_own() {
        let others = map(&["signal:TERM=7", "0=8", "stop=9"]);
        for outcome in [TERM, Outcome::Exited(0)] {
            assert_eq!(others.mapped(outcome, EndedBy::Timeout), Some(124));
            assert_eq!(map(&["124=1"]).mapped(outcome, EndedBy::Timeout), Some(1));
        }
    }

    #[test]
    fn malformed_rules_are_refused() {
        for text in [
            "",
            "=",
            "1",
            "1=",
            "=1",
            "256=0",
            "1=256",
            "3-1=0",
            "-1=0",
            "1-=0",
            "signal:=0",
            "signal:FOO=0",
            "1=-1",
            "+1=0",
            "1=0=0",
            "1-2-3=0",
            "stop",
            "stop=",
            "stop=256",
            "STOP=0",
            "stop-3=0",
        ] {
            assert!(Rule::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_signal_is_mapped_with_and_without_a_core_dump() {
        for core in [false, true] {
            let killed = Outcome::Killed { signal: Signal::SEGV, core };
            assert_eq!(map(&["signal:SEGV=0", "139=1"]).apply(killed), 0);
        }
    }
}
