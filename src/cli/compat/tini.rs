//! tini, which Docker calls docker-init: `tini [OPTIONS] PROGRAM -- [ARGS] | --version`.

use super::getopt::{Getopt, Item, integer};
use super::invocation::{self, Invocation, licence, set_common_defaults, usage};
use crate::cli::draft::Draft;
use crate::cli::texts::TINI;
use crate::plan::request::Printed;
use crate::plan::{Statuses, Style, Subreaper, Target};
use crate::text::escape::Visible;
use crate::values::error::printable;
use crate::values::exit_map;
use crate::values::rewrite;
use crate::values::signal::Signal;
use log::LevelFilter;
use std::ffi::CStr;
use std::mem::take;

/// The version with the same interface, in the form that the Docker daemon parses.
const VERSION: &str = "tini version 0.19.0 - git.sexton";

static STYLE: Style = Style {
    fatal: "[FATAL tini (PID)] ",
    levels: [
        "[FATAL tini (PID)] ",
        "[WARN  tini (PID)] ",
        "[INFO  tini (PID)] ",
        "[DEBUG tini (PID)] ",
        "[TRACE tini (PID)] ",
    ],
    hint: None,
    quiet_to_stdout: true,
};

const STATUSES: Statuses =
    Statuses { fatal: 1, not_found: 127, incomplete: 127, denied: 126, not_executable: 1 };

/// What tini's command line and variables ask for.
#[derive(Default)]
pub struct Options<'a> {
    argv: Vec<&'a CStr>,
    /// `-g`
    to_group: bool,
    /// `-s`
    subreaper: bool,
    /// `-w`
    warn_on_reap: bool,
    /// `-p`
    parent_death_signal: Option<Signal>,
    /// `-e`: statuses that become 0.
    expected: Vec<u8>,
    /// 1 and the number of `-v`, or the variable.
    verbosity: i64,
}

impl<'a> invocation::Options<'a> for Options<'a> {
    fn read(&mut self, call: &Invocation<'a, '_>) -> Result<(), Printed> {
        if let [only] = call.arguments
            && only.to_bytes() == b"--version"
        {
            return Err(Printed::on_stdout(format!("{VERSION}\n")));
        }
        self.verbosity = 1;
        let mut words = Getopt::new("p:hvwgle:s", &[], call.arguments);
        for word in words.by_ref() {
            match word {
                Item::Option(b'h', _) => return Err(Printed::on_stdout(help(call))),
                Item::Option(b'l', _) => return Err(Printed::on_stdout(licence())),
                Item::Option(b'v', _) => self.verbosity += 1,
                Item::Option(b'w', _) => self.warn_on_reap = true,
                Item::Option(b'g', _) => self.to_group = true,
                Item::Option(b's', _) => self.subreaper = true,
                Item::Option(b'p', value) => {
                    let value = value.unwrap_or_default();
                    let signal = parent_death_signal(value);
                    let signal = signal.ok_or_else(|| not_valid(call, 'p', value))?;
                    self.parent_death_signal = Some(signal);
                }
                Item::Option(b'e', value) => {
                    let value = value.unwrap_or_default();
                    let status =
                        expected_status(value).ok_or_else(|| not_valid(call, 'e', value))?;
                    self.expected.push(status);
                }
                Item::Option(..) => {}
                Item::Wrong(reason) => {
                    let text = format!("{}: {reason}\n{}", call.program(), help(call));
                    return Err(Printed::on_stderr(text, STATUSES.fatal));
                }
            }
        }
        self.argv = words.rest().to_vec();
        if self.argv.is_empty() {
            return Err(Printed::on_stderr(help(call), STATUSES.fatal));
        }
        // The usage says `PROGRAM -- ARGS`, and glibc's getopt removes the dashes.
        if self.argv.get(1).is_some_and(|word| word.to_bytes() == b"--")
            && !words.ended_by_dashes()
            && !call.has_variable(b"POSIXLY_CORRECT")
        {
            self.argv.remove(1);
        }
        self.subreaper |= call.has_variable(b"TINI_SUBREAPER");
        self.to_group |= call.has_variable(b"TINI_KILL_PROCESS_GROUP");
        if let Some(value) = call.variable(b"TINI_VERBOSITY") {
            self.verbosity = integer(value).map_or(0, |(number, _)| number);
        }
        Ok(())
    }

    fn set_defaults(&self, draft: &mut Draft) {
        set_common_defaults(draft);
        draft.plan.subreaper = Subreaper::Off;
        draft.plan.warn_if_not_adopting = true;
        draft.plan.logging.style = &STYLE;
        for signal in [Signal::TTIN, Signal::TTOU] {
            draft.rewrite(rewrite::Rule::new(signal, None)).ok(); // no rewrite is in conflict with another
        }
    }

    fn set_options(&mut self, draft: &mut Draft<'a>) -> Result<(), Printed> {
        draft.plan.argv = take(&mut self.argv);
        if self.to_group {
            draft.plan.policy.forward_to = Target::Group;
        }
        if self.subreaper {
            draft.plan.subreaper = Subreaper::On;
        }
        if self.warn_on_reap {
            draft.plan.warn_on_reap = true;
        }
        if self.parent_death_signal.is_some() {
            draft.plan.parent_death_signal = self.parent_death_signal;
        }
        if self.verbosity != 1 {
            draft.plan.logging.level = level(self.verbosity);
        }
        // In tini it is a child that cannot execute the command, and its exit status is mapped like any other.
        let mapped = |status: u8| if self.expected.contains(&status) { 0 } else { status };
        draft.plan.statuses = Statuses {
            fatal: STATUSES.fatal,
            not_found: mapped(STATUSES.not_found),
            incomplete: mapped(STATUSES.incomplete),
            denied: mapped(STATUSES.denied),
            not_executable: mapped(STATUSES.not_executable),
        };
        for &status in &self.expected {
            draft.map_exit(exit_map::Rule::status(status, 0)).ok(); // a repeated one is mapped already
        }
        Ok(())
    }
}

fn level(verbosity: i64) -> LevelFilter {
    match verbosity {
        0 => LevelFilter::Error,
        1 => LevelFilter::Warn,
        2 => LevelFilter::Info,
        3 => LevelFilter::Debug,
        // In tini the number is unsigned, so a negative one is large.
        _ => LevelFilter::Trace,
    }
}

/// `-p`: a name with SIG, in upper case, of a signal of POSIX.
fn parent_death_signal(value: &[u8]) -> Option<Signal> {
    let name = std::str::from_utf8(value).ok()?;
    let signal = Signal::parse(name).ok()?;
    // tini knows no other spelling than the one that sexton shows.
    let known = signal.to_string() == name
        && signal.number() < 32
        && !matches!(name, "SIGSTKFLT" | "SIGIO" | "SIGPWR");
    known.then_some(signal)
}

/// `-e`: a status that becomes 0.
fn expected_status(value: &[u8]) -> Option<u8> {
    match integer(value) {
        _ if value.is_empty() => Some(0),
        Some((number, [])) => u8::try_from(number).ok(),
        _ => None,
    }
}

fn not_valid(call: &Invocation, letter: char, value: &[u8]) -> Printed {
    let value = String::from_utf8_lossy(value);
    let text = format!("Not a valid option for -{letter}: {}\n", Visible(&value));
    call.fatal(&STYLE, &text, STATUSES.fatal)
}

fn help(call: &Invocation) -> String {
    let name = call.program.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let name = printable(name);
    let call =
        format_args!("{name} ({VERSION})\nUsage: {name} [OPTIONS] PROGRAM -- [ARGS] | --version\n");
    usage(call, TINI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{printed, running};
    use crate::plan::Linger;
    use crate::values::outcome::Outcome;

    #[test]
    fn a_version_that_the_docker_daemon_parses_is_printed_for_a_single_argument() {
        let text = printed("tini", &["--version"], &[], (false, 0));
        let (version, commit) = text.trim_end().split_once(" - git.").unwrap();
        assert!(version.starts_with("tini version ") && !commit.contains(['.', ' ']), "{text}");
        printed("tini", &["--version", "x"], &[], (true, 1));
        printed("tini", &["-v", "--version"], &[], (true, 1));
    }

    #[test]
    fn a_usage_text_goes_to_standard_output_only_if_it_is_asked_for() {
        for name in ["tini", "/sbin/docker-init", "./tini-static"] {
            let text = printed(name, &["-vh", "x"], &[], (false, 0));
            let own = name.rsplit('/').next().unwrap();
            assert!(text.starts_with(&format!("{own} (tini version ")), "{text}");
            assert_eq!(text, printed(name, &[], &[], (true, 1)));
            let wrong = printed(name, &["-x", "-h"], &[], (true, 1));
            assert_eq!(wrong, format!("{name}: invalid option -- 'x'\n{text}"));
        }
    }

    #[test]
    fn options_make_the_plan() {
        let words = ["-gsw", "-pSIGKILL", "-e143", "-e", "3", "-vv", "cmd", "-x"];
        running("tini", &words, &["TINI_X=1"], |plan| {
            assert_eq!(plan.argv, [c"cmd", c"-x"]);
            assert_eq!(plan.environment, [c"TINI_X=1"]);
            assert_eq!(plan.policy.forward_to, Target::Group);
            assert_eq!((plan.policy.grace, plan.policy.linger), (None, Linger::Leave));
            assert_eq!(plan.policy.rewrites.apply(Signal::TTIN), None);
            assert_eq!(plan.subreaper, Subreaper::On);
            assert_eq!(plan.parent_death_signal, Some(Signal::KILL));
            assert_eq!(plan.logging.level, LevelFilter::Debug);
            assert!(plan.warn_on_reap && !plan.warn_of_trouble);
            let status = |n| plan.exit_map.apply(Outcome::Exited(n));
            assert_eq!([status(143), status(3), status(4)], [0, 0, 4]);
        });
    }

    #[test]
    fn variables_count_when_present_and_the_verbosity_overrides() {
        let variables = ["TINI_SUBREAPER=", "TINI_KILL_PROCESS_GROUP=0", "TINI_VERBOSITY=2"];
        running("tini", &["-vvv", "cmd"], &variables, |plan| {
            assert_eq!(plan.subreaper, Subreaper::On);
            assert_eq!(plan.policy.forward_to, Target::Group);
            assert_eq!(plan.logging.level, LevelFilter::Info);
        });
        for (value, level) in [
            ("0", LevelFilter::Error),
            ("x", LevelFilter::Error),
            ("-1", LevelFilter::Trace),
            (" 9", LevelFilter::Trace),
        ] {
            running("tini", &["cmd"], &[&format!("TINI_VERBOSITY={value}")], |plan| {
                assert_eq!(plan.logging.level, level);
            });
        }
    }

    #[test]
    fn dashes_behind_the_program_are_removed() {
        let argv = |words: &[&str], variables: &[&str]| {
            running("tini", words, variables, |plan| plan.argv.len())
        };
        assert_eq!(argv(&["cmd", "--", "-x"], &[]), 2);
        assert_eq!(argv(&["cmd", "a", "--", "-x"], &[]), 4);
        assert_eq!(argv(&["--", "cmd", "--", "-x"], &[]), 3);
        assert_eq!(argv(&["cmd", "--", "-x"], &["POSIXLY_CORRECT="]), 3);
    }

    #[test]
    fn values_are_checked_like_in_tini() {
        for words in [
            ["-p", "KILL"],
            ["-p", "9"],
            ["-p", "sigkill"],
            ["-p", "SIGIO"],
            ["-p", "SIGRTMIN"],
            ["-p", ""],
            ["-e", "256"],
            ["-e", "-1"],
            ["-e", "3x"],
            ["-e", " "],
        ] {
            let text = printed("tini", &[words[0], words[1], "cmd"], &[], (true, 1));
            let expected = format!("Not a valid option for {}: {}\n", words[0], words[1]);
            assert_eq!(text, format!("[FATAL tini (77)] {expected}"));
        }
        let text = printed("tini", &["-e", "\x1b[31m\n", "cmd"], &[], (true, 1));
        assert_eq!(text, "[FATAL tini (77)] Not a valid option for -e: \\u{1b}[31m\\n\n");
        for words in [["-p", "SIGCHLD"], ["-e", ""], ["-e", " +3"], ["-e", "-0"]] {
            running("tini", &[words[0], words[1], "cmd"], &[], |_| ());
        }
    }
}
