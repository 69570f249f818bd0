//! dumb-init: `dumb-init [option] program [args]`.

use super::getopt::{Getopt, Item, Long, integer};
use super::invocation::{self, Invocation, set_common_defaults, usage};
use crate::cli::draft::Draft;
use crate::cli::texts::DUMB_INIT;
use crate::plan::request::Printed;
use crate::plan::{Grouping, Statuses, Style, Subreaper, Target};
use crate::values::rewrite::Rule;
use crate::values::signal::{Signal, SignalSet};
use log::LevelFilter;
use std::ffi::CStr;
use std::mem::take;

/// The version with the same interface.
const VERSION: &str = "dumb-init v1.2.5";

const PREFIX: &str = "[dumb-init] ";
static STYLE: Style =
    Style { fatal: PREFIX, levels: [PREFIX; 5], hint: None, quiet_to_stdout: false };

const STATUSES: Statuses =
    Statuses { fatal: 1, not_found: 2, incomplete: 2, denied: 2, not_executable: 2 };

const LONG: &[Long] = &[
    ("help", false, b'h'),
    ("single-child", false, b'c'),
    ("rewrite", true, b'r'),
    ("verbose", false, b'v'),
    ("version", false, b'V'),
];

/// The signals by which a terminal stops a job.
const JOB_STOPS: [Signal; 3] = [Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// The highest signal that can be rewritten.
const LAST: i32 = 31;

/// What dumb-init's command line and variables ask for.
#[derive(Default)]
pub struct Options<'a> {
    argv: Vec<&'a CStr>,
    /// `-c`
    single_child: bool,
    /// `-v`
    debug: bool,
    /// `-r`: of several for a signal the last one counts.
    rewrites: Vec<Rule>,
}

impl<'a> invocation::Options<'a> for Options<'a> {
    fn read(&mut self, call: &Invocation<'a, '_>) -> Result<(), Printed> {
        let mut words = Getopt::new("hvVcr:", LONG, call.arguments);
        for word in words.by_ref() {
            match word {
                Item::Option(b'h', _) => return Err(Printed::on_stderr(help(call), 0)),
                Item::Option(b'V', _) => {
                    return Err(Printed::on_stderr(format!("{VERSION}\n"), 0));
                }
                Item::Option(b'v', _) => self.debug = true,
                Item::Option(b'c', _) => self.single_child = true,
                Item::Option(b'r', value) => {
                    let rule = rewrite(value.unwrap_or_default());
                    self.rewrites.push(rule.ok_or_else(wrong_rewrite)?);
                }
                Item::Option(..) => {}
                Item::Wrong(reason) => {
                    let text = format!("{}: {reason}\n", call.program());
                    return Err(Printed::on_stderr(text, STATUSES.fatal));
                }
            }
        }
        self.argv = words.rest().to_vec();
        if self.argv.is_empty() {
            let program = call.program();
            let text = format!(
                "Usage: {program} [option] program [args]\nTry {program} --help for full usage.\n"
            );
            return Err(Printed::on_stderr(text, STATUSES.fatal));
        }
        self.debug |= call.variable(b"DUMB_INIT_DEBUG") == Some(b"1");
        self.single_child |= call.variable(b"DUMB_INIT_SETSID") == Some(b"0");
        Ok(())
    }

    fn set_defaults(&self, draft: &mut Draft) {
        set_common_defaults(draft);
        let (grouping, target) = match self.single_child {
            true => (Grouping::Shared, Target::Command),
            false => (Grouping::Session, Target::Group),
        };
        draft.plan.attributes.grouping = grouping;
        draft.plan.policy.forward_to = target;
        draft.plan.policy.signal_at_end = true;
        draft.plan.policy.suspend_at =
            JOB_STOPS.into_iter().fold(SignalSet::EMPTY, SignalSet::with);
        draft.plan.subreaper = Subreaper::Off;
        draft.plan.statuses = STATUSES;
        draft.plan.logging.style = &STYLE;
        if !self.single_child {
            // The command's session is an orphaned process group, in which the kernel ignores these signals.
            for signal in JOB_STOPS {
                draft.rewrite(Rule::new(signal, Some(Signal::STOP))).ok(); // no rewrite is in conflict with another
            }
        }
    }

    fn set_options(&mut self, draft: &mut Draft<'a>) -> Result<(), Printed> {
        draft.plan.argv = take(&mut self.argv);
        if self.debug {
            draft.plan.logging.level = LevelFilter::Debug;
        }
        for &rule in self.rewrites.iter().rev() {
            draft.rewrite(rule).ok(); // an earlier one for the same signal does not count
        }
        Ok(())
    }
}

/// Reads `15:3`, or `15:0` to ignore a signal.
fn rewrite(value: &[u8]) -> Option<Rule> {
    let (from, rest) = integer(value)?;
    let (to, _) = integer(rest.strip_prefix(b":")?)?;
    let signal = |number| Signal::new(i32::try_from(number).ok().filter(|&number| number <= LAST)?);
    let to = if to == 0 { None } else { Some(signal(to)?) };
    Some(Rule::new(signal(from)?, to))
}

fn wrong_rewrite() -> Printed {
    let text = format!(
        "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and {LAST}.\n\
         This option can be specified multiple times.\n\
         Use --help for full usage.\n"
    );
    Printed::on_stderr(text, STATUSES.fatal)
}

fn help(call: &Invocation) -> String {
    let program = call.program();
    usage(format_args!("{VERSION}\nUsage: {program} [option] command [[arg] ...]\n"), DUMB_INIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{printed, running};

    #[test]
    fn everything_is_printed_on_standard_error() {
        assert_eq!(printed("dumb-init", &["-V"], &[], (true, 0)), "dumb-init v1.2.5\n");
        let help = printed("/usr/bin/dumb-init", &["--help"], &[], (true, 0));
        let usage = "\nUsage: /usr/bin/dumb-init [option] command";
        assert!(help.starts_with(&format!("{VERSION}{usage}")), "{help}");
        let none = printed("dumb-init", &["--"], &[], (true, 1));
        assert!(none.starts_with("Usage: dumb-init [option] program [args]\nTry "), "{none}");
        let wrong = printed("dumb-init", &["--ver", "x"], &[], (true, 1));
        assert!(wrong.contains("ambiguous"), "{wrong}");
        let wrong = printed("dumb-init", &["-r", "15", "x"], &[], (true, 1));
        assert!(wrong.starts_with("Usage: -r option takes <signum>:<signum>"), "{wrong}");
    }

    #[test]
    fn the_command_has_a_session_and_its_group_the_signals() {
        running("dumb-init", &["cmd", "-v"], &[], |plan| {
            assert_eq!(plan.argv, [c"cmd", c"-v"]);
            assert_eq!(plan.attributes.grouping, Grouping::Session);
            assert_eq!(plan.policy.forward_to, Target::Group);
            assert!(plan.policy.signal_at_end && plan.policy.suspend_at.contains(Signal::TTOU));
            for signal in JOB_STOPS {
                assert_eq!(plan.policy.rewrites.apply(signal), Some(Signal::STOP));
            }
            assert_eq!(plan.logging.level, LevelFilter::Warn);
        });
    }

    #[test]
    fn a_single_child_shares_the_group_and_has_the_signals_alone() {
        for (words, variables) in [
            (&["-cv", "cmd"][..], &[][..]),
            (&["--single", "--verbose", "cmd"], &[]),
            (&["cmd"], &["DUMB_INIT_SETSID=0", "DUMB_INIT_DEBUG=1"]),
        ] {
            running("dumb-init", words, variables, |plan| {
                assert_eq!(plan.attributes.grouping, Grouping::Shared);
                assert_eq!(plan.policy.forward_to, Target::Command);
                assert_eq!(plan.policy.rewrites.apply(Signal::TSTP), Some(Signal::TSTP));
                assert_eq!(plan.logging.level, LevelFilter::Debug);
            });
        }
        running("dumb-init", &["cmd"], &["DUMB_INIT_SETSID=00", "DUMB_INIT_DEBUG=2"], |plan| {
            assert_eq!(plan.attributes.grouping, Grouping::Session);
            assert_eq!(plan.logging.level, LevelFilter::Warn);
        });
    }

    #[test]
    fn the_last_rewrite_of_a_signal_counts_and_beats_the_default() {
        let words = ["-r15:3", "--rew=15:9", "-r", "20:20", "-r", " 1:+0x", "cmd"];
        running("dumb-init", &words, &[], |plan| {
            assert_eq!(plan.policy.rewrites.apply(Signal::TERM), Some(Signal::KILL));
            assert_eq!(plan.policy.rewrites.apply(Signal::TSTP), Some(Signal::TSTP));
            assert_eq!(plan.policy.rewrites.apply(Signal::HUP), None);
        });
        for value in ["", "15", "15:", "15:x", "x:1", "0:1", "32:1", "1:32", "1:-1", "15 :3"] {
            printed("dumb-init", &["-r", value, "cmd"], &[], (true, 1));
        }
    }
}
