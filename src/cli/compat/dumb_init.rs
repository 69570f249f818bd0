//! dumb-init: `dumb-init [option] program [args]`.

use super::getopt::{Getopt, Item, Long, integer};
use crate::cli::settings::Settings;
use crate::cli::{Call, Printed, Reading};
use crate::plan::{Grouping, Statuses, Style, Subreaper, Target};
use crate::values::rewrite::Rule;
use crate::values::signal::{Signal, SignalSet};
use log::LevelFilter;

/// The version whose interface this is.
const VERSION: &str = "dumb-init v1.2.5";

const PREFIX: &str = "[dumb-init] ";
const STYLE: Style =
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
const LAST: usize = 31;

/// Reads dumb-init's command line and variables.
pub fn read<'a>(call: &Call<'a, '_>) -> Reading<'a> {
    let mut flags = Settings::default();
    let mut single = false;
    let mut debug = false;
    let mut rewrites: [Option<Rule>; LAST] = [None; LAST];
    let mut options = Getopt::new("hvVcr:", LONG, call.words);
    for option in options.by_ref() {
        match option {
            Item::Option(b'h', _) => return Reading::Print(Printed::on_stderr(usage(call), 0)),
            Item::Option(b'V', _) => {
                return Reading::Print(Printed::on_stderr(format!("{VERSION}\n"), 0));
            }
            Item::Option(b'v', _) => debug = true,
            Item::Option(b'c', _) => single = true,
            Item::Option(b'r', value) => {
                let rewrite = rewrite(value.unwrap_or_default());
                // The last one counts.
                match rewrite.and_then(|(at, rule)| Some((rewrites.get_mut(at)?, rule))) {
                    Some((slot, rule)) => *slot = Some(rule),
                    None => return Reading::Print(wrong_rewrite()),
                }
            }
            Item::Option(..) => {}
            Item::Wrong(what) => {
                let text = format!("{}: {what}\n", call.program());
                return Reading::Print(Printed::on_stderr(text, STATUSES.fatal));
            }
        }
    }
    let argv = options.rest().to_vec();
    if argv.is_empty() {
        let program = call.program();
        let text = format!(
            "Usage: {program} [option] program [args]\nTry {program} --help for full usage.\n"
        );
        return Reading::Print(Printed::on_stderr(text, STATUSES.fatal));
    }
    if debug || call.variable(b"DUMB_INIT_DEBUG") == Some(b"1") {
        flags.log_level = Some(LevelFilter::Debug);
    }
    for rule in rewrites.into_iter().flatten() {
        // One for each signal.
        flags.rewrites.add(rule).ok();
    }
    let single = single || call.variable(b"DUMB_INIT_SETSID") == Some(b"0");
    Reading::Run { flags: flags.into(), defaults: defaults(single).into(), argv }
}

/// What dumb-init does without being told more than whether the command has a session of its own.
fn defaults(single: bool) -> Settings {
    let mut defaults = crate::cli::transient();
    defaults.grouping = Some(if single { Grouping::Shared } else { Grouping::Session });
    defaults.forward_to = Some(if single { Target::Command } else { Target::Group });
    defaults.signal_at_end = Some(true);
    defaults.suspend_at = Some(JOB_STOPS.into_iter().fold(SignalSet::EMPTY, SignalSet::with));
    defaults.subreaper = Some(Subreaper::Off);
    defaults.statuses = Some(STATUSES);
    defaults.style = Some(STYLE);
    if !single {
        // Nobody above the command's session could continue it, so the kernel would ignore these.
        for signal in JOB_STOPS {
            defaults.rewrites.add(Rule::new(signal, Some(Signal::STOP))).ok();
        }
    }
    defaults
}

/// `15:3`, or `15:0` to drop it; the first as an index from 0.
fn rewrite(value: &[u8]) -> Option<(usize, Rule)> {
    let (from, rest) = integer(value)?;
    let (to, _) = integer(rest.strip_prefix(b":")?)?;
    let from = i32::try_from(from).ok().and_then(Signal::new)?;
    let at = usize::try_from(from.number()).ok()? - 1;
    let to = match to {
        0 => None,
        1..=31 => Some(i32::try_from(to).ok().and_then(Signal::new)?),
        _ => return None,
    };
    Some((at, Rule::new(from, to)))
}

fn wrong_rewrite() -> Printed {
    let text = format!(
        "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and {LAST}.\n\
         This option can be specified multiple times.\n\
         Use --help for full usage.\n"
    );
    Printed::on_stderr(text, STATUSES.fatal)
}

fn usage(call: &Call) -> String {
    format!(
        "{VERSION}\n\
         Usage: {} [option] command [[arg] ...]\n\
         \n\
         {}\
         \n\
         Options, up to the command or to --:\n\
         \x20  -c, --single-child   signals go to the command alone, which gets no session of its own\n\
         \x20  -r, --rewrite s:r    forward the signal number r where s comes; 0 drops it; repeatable\n\
         \x20  -v, --verbose        print what is done to standard error\n\
         \x20  -h, --help           print this text\n\
         \x20  -V, --version        print the version\n\
         \n\
         Variables: DUMB_INIT_DEBUG=1 is -v, DUMB_INIT_SETSID=0 is -c.\n",
        call.program(),
        crate::cli::ABOUT,
    )
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
