//! sexton's own command line: `sexton [OPTIONS] [--] COMMAND [ARG...]` and the `SEXTON_*` variables.

use super::flags::{Choice, FLAGS, Flag, Kind};
use super::settings::Settings;
use super::{Printed, Request};
use crate::environment::variable;
use crate::error::{Error, printable};
use crate::plan::{Inspection, LogFormat};
use crate::signal::Reason;
use std::ffi::CStr;

/// Reads the arguments after the program's name, and the environment.
///
/// # Errors
/// The first flag, value or variable that cannot be used, in one line.
pub fn parse<'a>(arguments: &[&'a CStr], environment: &[&'a CStr]) -> Result<Request<'a>, Error> {
    let mut flags = Box::<Settings>::default();
    match read_flags(arguments, &mut flags)? {
        Behind::Command(argv) => request(flags, None, argv.to_vec(), environment),
        Behind::Text(text) => Ok(Request::Print(Printed::on_stdout(text))),
    }
}

/// How lines are to look if what is read is wrong: as the flags before the first wrong one say, or the variable.
pub fn log_format(arguments: &[&CStr], environment: &[&CStr]) -> Option<LogFormat> {
    let mut settings = Box::<Settings>::default();
    read_flags(arguments, &mut settings).ok();
    // A look into a container is run with the container's variables, which are for its init.
    if settings.log_format.is_some() || settings.status.is_some() {
        return settings.log_format;
    }
    let flag = FLAGS.iter().find(|flag| flag.long == "log-format");
    let value =
        flag.and_then(|flag| Some((flag, variable(environment, flag.variable()?.as_bytes())?.1)));
    if let Some((flag, value)) = value {
        read_variable(flag, value, &mut settings).ok();
    }
    settings.log_format
}

/// What stands behind the flags.
enum Behind<'w, 'a> {
    /// The command.
    Command(&'w [&'a CStr]),
    /// Nothing that matters: this text is asked for.
    Text(String),
}

/// Reads the flags.
///
/// # Errors
/// The first that cannot be used; those before it have been read.
fn read_flags<'w, 'a>(
    arguments: &'w [&'a CStr],
    flags: &mut Settings,
) -> Result<Behind<'w, 'a>, Error> {
    let mut rest = arguments.iter();
    loop {
        let unread = rest.as_slice();
        match rest.next().map(|argument| argument.to_bytes()) {
            Some(b"--") => return Ok(Behind::Command(rest.as_slice())),
            Some([b'-', b'-', b'a', b's'] | [b'-', b'-', b'a', b's', b'=', ..]) => {
                return Err(Error::usage(
                    "--as comes first: sexton --as NAME [ITS OPTIONS] [--] COMMAND [ARG...]",
                ));
            }
            Some([b'-', b'-', long @ ..]) => {
                let (name, inline) = match long.iter().position(|&byte| byte == b'=') {
                    Some(at) => (long.get(..at), long.get(at + 1..)),
                    None => (Some(long), None),
                };
                let flag = find_long(name.unwrap_or_default())?;
                let mut next = || rest.next().map(|argument| argument.to_bytes());
                if let Some(text) = apply(flag, inline, &mut next, flags)? {
                    return Ok(Behind::Text(text));
                }
            }
            Some([b'-', letters @ ..]) if !letters.is_empty() => {
                for &letter in letters {
                    // No flag that takes a value has a short form.
                    let flag = find_short(letter)?;
                    if let Some(text) = apply(flag, None, &mut || None, flags)? {
                        return Ok(Behind::Text(text));
                    }
                }
            }
            _ => return Ok(Behind::Command(unread)),
        }
    }
}

/// What is asked for by the flags, by sexton's own variables, and by what is done without either.
///
/// # Errors
/// A variable that cannot be used; settings that contradict each other.
pub fn request<'a>(
    flags: Box<Settings>,
    defaults: Option<Box<Settings>>,
    argv: Vec<&'a CStr>,
    environment: &[&'a CStr],
) -> Result<Request<'a>, Error> {
    let own = |entry: &&CStr| entry.to_bytes().starts_with(b"SEXTON_");
    let (own, others): (Vec<&CStr>, Vec<&CStr>) = environment.iter().copied().partition(own);
    let mut settings = flags;
    // A look into a container is run with the container's variables, which are for its init.
    let looks = settings.status.is_some();
    if !own.is_empty() && !looks {
        settings.lay_over(read_variables(&own)?);
    }
    if let Some(defaults) = defaults {
        settings.lay_over(defaults);
    }
    if let Some(format) = settings.status.flatten() {
        if !argv.is_empty() {
            return Err(Error::usage("--status runs no command, and one is given"));
        }
        let check = settings.check == Some(true);
        return Ok(Request::Status(Inspection { format, check, colour: has_colour(environment) }));
    }
    if settings.check == Some(true) {
        return Err(Error::usage("--check goes with --status"));
    }
    let pause = settings.pause == Some(true);
    if pause && !argv.is_empty() {
        return Err(Error::usage("--pause runs no command, and one is given"));
    }
    if argv.is_empty() && !pause {
        return Err(Error::usage(
            "no command given: usage is sexton [OPTIONS] [--] COMMAND [ARG...], see sexton --help",
        ));
    }
    let request = match (pause, settings.dry_run) {
        (true, _) => Request::Pause,
        (false, Some(true)) => Request::DryRun,
        (false, _) => Request::Run,
    };
    let mut plan = settings.into_plan(argv, others).map_err(Error::usage)?;
    plan.unknown_variables = own.into_iter().filter(|entry| is_unknown(entry)).collect();
    Ok(request(Box::new(plan)))
}

/// Whether a terminal may be shown colours: <https://no-color.org>, and terminals that know none.
fn has_colour(environment: &[&CStr]) -> bool {
    let value = |name: &[u8]| variable(environment, name).map(|(_, value)| value);
    value(b"NO_COLOR").is_none_or(<[u8]>::is_empty) && value(b"TERM") != Some(b"dumb")
}

/// Whether a `SEXTON_*` variable is neither sexton's nor one of those that Kubernetes makes for a
/// service named "sexton".
fn is_unknown(entry: &CStr) -> bool {
    let name = entry.to_bytes().split(|&byte| byte == b'=').next().unwrap_or_default();
    let known = FLAGS.iter().filter_map(Flag::variable).any(|known| known.as_bytes() == name);
    let service = [&b"SEXTON_SERVICE_"[..], b"SEXTON_PORT"];
    !known && !service.iter().any(|prefix| name.starts_with(prefix))
}

/// Applies one flag; the text to print, if that is what it asks for.
fn apply<'a>(
    flag: &Flag,
    inline: Option<&'a [u8]>,
    next: &mut dyn FnMut() -> Option<&'a [u8]>,
    settings: &mut Settings,
) -> Result<Option<String>, Error> {
    let name = format!("--{}", flag.long);
    let takes_none = matches!(flag.kind, Kind::Switch(_) | Kind::Count(_) | Kind::Print(_));
    if takes_none && inline.is_some() {
        return Err(Error::usage(format!("{name} takes no value")));
    }
    match flag.kind {
        Kind::Value(metavar, apply) | Kind::List(metavar, apply) => {
            let value = inline
                .or_else(next)
                .ok_or_else(|| Error::usage(format!("{name} needs a value: {name} {metavar}")))?;
            apply.to(settings, value).map_err(|reason| Error::invalid(value, &name, reason))?;
        }
        Kind::Optional(_, apply) => {
            let choice = inline.map_or(Choice::Usual, Choice::This);
            let value = inline.unwrap_or_default();
            apply(settings, choice).map_err(|reason| Error::invalid(value, &name, reason))?;
        }
        Kind::Switch(apply) => {
            apply(settings, true).map_err(|reason| Error::usage(format!("{name}: {reason}")))?;
        }
        Kind::Count(apply) => apply(settings, 1),
        Kind::Print(text) => return Ok(Some(text())),
    }
    Ok(None)
}

/// The settings that the `SEXTON_*` variables make.
fn read_variables(environment: &[&CStr]) -> Result<Box<Settings>, Error> {
    let mut settings = Box::<Settings>::default();
    settings.from_variables = true;
    for flag in FLAGS {
        let Some(name) = flag.variable() else { continue };
        let Some((_, value)) = variable(environment, name.as_bytes()) else { continue };
        read_variable(flag, value, &mut settings)
            .map_err(|reason| Error::invalid(value, &name, reason))?;
    }
    if settings.log_level.is_some() || settings.log_to.is_some() || settings.log_format.is_some() {
        settings.warn_of_trouble = Some(true);
    }
    Ok(settings)
}

fn yes_or_no(value: &[u8]) -> Option<bool> {
    match value {
        b"1" | b"true" | b"yes" | b"on" => Some(true),
        b"0" | b"false" | b"no" | b"off" => Some(false),
        _ => None,
    }
}

fn read_variable(flag: &Flag, value: &[u8], settings: &mut Settings) -> Result<(), Reason> {
    match flag.kind {
        Kind::Value(_, apply) => apply.to(settings, value),
        Kind::List(_, apply) => {
            value.split(|&byte| byte == b',').try_for_each(|item| apply.to(settings, item))
        }
        Kind::Optional(_, apply) => {
            let choice = match yes_or_no(value) {
                Some(true) => Choice::Usual,
                Some(false) => Choice::Off,
                None => Choice::This(value),
            };
            apply(settings, choice).map_err(|reason| format!("{reason}, or yes or no").into())
        }
        Kind::Switch(apply) => match yes_or_no(value) {
            Some(on) => apply(settings, on),
            None => Err("expected 1, true, yes or on, or 0, false, no or off".into()),
        },
        Kind::Count(apply) => match value {
            [digit @ b'0'..=b'9'] => {
                apply(settings, (digit - b'0').into());
                Ok(())
            }
            _ => Err("expected a number from 0 to 9".into()),
        },
        Kind::Print(_) => Ok(()),
    }
}

fn find_long(name: &[u8]) -> Result<&'static Flag, Error> {
    FLAGS.iter().find(|flag| flag.long.as_bytes() == name).ok_or_else(|| {
        let name = printable(name);
        let near = FLAGS.iter().map(|flag| flag.long).find(|long| is_near(long, &name));
        let advice = match near {
            Some(long) => format!("did you mean --{long}?"),
            None => "see sexton --help".to_owned(),
        };
        Error::usage(format!("unknown option '--{name}': {advice}"))
    })
}

fn find_short(letter: u8) -> Result<&'static Flag, Error> {
    FLAGS.iter().find(|flag| flag.short == Some(char::from(letter))).ok_or_else(|| {
        let name = printable(&[letter]);
        Error::usage(format!("unknown option '-{name}': see sexton --help"))
    })
}

/// Whether two words are one typing error apart, or the one begins the other: enough to guess what
/// was meant, and never used for anything else.
fn is_near(known: &str, typed: &str) -> bool {
    let (known, typed) = (known.as_bytes(), typed.as_bytes());
    let common = known.iter().zip(typed).take_while(|(a, b)| a == b).count();
    // What follows the common beginning, and that without its first so many bytes.
    let (a, b) = (known.get(common..).unwrap_or_default(), typed.get(common..).unwrap_or_default());
    fn skip(word: &[u8], n: usize) -> &[u8] {
        word.get(n..).unwrap_or_default()
    }
    (common >= 3 && (a.is_empty() || b.is_empty()))
        || skip(a, 1) == skip(b, 1)
        || skip(a, 1) == b
        || a == skip(b, 1)
        || (skip(a, 2) == skip(b, 2) && a.first() == b.get(1) && b.first() == a.get(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Linger, Plan, Policy, Target};
    use crate::signal::Signal;
    use log::LevelFilter;
    use std::time::Duration;

    /// Runs `check` on the result for these words and variables.
    fn with<T>(
        words: &[&str],
        variables: &[&str],
        check: impl FnOnce(Result<Request, Error>) -> T,
    ) -> T {
        crate::cli::tests::with("sexton", words, variables, check)
    }

    fn plan<T>(words: &[&str], variables: &[&str], check: impl FnOnce(&Plan) -> T) -> T {
        with(words, variables, |result| match result {
            Ok(Request::Run(plan)) => check(&plan),
            other => panic!("{words:?} {variables:?}: {other:?}"),
        })
    }

    fn refused(words: &[&str], variables: &[&str]) -> String {
        with(words, variables, |result| match result {
            Err(error) => {
                assert_eq!(error.status, 125);
                let text = error.to_string();
                assert_eq!(text.lines().count(), 1, "{text}");
                text
            }
            other => panic!("{words:?} {variables:?}: {other:?}"),
        })
    }

    #[test]
    fn defaults() {
        plan(&["true"], &[], |plan| {
            assert_eq!(plan.argv, [c"true"]);
            assert_eq!(plan.policy, Policy::default());
            assert_eq!(plan.logging.level, LevelFilter::Warn);
        });
    }

    #[test]
    fn options_end_at_the_first_other_word_or_at_two_dashes() {
        for (words, argv) in [
            (vec!["cmd", "--grace", "1s"], vec!["cmd", "--grace", "1s"]),
            (vec!["--wait-all", "cmd", "-v"], vec!["cmd", "-v"]),
            (vec!["-v", "--", "--cmd"], vec!["--cmd"]),
            (vec!["--", "--", "x"], vec!["--", "x"]),
            (vec!["-"], vec!["-"]),
            (vec!["--grace", "--", "--"], vec![]),
        ] {
            if argv.is_empty() {
                assert!(refused(&words, &[]).contains("'--' for --grace"));
                continue;
            }
            plan(&words, &[], |plan| {
                let got: Vec<_> = plan.argv.iter().map(|a| a.to_str().unwrap()).collect();
                assert_eq!(got, argv);
            });
        }
    }

    #[test]
    fn values_stand_behind_a_space_or_an_equals_sign() {
        let grace = |words: &[&str]| plan(words, &[], |plan| plan.policy.grace);
        assert_eq!(grace(&["--grace", "7s", "x"]), Some(Duration::from_secs(7)));
        assert_eq!(grace(&["--grace=7s", "x"]), Some(Duration::from_secs(7)));
        assert_eq!(grace(&["--grace=none", "x"]), None);
    }

    #[test]
    fn v_raises_the_level_step_by_step() {
        let level =
            |words: &[&str], variables: &[&str]| plan(words, variables, |plan| plan.logging.level);
        assert_eq!(level(&["-v", "x"], &[]), LevelFilter::Info);
        assert_eq!(level(&["-vv", "x"], &[]), LevelFilter::Debug);
        assert_eq!(level(&["-v", "-v", "--verbose", "x"], &[]), LevelFilter::Trace);
        assert_eq!(level(&["-vvvvvvvvv", "x"], &[]), LevelFilter::Trace);
        assert_eq!(level(&["--log-level=error", "-v", "x"], &[]), LevelFilter::Warn);
        assert_eq!(level(&["x"], &["SEXTON_VERBOSE=2"]), LevelFilter::Debug);
        assert_eq!(level(&["-v", "x"], &["SEXTON_LOG_LEVEL=info"]), LevelFilter::Debug);
    }

    #[test]
    fn a_flag_beats_the_variable_and_lists_are_merged_item_by_item() {
        let variables = [
            "SEXTON_GRACE=1s",
            "SEXTON_LINGER=2s",
            "SEXTON_RLIMIT=nofile=10,core=0",
            "SEXTON_REWRITE=TERM=INT,HUP=ignore",
            "SEXTON_MAP_EXIT=1=0,2=0",
            "SEXTON_WAIT_ALL=yes",
        ];
        let words =
            ["--grace=9s", "--rlimit=nofile=20", "--rewrite=TERM=QUIT", "--map-exit=1=5", "x"];
        plan(&words, &variables, |plan| {
            assert_eq!(plan.policy.grace, Some(Duration::from_secs(9)));
            assert_eq!(plan.policy.linger, Linger::For(Duration::from_secs(2)));
            assert!(plan.policy.wait_all);
            assert_eq!(
                plan.surroundings.limits,
                ["nofile=20", "core=0"]
                    .map(|t| crate::rlimit::Spec::parse(t).unwrap())
                    .into_iter()
                    .rev()
                    .collect::<Vec<_>>(),
                "in the order of the kernel's numbers"
            );
            assert_eq!(plan.policy.rewrites.apply(Signal::TERM), Some(Signal::QUIT));
            assert_eq!(plan.policy.rewrites.apply(Signal::HUP), None);
            assert_eq!(plan.exit_map.apply(crate::outcome::Outcome::Exited(1)), 5);
            assert_eq!(plan.exit_map.apply(crate::outcome::Outcome::Exited(2)), 0);
        });
    }

    #[test]
    fn sextons_own_variables_are_kept_from_main_and_nothing_else_is() {
        let variables =
            ["A=1", "SEXTON_GRACE=1s", "SEXTON_UNKNOWN=x", "SEXTON=y", "no equals sign", "A=2"];
        plan(&["x"], &variables, |plan| {
            assert_eq!(plan.environment, [c"A=1", c"SEXTON=y", c"no equals sign", c"A=2"]);
        });
    }

    #[test]
    fn a_variable_that_only_looks_like_sextons_is_noted() {
        let variables = [
            "SEXTON_GRACEE=1s",
            "SEXTON_LINGER=1s",
            "SEXTON_PORT_80_TCP=x",
            "SEXTON_SERVICE_HOST=y",
        ];
        plan(&["x"], &variables, |plan| assert_eq!(plan.unknown_variables, [c"SEXTON_GRACEE=1s"]));
    }

    /// What no flag can use; a path and the name of a variable may be almost anything.
    fn malformed(flag: &Flag) -> &'static str {
        match flag.long {
            "chdir" | "stdin" | "report" => "",
            "stdout" | "stderr" => ">>",
            "unset-env" => "A=1",
            _ => "no such value",
        }
    }

    fn takes_value(flag: &Flag) -> bool {
        matches!(flag.kind, Kind::Value(..) | Kind::List(..))
    }

    #[test]
    fn every_flag_refuses_what_it_cannot_use() {
        for flag in FLAGS {
            let long = format!("--{}", flag.long);
            let Some(variable) = flag.variable() else {
                assert!(refused(&[&format!("{long}=x"), "cmd"], &[]).contains("takes no value"));
                continue;
            };
            if matches!(flag.kind, Kind::Optional(..)) {
                assert!(
                    refused(&[&format!("{long}="), "cmd"], &[]).contains(&format!("'' for {long}"))
                );
                continue;
            }
            if takes_value(flag) {
                assert!(refused(&[&long], &[]).contains(&format!("{long} needs a value")));
                let error = refused(&[&long, malformed(flag), "cmd"], &[]);
                assert!(error.contains(&format!("'{}' for {long}: ", malformed(flag))), "{error}");
                let error = refused(&[&format!("{long}="), "cmd"], &[]);
                assert!(error.contains(&format!("'' for {long}: ")), "{error}");
            } else {
                assert!(refused(&[&format!("{long}=x"), "cmd"], &[]).contains("takes no value"));
            }
            let error = refused(&["cmd"], &[&format!("{variable}={}", malformed(flag))]);
            assert!(error.contains(&format!("'{}' for {variable}: ", malformed(flag))), "{error}");
            assert!(
                refused(&["cmd"], &[&format!("{variable}=")])
                    .contains(&format!("'' for {variable}"))
            );
        }
    }

    /// For each flag: a good value, and one that is well formed but out of range.
    const VALUES: [(&str, &str, Option<&str>); 32] = [
        ("forward-to", "child", None),
        ("rewrite", "TERM=QUIT", Some("TERM=65")),
        ("stop-signals", "TERM,INT", Some("TERM,KILL")),
        ("drain", "1s", Some("1000000001s")),
        ("grace", "1s", Some("99999999999h")),
        ("escalate", "INT:5s", Some("INT:0s")),
        ("linger", "1s", Some("1000000001")),
        ("pdeathsig", "TERM", Some("65")),
        ("user", "app:50", Some("4294967295")),
        ("groups", "audio,5", Some("4294967295")),
        ("cap-drop", "chown", None),
        ("cap-keep", "chown", None),
        ("cap-ambient", "chown", None),
        ("chdir", "/tmp", None),
        ("umask", "027", Some("1000")),
        ("env", "A=1", None),
        ("unset-env", "A", None),
        ("rlimit", "nofile=10", Some("nice=41")),
        ("nice", "-5", Some("20")),
        ("cpus", "0-3,6", Some("1024")),
        ("sched", "fifo:9", Some("fifo:100")),
        ("ionice", "idle", Some("realtime:8")),
        ("oom-score-adj", "500", Some("1001")),
        ("stdin", "/in", None),
        ("stdout", ">>/out", None),
        ("stderr", "/err", None),
        ("subreaper", "auto", None),
        ("map-exit", "1=0", Some("256=0")),
        ("log-level", "info", None),
        ("log-to", "udp://127.0.0.1", Some("tcp://127.0.0.1:0")),
        ("log-format", "json", None),
        ("report", "/report", None),
    ];

    #[test]
    fn every_flag_refuses_to_be_given_twice_and_what_is_out_of_range() {
        for flag in FLAGS.iter().filter(|flag| takes_value(flag)) {
            let &(_, good, bad) =
                VALUES.iter().find(|(name, ..)| *name == flag.long).expect(flag.long);
            let long = format!("--{}", flag.long);
            plan(&[&long, good, "cmd"], &[], |_| ());
            let error = refused(&[&long, good, &long, good, "cmd"], &[]);
            assert!(error.contains(&format!("'{good}' for {long}: ")), "{error}");
            if let Some(bad) = bad {
                let error = refused(&[&long, bad, "cmd"], &[]);
                assert!(error.contains(&format!("'{bad}' for {long}: ")), "{error}");
            }
        }
        for switch in FLAGS.iter().filter(|flag| matches!(flag.kind, Kind::Switch(_))) {
            let long = format!("--{}", switch.long);
            assert!(refused(&[&long, &long, "cmd"], &[]).contains("twice"));
        }
    }

    #[test]
    fn an_optional_value_may_be_left_out() {
        let log = |words: &[&str], variables: &[&str]| {
            plan(words, variables, |plan| {
                let log = plan.termination_log.clone();
                log.map(|log| (log.path.into_string().unwrap(), log.by_default))
            })
        };
        let usual = Some(("/dev/termination-log".to_owned(), true));
        let other = Some(("/x".to_owned(), false));
        assert_eq!(log(&["cmd"], &[]), None);
        assert_eq!(log(&["--termination-log", "cmd"], &[]), usual);
        assert_eq!(log(&["--termination-log=/x", "cmd"], &[]), other);
        assert_eq!(log(&["cmd"], &["SEXTON_TERMINATION_LOG=yes"]), usual);
        assert_eq!(log(&["cmd"], &["SEXTON_TERMINATION_LOG=/x"]), other);
        assert_eq!(log(&["cmd"], &["SEXTON_TERMINATION_LOG=no"]), None);
        assert_eq!(log(&["--termination-log", "cmd"], &["SEXTON_TERMINATION_LOG=no"]), usual);
        // The words are a variable's alone.
        let error = refused(&["--termination-log=yes", "cmd"], &[]);
        assert!(
            error.ends_with("'yes' for --termination-log: expected an absolute path"),
            "{error}"
        );
        let error = refused(&["cmd"], &["SEXTON_TERMINATION_LOG=maybe"]);
        assert!(error.ends_with(": expected an absolute path, or yes or no"), "{error}");
        let error = refused(&["cmd"], &["SEXTON_STATUS=maybe"]);
        assert!(error.ends_with(": expected one of text, json, or yes or no"), "{error}");
        let long = "--termination-log";
        assert!(refused(&[long, long, "cmd"], &[]).contains("twice"));
    }

    #[test]
    fn an_escalation_must_fit_into_the_grace() {
        assert!(refused(&["--grace=10s", "--escalate=INT:5s,QUIT:5s", "x"], &[]).contains("10s"));
        plan(&["--grace=11s", "--escalate=INT:5s,QUIT:5s", "x"], &[], |_| ());
        plan(&["--grace=none", "--escalate=INT:5m", "x"], &[], |_| ());
    }

    #[test]
    fn unknown_options_are_named_and_a_near_one_is_offered() {
        assert!(refused(&["--graec", "5", "x"], &[]).contains("'--graec': did you mean --grace?"));
        assert!(refused(&["--lingr=5", "x"], &[]).contains("did you mean --linger?"));
        assert!(refused(&["--zzz", "x"], &[]).contains("see sexton --help"));
        assert!(refused(&["-x"], &[]).contains("'-x'"));
        assert!(refused(&["-vx"], &[]).contains("'-x'"));
        assert!(refused(&["--new\nline"], &[]).contains("\\n"));
    }

    #[test]
    fn a_missing_command_shows_the_usage() {
        assert!(refused(&[], &[]).contains("sexton [OPTIONS] [--] COMMAND"));
        assert!(refused(&["-v", "--"], &[]).contains("no command"));
    }

    #[test]
    fn help_and_version_need_no_command_and_no_good_environment() {
        for words in [["--help"], ["-h"], ["--version"], ["-V"]] {
            with(&words, &["SEXTON_GRACE=bad"], |result| {
                assert!(matches!(result, Ok(Request::Print(_))));
            });
        }
    }

    #[test]
    fn targets_and_stop_signals_are_read() {
        plan(&["--forward-to=all", "--stop-signals=INT,RTMIN+3", "x"], &[], |plan| {
            assert_eq!(plan.policy.forward_to, Target::Tree);
            assert!(plan.policy.stop_signals.contains(Signal::INT));
            assert!(!plan.policy.stop_signals.contains(Signal::TERM));
        });
    }

    #[test]
    fn a_value_that_is_no_text_or_endless_is_shown_in_one_line() {
        let error = parse(&[c"--grace", c"\xff\xfe", c"x"], &[]).unwrap_err().to_string();
        assert!(error.contains("not valid UTF-8"), "{error}");
        for (flag, start, reason) in [
            ("--grace", "", "expected a duration"),
            ("--rlimit", "as=", "as must be a size"),
            ("--cap-drop", "", "is not a capability"),
            ("--cpus", "", "expected CPUs from 0 to 1023"),
            ("--sched", "fifo:", "from 1 to 99"),
            ("--ionice", "idle:", "expected realtime"),
            ("--ionice", "realtime:", "from 0 to 7"),
            ("--user", "-", "expected the name"),
            ("--groups", "+", "expected the name"),
            ("--log-to", "udp://", "names are not looked up"),
        ] {
            let long = start.to_owned() + &"x".repeat(100_000);
            let error = refused(&[flag, &long, "x"], &[]);
            assert!(error.len() < 500 && error.contains(reason), "{error}");
        }
        let long = "x".repeat(100_000);
        let error = refused(&["--rlimit", &format!("{long}=1"), "x"], &[]);
        assert!(error.len() < 500 && error.contains("known are cpu"), "{error}");
        let error = refused(&["--unset-env", &long, "--unset-env", &long, "x"], &[]);
        assert!(error.len() < 500 && error.contains("twice"), "{error}");
    }
}
