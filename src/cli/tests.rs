//! Command lines and environments, and the plans that they make.

use super::flags::{FLAGS, Flag, Kind};
use super::*;
use crate::plan::request::StatusFormat;
use crate::plan::{Linger, LogFormat, Plan, Policy, Target, UnknownVariable};
use crate::values::environment::Values;
use crate::values::outcome::Outcome;
use crate::values::rlimit;
use crate::values::signal::Signal;
use log::LevelFilter;
use std::ffi::CString;
use std::time::Duration;

const PID: i32 = 77;

/// Runs `check` on the result for this program name, these words and variables.
pub fn with<T>(
    program: &str,
    words: &[&str],
    variables: &[&str],
    check: impl FnOnce(Result<Request, Error>) -> T,
) -> T {
    let own = |texts: &[&str]| texts.iter().map(|t| CString::new(*t).unwrap()).collect::<Vec<_>>();
    let (argv, variables) = (own(&[&[program], words].concat()), own(variables));
    let argv: Vec<&CStr> = argv.iter().map(CString::as_c_str).collect();
    let variables: Vec<&CStr> = variables.iter().map(CString::as_c_str).collect();
    check(parse(&argv, &variables, PID))
}

/// The text that is printed to this stream (standard error, or not) with this status.
pub fn printed(program: &str, words: &[&str], variables: &[&str], expected: (bool, u8)) -> String {
    with(program, words, variables, |result| match result {
        Ok(Request::Print(Printed { text, to_stderr, status, .. })) => {
            assert_eq!((to_stderr, status), expected, "{words:?}: {text}");
            text
        }
        other => panic!("{program} {words:?}: {other:?}"),
    })
}

/// Runs `check` on the plan.
pub fn running<T>(
    program: &str,
    words: &[&str],
    variables: &[&str],
    check: impl FnOnce(&Plan) -> T,
) -> T {
    with(program, words, variables, |result| match result {
        Ok(Request::Run(plan)) => check(&plan),
        other => panic!("{program} {words:?}: {other:?}"),
    })
}

/// Runs `check` on the plan of a command that takes sexton's place.
#[cfg(feature = "gosu")]
pub fn replaced<T>(
    program: &str,
    words: &[&str],
    variables: &[&str],
    check: impl FnOnce(&Plan) -> T,
) -> T {
    with(program, words, variables, |result| match result {
        Ok(Request::Replace(plan)) => check(&plan),
        other => panic!("{program} {words:?}: {other:?}"),
    })
}

pub fn paused(program: &str, words: &[&str], variables: &[&str]) {
    with(program, words, variables, |result| {
        assert!(matches!(result, Ok(Request::Pause(_))), "{program} {words:?}: {result:?}");
    });
}

fn refused_as(program: &str, words: &[&str], variables: &[&str]) -> String {
    with(program, words, variables, |result| result.unwrap_err().to_string())
}

#[test]
fn the_name_or_as_chooses_the_compatibility_mode() {
    for (program, words) in [
        ("/sbin/docker-init", &["-g", "--", "cmd"][..]),
        ("tini", &["-g", "cmd"]),
        ("/x/tini-static", &["-g", "cmd"]),
        ("sexton", &["--as", "tini", "-g", "cmd"]),
        ("/anything", &["--as=docker-init", "-g", "--", "cmd"]),
        ("sexton", &["--as", "catatonit", "-g", "cmd"]),
        ("sexton", &["--as=dumb-init", "cmd"]),
    ] {
        running(program, words, &[], |plan| {
            assert_eq!(plan.argv, [c"cmd"]);
            assert_eq!(plan.policy.forward_to, Target::Group, "{program}");
            assert_eq!(plan.policy.grace, None);
        });
    }
    running("sexton", &["cmd"], &[], |plan| {
        assert_eq!(plan.policy, Policy::default());
    });
}

#[test]
fn as_names_a_known_program_and_comes_first() {
    assert!(refused_as("sexton", &["--as", "runit", "x"], &[]).contains("'runit' for --as: "));
    assert!(refused_as("sexton", &["--as"], &[]).contains("--as NAME"));
    assert!(refused_as("sexton", &["-v", "--as", "tini"], &[]).contains("first"));
}

#[test]
fn in_compatibility_mode_variables_lie_between_defaults_and_options() {
    let variables = ["SEXTON_LINGER=2s", "SEXTON_FORWARD_TO=all", "SEXTON_LOG_LEVEL=info"];
    running("tini", &["-g", "cmd"], &variables, |plan| {
        assert_eq!(plan.policy.linger, Linger::For(Duration::from_secs(2)));
        assert_eq!(plan.policy.forward_to, Target::Group);
        assert!(plan.environment.is_empty() && plan.warn_of_trouble);
        assert_eq!(plan.logging.level, LevelFilter::Info);
    });
    assert!(refused_as("tini", &["cmd"], &["SEXTON_GRACE=x"]).contains("SEXTON_GRACE"));
}

#[test]
fn every_program_name_can_pause() {
    for program in ["sexton", "tini", "dumb-init", "catatonit", "/x"] {
        paused(program, &["-P"], &[]);
    }
    paused("sexton", &["--pause", "--warn-on-reap"], &["A=1"]);
    paused("sexton", &[], &["SEXTON_PAUSE=1"]);
    assert!(refused_as("sexton", &["--pause", "cmd"], &[]).contains("no command"));
}

/// Runs `check` on the result for these words and variables.
fn native<T>(
    words: &[&str],
    variables: &[&str],
    check: impl FnOnce(Result<Request, Error>) -> T,
) -> T {
    with("sexton", words, variables, check)
}

fn plan<T>(words: &[&str], variables: &[&str], check: impl FnOnce(&Plan) -> T) -> T {
    native(words, variables, |result| match result {
        Ok(Request::Run(plan)) => check(&plan),
        other => panic!("{words:?} {variables:?}: {other:?}"),
    })
}

fn refused(words: &[&str], variables: &[&str]) -> String {
    native(words, variables, |result| match result {
        Err(error) => {
            assert_eq!(error.status(), 125);
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
    let words = ["--grace=9s", "--rlimit=nofile=20", "--rewrite=TERM=QUIT", "--map-exit=1=5", "x"];
    plan(&words, &variables, |plan| {
        assert_eq!(plan.policy.grace, Some(Duration::from_secs(9)));
        assert_eq!(plan.policy.linger, Linger::For(Duration::from_secs(2)));
        assert!(plan.policy.wait_all);
        assert_eq!(
            plan.attributes.limits,
            ["nofile=20", "core=0"]
                .map(|t| rlimit::Spec::parse(t).unwrap())
                .into_iter()
                .rev()
                .collect::<Vec<_>>(),
            "in the order of the kernel's numbers"
        );
        assert_eq!(plan.policy.rewrites.apply(Signal::TERM), Some(Signal::QUIT));
        assert_eq!(plan.policy.rewrites.apply(Signal::HUP), None);
        assert_eq!(plan.exit_map.apply(Outcome::Exited(1)), 5);
        assert_eq!(plan.exit_map.apply(Outcome::Exited(2)), 0);
    });
}

#[test]
fn a_list_of_capabilities_and_the_verbosity_of_a_flag_replace_those_of_the_variable() {
    let variables = ["SEXTON_CAP_DROP=chown", "SEXTON_CAP_KEEP=kill", "SEXTON_VERBOSE=2"];
    let words = ["--cap-drop=setuid", "--cap-drop=setgid", "-v", "x"];
    let same = ["--cap-drop=setuid,setgid", "--cap-keep=kill", "--log-level=info", "x"];
    let shown = |words: &[&str], variables: &[&str]| {
        plan(words, variables, |plan| (plan.attributes.capabilities, plan.logging.level))
    };
    assert_eq!(shown(&words, &variables), shown(&same, &[]));
}

#[test]
fn changes_of_variables_by_flags_come_first_and_replace_those_by_variables() {
    let variables = ["SEXTON_ENV=A=1,C=1", "SEXTON_UNSET_ENV=B"];
    plan(&["--env=B=2", "--unset-env=A", "x"], &variables, |plan| {
        let edits = plan.attributes.environment.iter();
        let edits: Vec<String> =
            edits.map(|edit| edit.describe(Values::Shown).to_string()).collect();
        let expected = ["set variable 'B=2'", "unset variable 'A'", "set variable 'C=1'"];
        assert_eq!(edits, expected);
    });
}

#[test]
fn an_error_of_a_flag_comes_before_that_of_a_variable() {
    let variables = ["SEXTON_GRACE=bad", "SEXTON_UMASK=bad"];
    assert!(refused(&["--linger=bad", "--bogus", "x"], &variables).contains("--linger"));
    assert!(refused(&["--bogus", "x"], &variables).contains("--bogus"));
    assert!(refused(&["x"], &variables).contains("SEXTON_GRACE"));
}

#[test]
fn status_reads_no_variables() {
    let json = |words: &[&str]| {
        native(words, &["SEXTON_GRACE=bad", "SEXTON_CHECK=1", "SEXTON_STATUS=json"], |result| {
            let Ok(Request::Status(inspection)) = result else { panic!("{words:?}: {result:?}") };
            assert!(!inspection.check);
            inspection.format == StatusFormat::Json
        })
    };
    assert!(!json(&["--status"]) && !json(&["-v", "--status"]) && json(&["--status=json"]));
    assert!(refused(&["--status", "x"], &[]).contains("no command"));
    assert!(refused(&["--check", "x"], &[]).contains("--status"));
}

#[test]
fn the_line_of_an_error_has_the_format_of_the_flags_before_it_or_of_the_variable() {
    let format = |words: &[&CStr], variables: &[&CStr]| logging(words, variables).format;
    let json = c"SEXTON_LOG_FORMAT=json";
    for (words, variables) in [
        (&[c"sexton", c"--log-format=json", c"--bogus"][..], &[][..]),
        (&[c"sexton", c"--bogus"], &[json]),
        (&[c"sexton", c"x"], &[c"SEXTON_GRACE=bad", json]),
        (&[c"tini", c"x"], &[c"SEXTON_GRACE=bad", json]),
        (&[c"sexton", c"--as=runit", c"x"], &[json]),
        (&[c"sexton", c"--as"], &[json]),
    ] {
        assert_eq!(format(words, variables), LogFormat::Json, "{words:?}");
    }
    for (words, variables) in [
        (&[c"sexton", c"--bogus", c"--log-format=json"][..], &[][..]),
        (&[c"sexton", c"--log-format=text", c"--bogus"], &[json]),
        (&[c"sexton", c"--status"], &[json]),
    ] {
        assert_eq!(format(words, variables), LogFormat::Text, "{words:?}");
    }
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
fn an_unknown_variable_is_noted() {
    let variables =
        ["SEXTON_GRACEE=1s", "SEXTON_LINGER=1s", "SEXTON_PORT_80_TCP=x", "SEXTON_SERVICE_HOST=y"];
    plan(&["x"], &variables, |plan| {
        let suggestion = Some("SEXTON_GRACE".to_owned());
        assert_eq!(
            plan.unknown_variables,
            [UnknownVariable { name: b"SEXTON_GRACEE", suggestion }]
        );
    });
}

#[test]
fn a_similar_variable_is_suggested_for_an_unknown_one() {
    let near = |entry: &str| {
        plan(&["x"], &[entry], |plan| {
            let [unknown] = &plan.unknown_variables[..] else { panic!("{entry}") };
            unknown.suggestion.clone()
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
fn an_empty_variable_counts_as_one_that_is_not_set() {
    let shown = |variables: &[&str]| plan(&["x"], variables, |plan| format!("{plan:?}"));
    for flag in FLAGS {
        let Some(variable) = flag.variable() else { continue };
        assert_eq!(shown(&[&format!("{variable}=")]), shown(&[]));
    }
    assert_eq!(shown(&["SEXTON_UNKNOWN="]), shown(&[]));
}

#[test]
fn a_command_that_looks_like_an_option_has_a_hint() {
    let hint = |command: &str| plan(&["--", command], &[], |plan| plan.hint_if_not_found.clone());
    let general = Some("options come before '--'".to_owned());
    for command in ["--help", "--nonsense", "-v", "-x", "--", "--="] {
        assert_eq!(hint(command), general, "{command}");
    }
    for command in ["--grace", "--grace=5s", "-grace"] {
        let hint = hint(command).unwrap();
        let expected = "options come before '--'; this one can also be set by SEXTON_GRACE";
        assert_eq!(hint, expected);
    }
    for command in ["-", "app", "/x/--grace", ""] {
        assert_eq!(hint(command), None, "{command}");
    }
}

/// A value that the flag refuses. A path and the name of a variable may be almost anything.
fn malformed(flag: &Flag) -> &'static str {
    match flag.long {
        "chdir" | "stdin" | "report" | "env-file" | "install" => "",
        "fs-read" | "fs-write" | "fs-exec" => "/a,",
        "stdout" | "stderr" => ">>",
        "unset-env" => "A=1",
        _ => "no such value",
    }
}

fn goes_with_a_command(flag: &Flag) -> bool {
    flag.long != "install"
}

fn takes_value(flag: &Flag) -> bool {
    matches!(flag.kind, Kind::Value(_)) && goes_with_a_command(flag)
}

#[test]
fn every_flag_refuses_malformed_values() {
    for flag in FLAGS {
        let long = format!("--{}", flag.long);
        let Some(variable) = flag.variable() else {
            assert!(refused(&[&format!("{long}=x"), "cmd"], &[]).contains("takes no value"));
            continue;
        };
        if matches!(flag.kind, Kind::Optional(_)) {
            assert!(
                refused(&[&format!("{long}="), "cmd"], &[]).contains(&format!("'' for {long}"))
            );
            continue;
        }
        if takes_value(flag) || !goes_with_a_command(flag) {
            assert!(refused(&[&long], &[]).contains(&format!("{long} needs a value")));
            let error = refused(&[&long, malformed(flag), "cmd"], &[]);
            assert!(error.contains(&format!("'{}' for {long}: ", malformed(flag))), "{error}");
            let error = refused(&[&format!("{long}="), "cmd"], &[]);
            assert!(error.contains(&format!("'' for {long}: ")), "{error}");
        } else {
            assert!(refused(&[&format!("{long}=x"), "cmd"], &[]).contains("takes no value"));
        }
        // An empty variable counts as one that is not set.
        let malformed = Some(malformed(flag)).filter(|value| !value.is_empty());
        if let Some(malformed) = malformed {
            let error = refused(&["cmd"], &[&format!("{variable}={malformed}")]);
            assert!(error.contains(&format!("'{malformed}' for {variable}: ")), "{error}");
        }
    }
}

/// For each flag: two good values, and one that is well formed but out of range.
const VALUES: [(&str, [&str; 2], Option<&str>); 43] = [
    ("forward-to", ["child", "group"], None),
    ("rewrite", ["TERM=QUIT", "HUP=INT"], Some("TERM=65")),
    ("stop-signals", ["TERM,INT", "QUIT"], Some("TERM,KILL")),
    ("drain", ["1s", "2s"], Some("1000000001s")),
    ("grace", ["1s", "40s"], Some("99999999999h")),
    ("escalate", ["INT:5s", "QUIT:5s"], Some("INT:0s")),
    ("slow-stop-after", ["1s", "0"], Some("99999999999h")),
    ("linger", ["1s", "2s"], Some("1000000001")),
    ("pdeathsig", ["TERM", "INT"], Some("65")),
    ("user", ["app:50", "app"], Some("4294967295")),
    ("groups", ["audio,5", "none"], Some("4294967295")),
    ("cap-drop", ["chown", "kill"], None),
    ("cap-keep", ["chown", "kill"], None),
    ("cap-ambient", ["chown", "kill"], None),
    ("fs-read", ["/a", "/b,none"], None),
    ("fs-write", ["/a", "/b"], None),
    ("fs-exec", ["/a", "/b"], None),
    ("tcp-bind", ["80", "0,81"], Some("65536")),
    ("tcp-connect", ["80", "65535"], Some("-1")),
    ("scope", ["signal", "unix"], None),
    ("confine", ["best-effort", "strict"], None),
    ("chdir", ["/tmp", "/"], None),
    ("umask", ["027", "022"], Some("1000")),
    ("timeout", ["5s", "none"], Some("0")),
    ("env", ["A=1", "B=1"], None),
    ("unset-env", ["A", "B"], None),
    ("env-file", ["/a", "/b"], None),
    ("env-from-file", ["A=/a", "B=/b"], Some("A")),
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
    ("map-exit", ["1=0", "stop=0"], Some("256=0")),
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
fn every_flag_refuses_values_out_of_range() {
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
    for flag in FLAGS.iter().filter(|flag| {
        matches!(flag.kind, Kind::Value(_)) && !flag.kind.is_list() && goes_with_a_command(flag)
    }) {
        let ([one, two], _) = good_and_bad(flag);
        let long = format!("--{}", flag.long);
        let (first, last) = ([&*long, one, "cmd"], [&*long, two, "cmd"]);
        assert!(!are_same(&first, &last), "{long}");
        assert!(are_same(&[&long, one, &long, two, "cmd"], &last), "{long}");
        assert!(are_same(&[&long, two, &long, one, &long, one, "cmd"], &first), "{long}");
        // A malformed value is an error even if a later one replaces it.
        assert!(refused(&[&long, malformed(flag), &long, one, "cmd"], &[]).contains(&long));
        count += 1;
    }
    assert!(count >= 22, "{count}");
    for flag in FLAGS.iter().filter(|flag| matches!(flag.kind, Kind::Switch(_))) {
        let long = format!("--{}", flag.long);
        if !["pause", "check", "exec"].contains(&flag.long) {
            assert!(are_same(&[&long, &long, "cmd"], &[&long, "cmd"]), "{long}");
        }
    }
    let log = |words: &[&str]| plan(words, &[], |plan| plan.termination_log.clone());
    assert_eq!(
        log(&["--termination-log=/a", "--termination-log", "cmd"]),
        log(&["--termination-log", "cmd"])
    );
    // The last flag replaces the variable, too.
    plan(&["--grace=1s", "--grace=2s", "cmd"], &["SEXTON_GRACE=3s"], |plan| {
        assert_eq!(plan.policy.grace, Some(Duration::from_secs(2)));
    });
}

#[test]
fn lists_add_up_and_a_contradiction_in_one_is_an_error() {
    for flag in FLAGS.iter().filter(|flag| flag.kind.is_list()) {
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
        native(words, variables, |result| match result {
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
    // Only a variable can be yes or no.
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
fn unknown_options_are_named_and_a_similar_one_is_suggested() {
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
        native(&words, &["SEXTON_GRACE=bad"], |result| {
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
fn a_value_that_is_no_text_or_very_long_is_shown_in_one_line() {
    let error =
        parse(&[c"sexton", c"--grace", c"\xff\xfe", c"x"], &[], PID).unwrap_err().to_string();
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
