//! The flags with what `--help` says of each.

use sexton::internals::cli::flags::{self, FLAGS, Kind, help};
use std::sync::LazyLock;

pub struct Flag {
    /// The heading above it.
    pub section: String,
    /// The one-letter form.
    pub short: Option<char>,
    pub long: &'static str,
    /// How it is written: `--name`, `--name VALUE`, `--name[=VALUE]`.
    pub usage: String,
    /// What a value is called, if the flag takes one, and whether it may be left out.
    pub metavar: Option<(String, bool)>,
    /// What it is for, with the default, in one line.
    pub help: String,
    pub kind: &'static Kind,
    pub variable: Option<String>,
}

/// All of them, in the order of the text.
pub fn flags() -> &'static [Flag] {
    static ALL: LazyLock<Vec<Flag>> = LazyLock::new(read);
    &ALL
}

fn read() -> Vec<Flag> {
    let text = help::text();
    let mut flags = Vec::new();
    let mut section = "";
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_suffix(':') {
            section = heading;
        }
        let Some((letter, usage)) = line.split_once("--") else { continue };
        if !(letter.starts_with("  -") || letter == "      ") {
            continue;
        }
        let mut words = Vec::new();
        while let Some(more) = lines.next_if(|line| line.starts_with("          ")) {
            words.extend(more.split_whitespace());
        }
        flags.push(of(section, letter, usage, &words.join(" ")));
    }
    assert_eq!(flags.len(), FLAGS.len());
    flags
}

fn of(section: &str, letter: &str, usage: &str, help: &str) -> Flag {
    let end = usage.find([' ', '[']).unwrap_or(usage.len());
    let (long, value) = usage.split_at(end);
    let optional = value.strip_prefix("[=").and_then(|value| value.strip_suffix(']'));
    let needed = value.strip_prefix(' ');
    let flag = FLAGS.iter().find(|flag| flag.long == long).unwrap_or_else(|| panic!("{usage}"));
    let &flags::Flag { long, ref kind } = flag;
    let variable = flag.variable();
    let behind = variable.as_ref().map_or(String::new(), |name| format!(" [{name}]"));
    Flag {
        section: section.to_owned(),
        short: letter.trim_start().strip_prefix('-').and_then(|letter| letter.chars().next()),
        long,
        usage: format!("--{usage}"),
        metavar: needed.or(optional).map(|value| (value.to_owned(), optional.is_some())),
        help: help.strip_suffix(&behind).unwrap_or_else(|| panic!("{help}")).to_owned(),
        kind,
        variable,
    }
}
