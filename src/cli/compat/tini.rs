//! tini, which Docker calls docker-init: `tini [OPTIONS] PROGRAM -- [ARGS] | --version`.

use super::getopt::{Getopt, Item, integer};
use crate::cli::settings::Settings;
use crate::cli::{Call, Printed, Reading};
use crate::plan::{Prefix, Statuses, Style, Subreaper, Target};
use crate::text::escape::visible;
use crate::values::exit_map::Rule;
use crate::values::outcome::Outcome;
use crate::values::rewrite;
use crate::values::signal::Signal;
use log::LevelFilter;

/// The version whose interface this is, in the form that the Docker daemon reads.
const VERSION: &str = "tini version 0.19.0 - git.sexton";

const STYLE: Style = Style {
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

/// Reads tini's command line and variables.
pub fn read<'a>(call: &Call<'a, '_>) -> Reading<'a> {
    if let [only] = call.words
        && only.to_bytes() == b"--version"
    {
        return Reading::Print(Printed::on_stdout(format!("{VERSION}\n")));
    }
    let mut flags = Settings::default();
    let mut verbosity = 1;
    let mut options = Getopt::new("p:hvwgle:s", &[], call.words);
    for option in options.by_ref() {
        match option {
            Item::Option(b'h', _) => return Reading::Print(Printed::on_stdout(usage(call))),
            Item::Option(b'l', _) => {
                return Reading::Print(Printed::on_stdout(crate::cli::licence()));
            }
            Item::Option(b'v', _) => verbosity += 1,
            Item::Option(b'w', _) => flags.warn_on_reap = Some(true),
            Item::Option(b'g', _) => flags.forward_to = Some(Target::Group),
            Item::Option(b's', _) => flags.subreaper = Some(Subreaper::On),
            Item::Option(letter @ (b'p' | b'e'), value) => {
                let value = value.unwrap_or_default();
                let read = if letter == b'p' { parent_death } else { expected_status };
                if read(value, &mut flags).is_none() {
                    return Reading::Print(not_valid(call, letter, value));
                }
            }
            Item::Option(..) => {}
            Item::Wrong(what) => {
                let text = format!("{}: {what}\n{}", call.program(), usage(call));
                return Reading::Print(Printed::on_stderr(text, STATUSES.fatal));
            }
        }
    }
    let mut argv = options.rest().to_vec();
    if argv.is_empty() {
        return Reading::Print(Printed::on_stderr(usage(call), STATUSES.fatal));
    }
    // `PROGRAM -- ARGS`, as the usage has it: the getopt of glibc takes the dashes out.
    if argv.get(1).is_some_and(|word| word.to_bytes() == b"--")
        && !options.ended_by_dashes()
        && !call.has_variable(b"POSIXLY_CORRECT")
    {
        argv.remove(1);
    }
    if call.has_variable(b"TINI_SUBREAPER") {
        flags.subreaper = Some(Subreaper::On);
    }
    if call.has_variable(b"TINI_KILL_PROCESS_GROUP") {
        flags.forward_to = Some(Target::Group);
    }
    if let Some(value) = call.variable(b"TINI_VERBOSITY") {
        verbosity = integer(value).map_or(0, |(number, _)| number);
    }
    // For tini it is the child that has failed, with a status like any other.
    let mapped = |status| flags.exit_map.apply(Outcome::Exited(status));
    let statuses = Statuses {
        fatal: STATUSES.fatal,
        not_found: mapped(STATUSES.not_found),
        incomplete: mapped(STATUSES.incomplete),
        denied: mapped(STATUSES.denied),
        not_executable: mapped(STATUSES.not_executable),
    };
    flags.statuses = Some(statuses);
    if verbosity != 1 {
        flags.log_level = Some(level(verbosity));
    }
    Reading::Run { flags: flags.into(), defaults: defaults().into(), argv }
}

/// What tini does without being told.
fn defaults() -> Settings {
    let mut defaults = crate::cli::transient();
    defaults.subreaper = Some(Subreaper::Off);
    defaults.warn_if_not_adopting = Some(true);
    defaults.style = Some(STYLE);
    for signal in [Signal::TTIN, Signal::TTOU] {
        // They are not in the list yet.
        defaults.rewrites.add(rewrite::Rule::new(signal, None)).ok();
    }
    defaults
}

fn level(verbosity: i64) -> LevelFilter {
    match verbosity {
        0 => LevelFilter::Error,
        1 => LevelFilter::Warn,
        2 => LevelFilter::Info,
        3 => LevelFilter::Debug,
        // It is unsigned: less than 0 is more than anything.
        _ => LevelFilter::Trace,
    }
}

/// `-p`: a name with SIG, in upper case, of those that POSIX has.
fn parent_death(value: &[u8], flags: &mut Settings) -> Option<()> {
    let name = std::str::from_utf8(value).ok()?;
    let signal = Signal::parse(name).ok()?;
    let unknown = ["SIGSTKFLT", "SIGIO", "SIGPWR"];
    // The name that it has here is the only one that it has there.
    let known = signal.to_string() == name && signal.number() < 32 && !unknown.contains(&name);
    known.then(|| flags.parent_death_signal = Some(signal))
}

/// `-e`: a status that becomes 0.
fn expected_status(value: &[u8], flags: &mut Settings) -> Option<()> {
    let status = match integer(value) {
        _ if value.is_empty() => 0,
        Some((number, [])) => u8::try_from(number).ok()?,
        _ => return None,
    };
    // It fails if the status is mapped already, and then to the same.
    flags.exit_map.add(Rule::status(status, 0)).ok();
    Some(())
}

fn not_valid(call: &Call, letter: u8, value: &[u8]) -> Printed {
    let prefix = Prefix(STYLE.fatal, call.pid);
    let value = visible(&String::from_utf8_lossy(value));
    let text = format!("{prefix}Not a valid option for -{}: {value}\n", char::from(letter));
    Printed::on_stderr(text, STATUSES.fatal)
}

fn usage(call: &Call) -> String {
    let name = call.name();
    format!(
        "{name} ({VERSION})\n\
         Usage: {name} [OPTIONS] PROGRAM -- [ARGS] | --version\n\
         \n\
         {ABOUT}\
         \n\
         Options, up to the program or to --:\n\
         \x20 --version   print the version, as the only argument\n\
         \x20 -h          print this text\n\
         \x20 -l          print the licence\n\
         \x20 -s          adopt orphans (child subreaper) when not PID 1\n\
         \x20 -p SIGNAL   get SIGNAL when the parent dies, such as SIGKILL\n\
         \x20 -v          print more; up to three times\n\
         \x20 -w          warn of each orphan that is reaped\n\
         \x20 -g          signals go to the program's process group\n\
         \x20 -e STATUS   exit with 0 where it would be STATUS (0 to 255)\n\
         \n\
         Variables: TINI_SUBREAPER and TINI_KILL_PROCESS_GROUP, if present, are -s and -g;\n\
         TINI_VERBOSITY is the level of -v (1 without any).\n",
        ABOUT = crate::cli::ABOUT,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{printed, running};
    use crate::plan::Linger;

    #[test]
    fn the_version_is_what_the_docker_daemon_reads_and_only_alone() {
        let text = printed("tini", &["--version"], &[], (false, 0));
        let (version, commit) = text.trim_end().split_once(" - git.").unwrap();
        assert!(version.starts_with("tini version ") && !commit.contains(['.', ' ']), "{text}");
        printed("tini", &["--version", "x"], &[], (true, 1));
        printed("tini", &["-v", "--version"], &[], (true, 1));
    }

    #[test]
    fn usage_goes_to_standard_output_if_asked_for_and_to_standard_error_if_not() {
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
    fn the_dashes_behind_the_program_are_taken_out() {
        let argv = |words: &[&str], variables: &[&str]| {
            running("tini", words, variables, |plan| plan.argv.len())
        };
        assert_eq!(argv(&["cmd", "--", "-x"], &[]), 2);
        assert_eq!(argv(&["cmd", "a", "--", "-x"], &[]), 4);
        assert_eq!(argv(&["--", "cmd", "--", "-x"], &[]), 3);
        assert_eq!(argv(&["cmd", "--", "-x"], &["POSIXLY_CORRECT="]), 3);
    }

    #[test]
    fn values_are_checked_as_tini_does() {
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
