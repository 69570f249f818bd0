//! What is made from the flags and their help, and from the supervisor: the man page, the completions, the table of
//! options, the table of signals. Each file is committed; the test fails if it is not what is made here.
//! `just pages` writes them anew.

mod completions;
mod man;
mod figures;
mod help;
mod options;
mod pictures;
mod shells;
mod signals;

use self::help::{Flag, flags};
use sexton::internals::capabilities::CapabilitySet;
use sexton::internals::cli::flags::Kind;
use sexton::internals::rewrite::forwardable;
use sexton::{Resource, Signal};
use std::fs;
use std::path::{Path, PathBuf};

/// What a shell can propose for a value.
enum Values {
    /// Nothing: a number, a duration.
    Free,
    /// One of these.
    One(Vec<String>),
    /// Some of these, with commas between them.
    List(Vec<String>),
    /// One of the first, `=`, one of the second.
    Pair(Vec<String>, Vec<String>),
    Files,
    Folders,
    Users,
    Groups,
    Variables,
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The names of signals as they are usually written, but for 32 and 33, which have none.
fn signals() -> Vec<String> {
    let names = Signal::all().map(|signal| signal.to_string()[3..].to_owned());
    names.filter(|name| !name.starts_with('3')).collect()
}

fn forwardable_signals() -> Vec<String> {
    signals().into_iter().filter(|name| forwardable(name).is_ok()).collect()
}

fn followed_by(mark: &str, words: Vec<String>) -> Vec<String> {
    words.into_iter().map(|word| word + mark).collect()
}

fn capabilities() -> Vec<String> {
    let all = CapabilitySet::ALL.to_string();
    let named = all.split(", ").filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()));
    named.chain(["all"]).map(str::to_owned).collect()
}

/// Whether it can be given more than once.
fn repeats(flag: &Flag) -> bool {
    flag.kind.is_list() || matches!(flag.kind, Kind::Count(_))
}

/// A flag with a value of a new sort has to be given its own here.
fn values(flag: &Flag, metavar: &str) -> Values {
    if metavar.bytes().all(|byte| byte.is_ascii_lowercase() || b"|-".contains(&byte)) {
        return Values::One(metavar.split('|').map(str::to_owned).collect());
    }
    match (flag.long, metavar) {
        ("scope", _) => Values::List(owned(&["signal", "unix"])),
        ("rewrite", _) => Values::Pair(
            forwardable_signals(),
            signals().into_iter().chain(owned(&["ignore"])).collect(),
        ),
        ("map-exit", _) => {
            let signals = signals().into_iter().map(|name| format!("signal:{name}="));
            Values::One(signals.chain(owned(&["stop="])).collect())
        }
        (_, "SIGNAL") => Values::One(signals()),
        (_, "SIGNAL,...") => Values::List(forwardable_signals()),
        (_, "SIGNAL:DURATION,...") => Values::List(followed_by(":", signals())),
        (_, "DURATION" | "N" | "OCTAL" | "LIST") => Values::Free,
        (_, "DURATION|none" | "PORT,...|none") => Values::One(owned(&["none"])),
        (_, "DIR") => Values::Folders,
        (_, "PATH" | "PATH|>>PATH" | "PATH,...|none") => Values::Files,
        (_, "NAME|UID[:GROUP|GID]") => Values::Users,
        (_, "GROUP|GID,...|none") => Values::Groups,
        (_, "CAPABILITY,...|all") => Values::List(capabilities()),
        (_, "NAME=SOFT[:HARD]") => {
            let names = Resource::ALL.iter().map(|resource| resource.name().to_owned());
            Values::One(followed_by("=", names.collect()))
        }
        (_, "NAME=VALUE" | "NAME=PATH" | "NAME") => Values::Variables,
        (_, "POLICY[:PRIORITY]") => Values::One(owned(&["other", "batch", "idle", "fifo:", "rr:"])),
        (_, "CLASS[:LEVEL]") => Values::One(owned(&["realtime:", "best-effort:", "idle"])),
        (_, "WHERE") => Values::One(owned(&["stderr", "syslog", "udp://", "tcp://", "none"])),
        other => panic!("say in tests/it/pages what shells propose for {other:?}"),
    }
}

/// The first sentence of what `--help` says.
fn summary(flag: &Flag) -> &str {
    let end = flag.help.find(". ").unwrap_or(flag.help.len() - 1);
    &flag.help[..end]
}

/// The flags with the heading of each that begins a section.
fn by_section() -> impl Iterator<Item = (Option<&'static str>, &'static Flag)> {
    let mut section = "";
    flags().iter().map(move |flag| {
        let begins = std::mem::replace(&mut section, &flag.section) != flag.section;
        (begins.then_some(section), flag)
    })
}

/// Words in lines of at most this width.
fn fill(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 {
            let fits = column + 1 + word.chars().count() <= width;
            lines.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        lines += word;
        column += word.chars().count();
    }
    lines
}

pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The page with this in the place of what stands between its two marks.
fn with_part(path: &str, name: &str, part: &str) -> String {
    let page = fs::read_to_string(repository(path)).unwrap();
    let (begin, end) = (format!("<!-- {name}: made -->\n"), format!("<!-- {name}: end -->\n"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{path} has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{path} has no {end}"));
    format!("{before}{begin}{part}{end}{after}")
}

fn files() -> Vec<(&'static str, String)> {
    vec![
        ("docs/sexton.1", man::page()),
        ("docs/completions/sexton.bash", completions::bash()),
        ("docs/completions/_sexton", completions::zsh()),
        ("docs/completions/sexton.fish", completions::fish()),
        ("docs/options.md", options::page()),
        ("README.md", with_part("README.md", "figures", &figures::table())),
        ("docs/signals.md", with_part("docs/signals.md", "signals", &signals::table())),
    ]
}

#[test]
fn what_is_made_from_the_flags_is_what_is_committed() {
    for (path, text) in files() {
        if std::env::var_os("WRITE_PAGES").is_some() {
            fs::write(repository(path), &text).unwrap();
        }
        let committed = fs::read_to_string(repository(path)).unwrap_or_default();
        let line = committed.lines().zip(text.lines()).position(|(was, is)| was != is);
        let line = line.unwrap_or_else(|| committed.lines().count().min(text.lines().count()));
        assert!(
            committed == text,
            "{path} is not what is made now, from line {} on ({:?}): run `just pages`",
            line + 1,
            text.lines().nth(line)
        );
    }
}

#[test]
fn every_flag_has_its_place_in_each() {
    for (path, text) in files() {
        if ["README.md", "docs/signals.md"].contains(&path) {
            continue;
        }
        for flag in flags() {
            let long = if path.ends_with(".1") {
                flag.long.replace('-', "\\-")
            } else {
                flag.long.to_owned()
            };
            assert!(text.contains(&long), "{path} has no --{}", flag.long);
        }
    }
}

/// `docs/software.md` is made from measurements, by a script.
#[test]
fn the_page_of_software_is_what_its_measurements_say() {
    let script = repository("tests/software/page.py");
    let mut check = std::process::Command::new("/usr/bin/python3");
    check.arg("-B").arg(script).arg("--check");
    let output = check.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
