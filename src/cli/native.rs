//! sexton's own command line: `sexton [OPTIONS] [--] COMMAND [ARG...]` and the `SEXTON_*` variables.

use super::flags::{Choice, FLAGS, Flag, Kind, PREFIX};
use super::settings::Settings;
use super::{Printed, Request};
use crate::plan::{Inspection, LogFormat, Unknown};
use crate::values::environment::variable;
use crate::values::error::{Error, printable};
use crate::values::signal::Reason;
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
    let own = |entry: &&CStr| entry.to_bytes().starts_with(PREFIX.as_bytes());
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
    let dry_run = settings.dry_run.flatten();
    let mut plan = settings.into_plan(argv, others).map_err(Error::usage)?;
    plan.unknown_variables = own.into_iter().filter_map(unknown).collect();
    plan.hint_if_not_found = plan.argv.first().and_then(|command| hint_if_not_found(command));
    let plan = Box::new(plan);
    Ok(match (pause, dry_run) {
        (true, _) => Request::Pause(plan),
        (false, Some(values)) => Request::DryRun(plan, values),
        (false, None) => Request::Run(plan),
    })
}

/// Whether a terminal may be shown colours: <https://no-color.org>, and terminals that know none.
fn has_colour(environment: &[&CStr]) -> bool {
    let value = |name: &[u8]| variable(environment, name).map(|(_, value)| value);
    value(b"NO_COLOR").is_none_or(<[u8]>::is_empty) && value(b"TERM") != Some(b"dumb")
}

/// A `SEXTON_*` variable that is neither sexton's nor one of those that Kubernetes makes for a service named
/// "sexton". One that is empty counts for as much as one that is not set.
fn unknown(entry: &CStr) -> Option<Unknown<'_>> {
    let entry = entry.to_bytes();
    let name = entry.split(|&byte| byte == b'=').next().unwrap_or_default();
    let is_empty = entry.strip_prefix(name) == Some(b"=");
    let known = || FLAGS.iter().filter_map(Flag::variable);
    let service = [&b"SEXTON_SERVICE_"[..], b"SEXTON_PORT"];
    let is_known = known().any(|known| known.as_bytes() == name)
        || service.iter().any(|prefix| name.starts_with(prefix));
    if is_empty || is_known {
        return None;
    }
    let own = |name: &str| name.strip_prefix(PREFIX).map(str::to_owned);
    let typed = std::str::from_utf8(name).ok().and_then(own);
    let near = typed.and_then(|typed| {
        known().find(|known| own(known).is_some_and(|known| is_near(&known, &typed)))
    });
    Some(Unknown { name, near })
}

/// If the command looks like an option, it was most likely to be one: behind `ENTRYPOINT ["/sexton", "--"]` all that
/// `docker run` is given is the command.
fn hint_if_not_found(command: &CStr) -> Option<String> {
    let word = command.to_bytes();
    let name = word.strip_prefix(b"-").filter(|name| !name.is_empty())?;
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let name = name.split(|&byte| byte == b'=').next().unwrap_or_default();
    let flag = FLAGS.iter().find(|flag| flag.long.as_bytes() == name);
    Some(match flag.and_then(Flag::variable) {
        Some(variable) => {
            format!("options stand before '--'; this one can also be set by {variable}")
        }
        None => "options stand before '--'".to_owned(),
    })
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
        // As Compose and Kubernetes write what is not set: `SEXTON_GRACE=`.
        if value.is_empty() {
            continue;
        }
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
    use crate::values::environment::Values;
    use crate::values::signal::Signal;
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
                plan.attributes.limits,
                ["nofile=20", "core=0"]
                    .map(|t| crate::values::rlimit::Spec::parse(t).unwrap())
                    .into_iter()
                    .rev()
                    .collect::<Vec<_>>(),
                "in the order of the kernel's numbers"
            );
            assert_eq!(plan.policy.rewrites.apply(Signal::TERM), Some(Signal::QUIT));
            assert_eq!(plan.policy.rewrites.apply(Signal::HUP), None);
            assert_eq!(plan.exit_map.apply(crate::values::outcome::Outcome::Exited(1)), 5);
            assert_eq!(plan.exit_map.apply(crate::values::outcome::Outcome::Exited(2)), 0);
        });
    }

    #[test]
    fn sextons_own_variables_are_kept_from_the_command_and_nothing_else_is() {
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
        plan(&["x"], &variables, |plan| {
            let near = Some("SEXTON_GRACE".to_owned());
            assert_eq!(plan.unknown_variables, [Unknown { name: b"SEXTON_GRACEE", near }]);
        });
    }

    #[test]
    fn an_unknown_variable_is_answered_with_a_near_one_as_a_flag_is() {
        let near = |entry: &str| {
            plan(&["x"], &[entry], |plan| {
                let [unknown] = &plan.unknown_variables[..] else { panic!("{entry}") };
                unknown.near.clone()
            })
        };
        for (entry, expected) in [
            ("SEXTON_GRCE=1s", Some("SEXTON_GRACE")),
            ("SEXTON_WARN_ON_REPA=1", Some("SEXTON_WARN_ON_REAP")),
            ("SEXTON_STOP_SIGNAL=TERM", Some("SEXTON_STOP_SIGNALS")),
            ("SEXTON_=1", None),
            ("SEXTON_ZZZ=1", None),
        ] {
            assert_eq!(near(entry).as_deref(), expected, "{entry}");
        }
    }

    #[test]
    fn an_empty_variable_counts_for_as_much_as_none() {
        let shown = |variables: &[&str]| plan(&["x"], variables, |plan| format!("{plan:?}"));
        for flag in FLAGS {
            let Some(variable) = flag.variable() else { continue };
            assert_eq!(shown(&[&format!("{variable}=")]), shown(&[]));
        }
        assert_eq!(shown(&["SEXTON_UNKNOWN="]), shown(&[]));
    }

    #[test]
    fn a_command_that_looks_like_an_option_has_a_hint() {
        let hint =
            |command: &str| plan(&["--", command], &[], |plan| plan.hint_if_not_found.clone());
        let general = Some("options stand before '--'".to_owned());
        for command in ["--help", "--nonsense", "-v", "-x", "--", "--="] {
            assert_eq!(hint(command), general, "{command}");
        }
        for command in ["--grace", "--grace=5s", "-grace"] {
            let hint = hint(command).unwrap();
            let expected = "options stand before '--'; this one can also be set by SEXTON_GRACE";
            assert_eq!(hint, expected);
        }
        for command in ["-", "app", "/x/--grace", ""] {
            assert_eq!(hint(command), None, "{command}");
        }
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
            // A variable that is empty is none.
            let malformed = Some(malformed(flag)).filter(|value| !value.is_empty());
            if let Some(malformed) = malformed {
                let error = refused(&["cmd"], &[&format!("{variable}={malformed}")]);
                assert!(error.contains(&format!("'{malformed}' for {variable}: ")), "{error}");
            }
        }
    }

    /// For each flag: two good values, and one that is well formed but out of range.
    const VALUES: [(&str, [&str; 2], Option<&str>); 32] = [
        ("forward-to", ["child", "group"], None),
        ("rewrite", ["TERM=QUIT", "HUP=INT"], Some("TERM=65")),
        ("stop-signals", ["TERM,INT", "QUIT"], Some("TERM,KILL")),
        ("drain", ["1s", "2s"], Some("1000000001s")),
        ("grace", ["1s", "40s"], Some("99999999999h")),
        ("escalate", ["INT:5s", "QUIT:5s"], Some("INT:0s")),
        ("linger", ["1s", "2s"], Some("1000000001")),
        ("pdeathsig", ["TERM", "INT"], Some("65")),
        ("user", ["app:50", "app"], Some("4294967295")),
        ("groups", ["audio,5", "none"], Some("4294967295")),
        ("cap-drop", ["chown", "kill"], None),
        ("cap-keep", ["chown", "kill"], None),
        ("cap-ambient", ["chown", "kill"], None),
        ("chdir", ["/tmp", "/"], None),
        ("umask", ["027", "022"], Some("1000")),
        ("env", ["A=1", "B=1"], None),
        ("unset-env", ["A", "B"], None),
        ("rlimit", ["nofile=10", "core=0"], Some("nice=41")),
        ("nice", ["-5", "5"], Some("20")),
        ("cpus", ["0-3,6", "1"], Some("1024")),
        ("sched", ["fifo:9", "batch"], Some("fifo:100")),
        ("ionice", ["idle", "realtime:0"], Some("realtime:8")),
        ("oom-score-adj", ["500", "-5"], Some("1001")),
        ("stdin", ["/in", "/other"], None),
        ("stdout", [">>/out", "/other"], None),
        ("stderr", ["/err", ">>/other"], None),
        ("subreaper", ["auto", "off"], None),
        ("map-exit", ["1=0", "2=0"], Some("256=0")),
        ("log-level", ["info", "debug"], None),
        ("log-to", ["udp://127.0.0.1", "none"], Some("tcp://127.0.0.1:0")),
        ("log-format", ["json", "text"], None),
        ("report", ["/report", "/other"], None),
    ];

    fn good_and_bad(flag: &Flag) -> ([&'static str; 2], Option<&'static str>) {
        let &(_, good, bad) = VALUES.iter().find(|(name, ..)| *name == flag.long).expect(flag.long);
        (good, bad)
    }

    #[test]
    fn every_flag_refuses_what_is_out_of_range() {
        for flag in FLAGS.iter().filter(|flag| takes_value(flag)) {
            let ([good, _], bad) = good_and_bad(flag);
            let long = format!("--{}", flag.long);
            plan(&[&long, good, "cmd"], &[], |_| ());
            if let Some(bad) = bad {
                let error = refused(&[&long, bad, "cmd"], &[]);
                assert!(error.contains(&format!("'{bad}' for {long}: ")), "{error}");
            }
        }
    }

    /// Whether these words make the same plan.
    fn are_same(one: &[&str], other: &[&str]) -> bool {
        let shown = |words: &[&str]| plan(words, &[], |plan| format!("{plan:?}"));
        shown(one) == shown(other)
    }

    #[test]
    fn of_a_single_value_the_last_one_counts() {
        let mut count = 0;
        for flag in FLAGS.iter().filter(|flag| matches!(flag.kind, Kind::Value(..))) {
            let ([one, two], _) = good_and_bad(flag);
            let long = format!("--{}", flag.long);
            let (first, last) = ([&*long, one, "cmd"], [&*long, two, "cmd"]);
            assert!(!are_same(&first, &last), "{long}");
            assert!(are_same(&[&long, one, &long, two, "cmd"], &last), "{long}");
            assert!(are_same(&[&long, two, &long, one, &long, one, "cmd"], &first), "{long}");
            // One that cannot be used is an error all the same.
            assert!(refused(&[&long, malformed(flag), &long, one, "cmd"], &[]).contains(&long));
            count += 1;
        }
        assert!(count >= 22, "{count}");
        for flag in FLAGS.iter().filter(|flag| matches!(flag.kind, Kind::Switch(_))) {
            let long = format!("--{}", flag.long);
            if !["pause", "check"].contains(&flag.long) {
                assert!(are_same(&[&long, &long, "cmd"], &[&long, "cmd"]), "{long}");
            }
        }
        let log = |words: &[&str]| plan(words, &[], |plan| plan.termination_log.clone());
        assert_eq!(
            log(&["--termination-log=/a", "--termination-log", "cmd"]),
            log(&["--termination-log", "cmd"])
        );
        // The last of the flags comes before the variable.
        plan(&["--grace=1s", "--grace=2s", "cmd"], &["SEXTON_GRACE=3s"], |plan| {
            assert_eq!(plan.policy.grace, Some(Duration::from_secs(2)));
        });
    }

    #[test]
    fn lists_add_up_and_a_contradiction_in_one_is_an_error() {
        for flag in FLAGS.iter().filter(|flag| matches!(flag.kind, Kind::List(..))) {
            let ([one, two], _) = good_and_bad(flag);
            let long = format!("--{}", flag.long);
            let (both, first) = ([&*long, one, &long, two, "cmd"], [&*long, one, "cmd"]);
            assert!(!are_same(&both, &first) && !are_same(&both, &[&long, two, "cmd"]), "{long}");
            let error = refused(&[&long, one, &long, two, &long, one, "cmd"], &[]);
            assert!(error.contains(&format!("'{one}' for {long}: ")), "{error}");
            let variable = flag.variable().unwrap();
            let error = refused(&["cmd"], &[&format!("{variable}={one},{one}")]);
            assert!(error.contains(&format!("'{one},{one}' for {variable}: ")), "{error}");
        }
    }

    #[test]
    fn a_dry_run_may_show_values() {
        let asked = |words: &[&str], variables: &[&str]| {
            with(words, variables, |result| match result {
                Ok(Request::DryRun(_, values)) => Some(values),
                Ok(Request::Run(_)) => None,
                other => panic!("{words:?}: {other:?}"),
            })
        };
        let (hidden, shown) = (Some(Values::Hidden), Some(Values::Shown));
        assert_eq!(asked(&["--dry-run", "cmd"], &[]), hidden);
        assert_eq!(asked(&["--dry-run=values", "cmd"], &[]), shown);
        assert_eq!(asked(&["--dry-run=values", "--dry-run", "cmd"], &[]), hidden);
        assert_eq!(asked(&["cmd"], &["SEXTON_DRY_RUN=1"]), hidden);
        assert_eq!(asked(&["cmd"], &["SEXTON_DRY_RUN=values"]), shown);
        assert_eq!(asked(&["cmd"], &["SEXTON_DRY_RUN=no"]), None);
        let error = refused(&["--dry-run=value", "cmd"], &[]);
        assert!(error.contains("'value' for --dry-run: expected 'values'"), "{error}");
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
            error.ends_with("'yes' for --termination-log: expected an absolute path or -"),
            "{error}"
        );
        let error = refused(&["cmd"], &["SEXTON_TERMINATION_LOG=maybe"]);
        assert!(error.ends_with(": expected an absolute path or -, or yes or no"), "{error}");
        let error = refused(&["cmd"], &["SEXTON_STATUS=maybe"]);
        assert!(error.ends_with(": expected one of text, json, or yes or no"), "{error}");
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
