//! Command lines and environments, read as sexton and as the inits whose place it takes.

use super::{assert_shows, getopt};
use sexton::internals::cli;
use sexton::internals::environment::Values;
use sexton::internals::error::{Error, printable};
use sexton::internals::plan::Plan;
use sexton::internals::plan::request::{Printed, Request};
use sexton::internals::scheduling::{NICENESS, OOM_SCORE_ADJ};
use sexton::internals::signal::Signal;
use std::ffi::{CStr, CString};
use std::time::Duration;

const PID: i32 = 77;

/// One word a line, the program's name first; variables have a `$` before them. As no word can hold a zero byte,
/// it stands for a line break.
pub fn command_line(bytes: &[u8]) {
    let lines: Vec<CString> = bytes.split(|&byte| byte == b'\n').map(word).collect();
    let (variables, words): (Vec<&CStr>, Vec<&CStr>) =
        lines.iter().map(CString::as_c_str).partition(|word| word.to_bytes().starts_with(b"$"));
    let environment: Vec<&CStr> =
        variables.iter().map(|word| word.to_bytes_with_nul()).map(without_first).collect();
    let result = cli::parse(&words, &environment, PID);
    getopt::agrees(&words, &environment, &result);
    match result {
        Ok(Request::Run(plan) | Request::Replace(plan) | Request::DryRun(plan, _)) => {
            assert!(!plan.argv.is_empty());
            runs(&plan, &words, &environment);
        }
        Ok(Request::Pause(plan)) => {
            assert!(plan.argv.is_empty());
            runs(&plan, &words, &environment);
        }
        Ok(Request::Status(_)) => {}
        Ok(Request::Install(path)) => assert!(!path.is_empty()),
        Ok(Request::Print(printed)) => prints(&printed),
        Err(error) => refused(&error, &words, &environment),
    }
}

fn word(line: &[u8]) -> CString {
    let breaks = |&byte: &u8| if byte == 0 { b'\n' } else { byte };
    CString::new(line.iter().map(breaks).collect::<Vec<u8>>()).unwrap()
}

fn without_first(word: &[u8]) -> &CStr {
    CStr::from_bytes_with_nul(&word[1..]).unwrap()
}

fn prints(printed: &Printed) {
    let Printed { text, status, .. } = printed;
    assert!(text.ends_with('\n') && *status <= 1, "{printed:?}");
    text.split('\n').for_each(assert_shows);
}

/// The error is one line, and echoes the value that it is about.
fn refused(error: &Error, words: &[&CStr], environment: &[&CStr]) {
    let line = error.to_string();
    assert_shows(&line);
    assert!(line.starts_with("sexton: fatal: ") && error.status() == 125, "{line}");
    // A value is shown in part if it is long, twice at most, and each of its characters may be an escape sequence.
    assert!(line.len() < 2500, "{} bytes: {line}", line.len());
    let Some(rest) = line.strip_prefix("sexton: fatal: invalid value '") else { return };
    let all = || words.iter().chain(environment).map(|word| word.to_bytes());
    let values = all().chain(all().filter_map(|word| {
        let at = word.iter().position(|&byte| byte == b'=')?;
        Some(&word[at + 1..])
    }));
    let mut values = values.chain([&b""[..]]); // --status and its like need no value
    assert!(values.any(|value| rest.starts_with(&(printable(value) + "' for "))), "{line}");
}

fn runs(plan: &Plan, words: &[&CStr], environment: &[&CStr]) {
    // The command is the end of the words. tini removes two dashes behind its name.
    let argv = &plan.argv[..];
    let dashes_removed = || match argv {
        [command, rest @ ..] => words.ends_with(&[&[*command, c"--"], rest].concat()),
        [] => true,
    };
    assert!(words.ends_with(argv) || dashes_removed(), "{argv:?}");
    let own = |entry: &&&CStr| entry.to_bytes().starts_with(b"SEXTON_");
    assert!(plan.environment.iter().eq(environment.iter().filter(|entry| !own(entry))));
    assert!(plan.unknown_variables.iter().all(|variable| variable.name.starts_with(b"SEXTON_")));
    plan.hint_if_not_found.iter().for_each(|hint| assert_shows(hint));

    let policy = &plan.policy;
    for signal in [Signal::KILL, Signal::STOP, Signal::CHLD] {
        assert!(!policy.stop_signals.contains(signal));
    }
    assert!(policy.escalation.iter().all(|step| !step.after.is_zero()));
    let escalation: Duration = policy.escalation.iter().map(|step| step.after).sum();
    assert!(policy.escalation.is_empty() || policy.grace.is_none_or(|grace| grace > escalation));

    let attributes = &plan.attributes;
    assert!(attributes.umask.is_none_or(|mask| mask <= 0o777));
    assert!(attributes.nice.is_none_or(|nice| NICENESS.contains(&nice)));
    assert!(attributes.oom_score_adj.is_none_or(|score| OOM_SCORE_ADJ.contains(&score)));
    assert!(attributes.limits.is_sorted_by_key(|limit| limit.resource as usize));
    assert!(attributes.limits.len() <= 16);
    let redirections = attributes.stdio.iter().flatten().map(|file| &file.path);
    let paths = redirections.chain(&attributes.directory).chain(&plan.report);
    paths.for_each(|path| assert!(!path.is_empty()));
    attributes
        .environment
        .iter()
        .for_each(|edit| assert_shows(&edit.describe(Values::Shown).to_string()));

    for at in 1..words.len() - plan.argv.len() {
        if words[at] == c"--" {
            break;
        }
        // The word may be the value of the one before.
        let before = words[at - 1].to_bytes();
        let is_option = at == 1 || !before.starts_with(b"--") || before.contains(&b'=');
        let word = words[at].to_bytes();
        let Some(end) = word.iter().position(|&byte| byte == b'=').filter(|_| is_option) else {
            continue;
        };
        let (name, value) = (&word[..end], &word[end + 1..]);
        // The values of these cannot be words of their own.
        let others = [&b"--termination-log"[..], b"--dry-run", b"--as"];
        if name.starts_with(b"--") && !others.contains(&name) {
            let option = Inline { at, name, value, words, environment };
            option.may_stand_behind_a_blank(plan);
            option.may_be_a_variable(plan);
        }
    }
}

/// `--name=VALUE`, one of the words.
struct Inline<'a> {
    at: usize,
    name: &'a [u8],
    value: &'a [u8],
    words: &'a [&'a CStr],
    environment: &'a [&'a CStr],
}

impl Inline<'_> {
    /// `--name VALUE` is the same.
    fn may_stand_behind_a_blank(&self, plan: &Plan) {
        let Inline { at, words, .. } = *self;
        let [name, value] = [self.name, self.value].map(|part| CString::new(part).unwrap());
        let parted = [&words[..at], &[&name, &value], &words[at + 1..]].concat();
        assert_eq!(the_plan(&parted, self.environment), *plan, "{parted:?}");
    }

    /// `SEXTON_NAME=VALUE` is the same.
    fn may_be_a_variable(&self, plan: &Plan) {
        let Inline { at, name, value, words, environment } = *self;
        // The plan has the flag or variable that gave these, and the order of these.
        let named = [&b"--user"[..], b"--groups", b"--env", b"--unset-env"];
        let others = words.iter().filter(|word| word.to_bytes().starts_with(name)).count();
        if named.contains(&name) || others > 1 || !is_sexton(words) {
            return;
        }
        let upper: Vec<u8> = name[2..].to_ascii_uppercase();
        let upper: Vec<u8> = upper.iter().map(|&b| if b == b'-' { b'_' } else { b }).collect();
        let variable = [b"SEXTON_", &upper[..], b"="].concat();
        if environment.iter().any(|entry| entry.to_bytes().starts_with(&variable)) {
            return;
        }
        let variable = CString::new([&variable[..], value].concat()).unwrap();
        let without = [&words[..at], &words[at + 1..]].concat();
        let with = [environment, &[&variable]].concat();
        assert_eq!(the_plan(&without, &with), *plan, "{without:?} {with:?}");
    }
}

/// Whether sexton's own flags are read.
fn is_sexton(words: &[&CStr]) -> bool {
    let program = words[0].to_bytes().rsplit(|&byte| byte == b'/').next();
    let others = [
        &b"tini"[..],
        b"tini-static",
        b"docker-init",
        b"dumb-init",
        b"catatonit",
        b"gosu",
        b"su-exec",
    ];
    !program.is_some_and(|name| others.contains(&name))
        && !words.get(1).is_some_and(|word| word.to_bytes().starts_with(b"--as"))
}

fn the_plan<'a>(words: &[&'a CStr], environment: &[&'a CStr]) -> Plan<'a> {
    match cli::parse(words, environment, PID) {
        Ok(
            Request::Run(plan)
            | Request::Replace(plan)
            | Request::DryRun(plan, _)
            | Request::Pause(plan),
        ) => *plan,
        other => panic!("{words:?} {environment:?}: {other:?}"),
    }
}
