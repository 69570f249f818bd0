//! The one table of flags: parsing, variables and `--help` all come from it.

use super::settings::{Settings, once};
use crate::duration;
use crate::exit_map;
use crate::plan::{Rung, Subreaper, Target};
use crate::rewrite::{self, forwardable};
use crate::rlimit::Spec;
use crate::signal::{Reason, Signal, SignalSet};
use log::LevelFilter;
use std::time::Duration;

/// One flag.
pub struct Flag {
    /// Its name without the dashes; the variable is `SEXTON_` and this in upper case.
    pub long: &'static str,
    /// Its one-letter form.
    pub short: Option<char>,
    /// The heading it stands under.
    pub section: &'static str,
    /// What it takes and does.
    pub kind: Kind,
    /// What `--help` says, default included.
    pub help: &'static str,
}

/// What a flag takes, and how it is applied.
pub enum Kind {
    /// `--name VALUE`.
    Value(&'static str, Apply),
    /// `--name VALUE`, any number of times; its variable takes a comma-separated list.
    List(&'static str, Apply),
    /// `--name`; its variable takes a yes or a no.
    Switch(fn(&mut Settings, bool) -> Result<(), Reason>),
    /// `-n`, `-nn`, ...; its variable takes the number of times.
    Count(fn(&mut Settings, usize)),
    /// A text to print instead of running anything; no variable.
    Print(fn() -> String),
}

type Apply = fn(&mut Settings, &str) -> Result<(), Reason>;

impl Flag {
    /// The name of the environment variable that does the same.
    pub fn variable(&self) -> Option<String> {
        let name = self.long.replace('-', "_").to_ascii_uppercase();
        (!matches!(self.kind, Kind::Print(_))).then(|| format!("SEXTON_{name}"))
    }

    /// What it takes, as `--help` shows it.
    pub fn metavar(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Value(metavar, _) | Kind::List(metavar, _) => Some(metavar),
            Kind::Switch(_) | Kind::Count(_) | Kind::Print(_) => None,
        }
    }
}

const SIGNALS: &str = "Signals";
const SHUTDOWN: &str = "Shutdown";
const SURROUNDINGS: &str = "Main's surroundings";
const TELLING: &str = "Reaping and telling";

/// Every flag, in the order of `--help`.
pub static FLAGS: &[Flag] = &[
    Flag {
        long: "forward-to",
        short: None,
        section: SIGNALS,
        kind: Kind::Value("child|group|all", |s, v| {
            let targets =
                [("child", Target::Main), ("group", Target::Group), ("all", Target::Tree)];
            once(&mut s.forward_to, choice(v, &targets)?)
        }),
        help: "Who gets the signals that sexton receives: the command, its process group, or every \
               process in the tree. Default: child.",
    },
    Flag {
        long: "rewrite",
        short: None,
        section: SIGNALS,
        kind: Kind::List("FROM=TO", |s, v| s.rewrites.add(rewrite::Rule::parse(v)?)),
        help: "Forward the signal TO where FROM is received; FROM=ignore drops it. By name or \
               number, realtime signals as RTMIN+N.",
    },
    Flag {
        long: "stop-signals",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("SIGNAL,...", |s, v| {
            let signals = v.split(',').map(forwardable);
            let set = signals
                .into_iter()
                .try_fold(SignalSet::EMPTY, |set, signal| signal.map(|signal| set.with(signal)))?;
            once(&mut s.stop_signals, set)
        }),
        help: "The signals that begin a stop. Default: TERM.",
    },
    Flag {
        long: "drain",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("DURATION", |s, v| once(&mut s.drain, duration::parse(v)?)),
        help: "Hold the first stop signal back for so long; a second one ends that. Default: 0.",
    },
    Flag {
        long: "grace",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("DURATION|none", |s, v| {
            let grace = if v == "none" {
                None
            } else {
                Some(duration::parse(v).map_err(|reason| format!("{reason}, or 'none'"))?)
            };
            once(&mut s.grace, grace)
        }),
        help: "How long the command may take to end after the stop signal; then the whole tree gets \
               SIGKILL. 0 kills at once, none never. Default: 30s.",
    },
    Flag {
        long: "escalate",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("SIGNAL:DURATION,...", |s, v| {
            let rungs = v.split(',').map(rung).collect::<Result<Vec<Rung>, Reason>>()?;
            once(&mut s.escalation, rungs)
        }),
        help: "Send further signals within the grace, each so long after the one before it.",
    },
    Flag {
        long: "linger",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("DURATION", |s, v| once(&mut s.linger, duration::parse(v)?)),
        help: "How long the processes that the command leaves behind may take to end after SIGTERM, \
               before SIGKILL. Default: 5s.",
    },
    Flag {
        long: "wait-all",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Switch(|s, on| once(&mut s.wait_all, on)),
        help: "When the command has ended, let the processes that it leaves behind end by themselves.",
    },
    Flag {
        long: "rlimit",
        short: None,
        section: SURROUNDINGS,
        kind: Kind::List("NAME=SOFT[:HARD]", |s, v| {
            let spec = Spec::parse(v)?;
            match s.limits.get_mut(spec.resource as usize) {
                Some(field) => once(field, spec),
                None => Ok(()), // there are sixteen of both
            }
        }),
        help: "Set a resource limit: as core cpu data fsize locks memlock msgqueue nice nofile nproc \
               rss rtprio rttime sigpending stack. Values: numbers, sizes (64k 1M 2G), times (30s), \
               unlimited, or max for the present hard limit. One value sets both limits.",
    },
    Flag {
        long: "subreaper",
        short: None,
        section: TELLING,
        kind: Kind::Value("auto|on|off", |s, v| {
            let modes = [("auto", Subreaper::Auto), ("on", Subreaper::On), ("off", Subreaper::Off)];
            once(&mut s.subreaper, choice(v, &modes)?)
        }),
        help: "Whether to adopt orphans when sexton is not PID 1. Default: auto (it does).",
    },
    Flag {
        long: "warn-on-reap",
        short: None,
        section: TELLING,
        kind: Kind::Switch(|s, on| once(&mut s.warn_on_reap, on)),
        help: "Log each orphan that is reaped.",
    },
    Flag {
        long: "map-exit",
        short: None,
        section: TELLING,
        kind: Kind::List("FROM=TO", |s, v| s.exit_map.add(exit_map::Rule::parse(v)?)),
        help: "Exit with the status TO where it would be FROM: a status, a range (1-3=1), or the \
               signal that killed the command (signal:TERM=0).",
    },
    Flag {
        long: "log-level",
        short: None,
        section: TELLING,
        kind: Kind::Value("error|warn|info|debug|trace", |s, v| {
            let levels = [
                ("error", LevelFilter::Error),
                ("warn", LevelFilter::Warn),
                ("info", LevelFilter::Info),
                ("debug", LevelFilter::Debug),
                ("trace", LevelFilter::Trace),
            ];
            once(&mut s.log_level, choice(v, &levels)?)
        }),
        help: "How much to log to standard error. Default: warn.",
    },
    Flag {
        long: "verbose",
        short: Some('v'),
        section: TELLING,
        kind: Kind::Count(|s, times| {
            s.verbose = Some(s.verbose.unwrap_or(0).saturating_add(times));
        }),
        help: "Log one level more; repeat for more.",
    },
    Flag {
        long: "help",
        short: Some('h'),
        section: TELLING,
        kind: Kind::Print(help),
        help: "Print this text.",
    },
    Flag {
        long: "version",
        short: Some('V'),
        section: TELLING,
        kind: Kind::Print(|| format!("sexton {}\n", env!("CARGO_PKG_VERSION"))),
        help: "Print the version.",
    },
];

/// The value that a word stands for.
fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, Reason> {
    choices.iter().find(|(word, _)| *word == text).map(|&(_, value)| value).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|&(word, _)| word).collect();
        format!("expected one of {}", words.join(", ")).into()
    })
}

fn rung(text: &str) -> Result<Rung, Reason> {
    let (signal, after) =
        text.split_once(':').ok_or("expected SIGNAL:DURATION, such as INT:5s,QUIT:5s")?;
    let rung = Rung { signal: Signal::parse(signal)?, after: duration::parse(after)? };
    if rung.after == Duration::ZERO {
        return Err("each duration must be more than 0".into());
    }
    Ok(rung)
}

/// How wide the lines of `--help` may be.
const WIDTH: usize = 80;

fn help() -> String {
    let mut text = String::from(
        "An init for containers: starts one command, forwards signals to it, reaps every\n\
         orphan, shuts the whole process tree down in bounded time, and exits with the\n\
         command's status.\n\n\
         Usage: sexton [OPTIONS] [--] COMMAND [ARG...]\n",
    );
    let mut section = "";
    for flag in FLAGS {
        if flag.section != section {
            section = flag.section;
            text += &format!("\n{section}:\n");
        }
        let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let metavar = flag.metavar().map_or(String::new(), |metavar| format!(" {metavar}"));
        text += &format!("  {short}--{}{metavar}\n", flag.long);
        let variable = flag.variable().map_or(String::new(), |name| format!(" [{name}]"));
        wrap(&format!("{}{variable}", flag.help), &mut text);
    }
    text += "\nDurations: 5s, 500ms, 2m, 1h or bare seconds. Each flag can be set by the variable that\n\
             stands behind it, lists comma-separated; the flag comes first.\n\n\
             Exit status: the command's own, or 128 + N if signal N killed it; 127 command not\n\
             found; 126 found but not executable; 125 anything that sexton could not do.\n";
    text
}

/// Appends the words, indented, in lines of at most [`WIDTH`].
fn wrap(words: &str, text: &mut String) {
    let mut column = 0;
    for word in words.split_whitespace() {
        if column > 0 && column + 1 + word.len() <= WIDTH {
            text.push(' ');
            column += 1;
        } else {
            text.push_str(if column > 0 { "\n          " } else { "          " });
            column = 10;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_well_formed() {
        for (index, flag) in FLAGS.iter().enumerate() {
            assert!(
                flag.long.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{}",
                flag.long
            );
            for other in &FLAGS[index + 1..] {
                assert_ne!(flag.long, other.long);
                assert!(flag.short.is_none() || flag.short != other.short, "-{:?}", flag.short);
            }
        }
    }

    #[test]
    fn every_flag_explains_itself() {
        for flag in FLAGS {
            assert!(flag.help.ends_with('.'), "{}", flag.long);
            assert!(flag.metavar().is_none_or(|metavar| !metavar.is_empty()), "{}", flag.long);
        }
    }

    #[test]
    fn sections_stand_together() {
        let mut sections: Vec<&str> = FLAGS.iter().map(|flag| flag.section).collect();
        sections.dedup();
        let mut unique = sections.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(sections.len(), unique.len());
    }

    #[test]
    fn help_names_every_flag_and_variable_and_fits_the_width() {
        let help = help();
        for flag in FLAGS {
            assert!(help.contains(&format!("--{}", flag.long)), "{}", flag.long);
            assert!(flag.variable().is_none_or(|name| help.contains(&name)), "{}", flag.long);
        }
        for line in help.lines() {
            assert!(line.len() <= 88, "{line}");
        }
    }
}
