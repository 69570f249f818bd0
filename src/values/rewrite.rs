//! `--rewrite`: signals that are forwarded as others.

#![forbid(unsafe_code)]

use crate::values::error::Reason;
use crate::values::layered;
use crate::values::signal::{Signal, SignalSet};

/// What is forwarded instead of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rewrite {
    /// This signal.
    To(Signal),
    /// No signal.
    Ignore,
}

/// One `FROM=TO` of `--rewrite`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    from: Signal,
    to: Rewrite,
}

impl Rule {
    /// Forwards `to` where `from` is received, or no signal.
    #[must_use]
    pub fn new(from: Signal, to: Option<Signal>) -> Rule {
        Rule { from, to: to.map_or(Rewrite::Ignore, Rewrite::To) }
    }

    /// Reads `TERM=QUIT`, `15=3`, `HUP=RTMIN+3` or `USR1=ignore`.
    ///
    /// # Errors
    /// Anything else, and a FROM that is not [`forwardable`].
    pub fn parse(text: &str) -> Result<Rule, Reason> {
        let (from, to) =
            text.split_once('=').ok_or("expected FROM=TO, such as TERM=QUIT or HUP=ignore")?;
        let from = forwardable(from)?;
        let to = if to == "ignore" { Rewrite::Ignore } else { Rewrite::To(Signal::parse(to)?) };
        Ok(Rule { from, to })
    }
}

/// Reads a signal that sexton can receive and forward.
///
/// # Errors
/// Those of [`Signal::parse`] and of [`catchable`].
pub fn forwardable(text: &str) -> Result<Signal, Reason> {
    catchable(Signal::parse(text)?)
}

/// Accepts a signal that sexton can receive and forward.
///
/// # Errors
/// SIGKILL and SIGSTOP, which no process can catch (signal(7)), and SIGCHLD, which is never forwarded.
pub fn catchable(signal: Signal) -> Result<Signal, Reason> {
    match signal {
        signal @ (Signal::KILL | Signal::STOP) => Err(format!("{signal} cannot be caught").into()),
        Signal::CHLD => Err("SIGCHLD is never forwarded".into()),
        signal => Ok(signal),
    }
}

/// The signals that are forwarded as others. Any other signal is forwarded as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rewrites(Vec<Rule>);

impl Rewrites {
    /// Adds a rule where there is only one layer of them.
    ///
    /// # Errors
    /// A signal that is already rewritten.
    pub fn add(&mut self, rule: Rule) -> Result<(), Reason> {
        let mut own = self.0.len();
        self.add_to_layer(rule, &mut own)
    }

    /// Adds a rule of the layer that is being read, whose rules are the first `own`: see [`layered::add`].
    ///
    /// # Errors
    /// A signal that this layer rewrites already.
    pub fn add_to_layer(&mut self, rule: Rule, own: &mut usize) -> Result<(), Reason> {
        layered::add(&mut self.0, own, rule, |rule, other| rule.from == other.from)
            .map_err(|rule| format!("{} is already rewritten", rule.from).into())
    }

    /// The signals that are not forwarded as they are.
    #[must_use]
    pub fn rewritten(&self) -> SignalSet {
        self.0.iter().fold(SignalSet::EMPTY, |set, rule| set.with(rule.from))
    }

    /// The signal to forward for a received one; `None` if it is ignored.
    #[must_use]
    pub fn apply(&self, signal: Signal) -> Option<Signal> {
        match self.0.iter().find(|rule| rule.from == signal).map(|rule| rule.to) {
            Some(Rewrite::Ignore) => None,
            Some(Rewrite::To(other)) => Some(other),
            None => Some(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Rewrites {
        let mut rewrites = Rewrites::default();
        for text in texts {
            rewrites.add(Rule::parse(text).unwrap()).unwrap();
        }
        rewrites
    }

    #[test]
    fn names_numbers_and_realtime_signals() {
        let rewrites = rules(&["TERM=SIGQUIT", "1=RTMIN+3", "USR1=ignore", "RTMIN+1=KILL"]);
        assert_eq!(rewrites.apply(Signal::TERM), Some(Signal::QUIT));
        assert_eq!(rewrites.apply(Signal::HUP), Signal::new(37));
        assert_eq!(rewrites.apply(Signal::USR1), None);
        assert_eq!(rewrites.apply(Signal::new(35).unwrap()), Some(Signal::KILL));
        assert_eq!(rewrites.apply(Signal::INT), Some(Signal::INT));
    }

    #[test]
    fn rules_do_not_chain() {
        assert_eq!(rules(&["TERM=INT", "INT=QUIT"]).apply(Signal::TERM), Some(Signal::INT));
    }

    #[test]
    fn a_layer_rewrites_a_signal_once_and_the_highest_layer_counts() {
        let mut rewrites = rules(&["TERM=INT"]);
        assert!(rewrites.add(Rule::parse("15=QUIT").unwrap()).is_err());
        let mut merged = rules(&["TERM=HUP", "HUP=INT"]);
        merged.add_to_layer(Rule::parse("TERM=INT").unwrap(), &mut 0).unwrap();
        assert_eq!(merged.apply(Signal::TERM), Some(Signal::INT));
        assert_eq!(merged.apply(Signal::HUP), Some(Signal::INT));
    }

    #[test]
    fn malformed_rules_are_refused() {
        for text in [
            "",
            "TERM",
            "TERM=",
            "=TERM",
            "TERM=FOO",
            "KILL=TERM",
            "STOP=TERM",
            "CHLD=TERM",
            "ignore=TERM",
            "TERM=INT=QUIT",
            "0=1",
            "1=65",
        ] {
            assert!(Rule::parse(text).is_err(), "{text:?}");
        }
    }
}
