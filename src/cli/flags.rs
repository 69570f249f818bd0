//! The one table of flags: parsing, variables and `--help` all come from it.

use super::settings::{Settings, add_capabilities, add_limit, set};
use crate::plan::{
    EscalationStep, Grouping, LogFormat, LogTo, StatusFormat, Subreaper, Target, TerminationLog,
};
use crate::text::escape::Shortened;
use crate::values::address::SyslogAddress;
use crate::values::duration;
use crate::values::environment::Values;
use crate::values::exit_map;
use crate::values::rewrite::{self, forwardable};
use crate::values::rlimit::Spec;
use crate::values::scheduling::{Cpus, IoPriority, NICENESS, OOM_SCORE_ADJ, Scheduler, integer};
use crate::values::signal::{Reason, Signal, SignalSet};
use crate::values::stdio::Redirection;
use crate::values::user;
use log::LevelFilter;
use std::ffi::CString;
use std::net::{IpAddr, SocketAddr};
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
    /// `--name` or `--name=VALUE`; its variable takes a yes, a no or a value.
    Optional(&'static str, fn(&mut Settings, Choice) -> Result<(), Reason>),
    /// `--name VALUE`, any number of times; its variable takes a comma-separated list.
    List(&'static str, Apply),
    /// `--name`; its variable takes a yes or a no.
    Switch(fn(&mut Settings, bool) -> Result<(), Reason>),
    /// `-n`, `-nn`, ...; its variable takes the number of times.
    Count(fn(&mut Settings, usize)),
    /// A text to print instead of running anything; no variable.
    Print(fn() -> String),
}

/// What is said with a flag that may have a value.
#[derive(Clone, Copy)]
pub enum Choice<'a> {
    /// Yes, as usual.
    Usual,
    /// No.
    Off,
    /// Yes, with this value.
    This(&'a [u8]),
}

/// How a value is read and applied.
#[derive(Clone, Copy)]
pub enum Apply {
    /// Valid UTF-8 only.
    Text(fn(&mut Settings, &str) -> Result<(), Reason>),
    /// Any bytes: paths and variables.
    Bytes(fn(&mut Settings, &[u8]) -> Result<(), Reason>),
}
use Apply::{Bytes, Text};

impl Apply {
    /// Applies a value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn to(self, settings: &mut Settings, value: &[u8]) -> Result<(), Reason> {
        match self {
            Text(apply) => {
                let text = std::str::from_utf8(value).map_err(|_| "it is not valid UTF-8")?;
                apply(settings, text)
            }
            Bytes(apply) => apply(settings, value),
        }
    }
}

/// How the names of all variables begin.
pub const PREFIX: &str = "SEXTON_";

/// The name of the variable for a flag.
pub fn variable(long: &str) -> String {
    format!("{PREFIX}{}", long.replace('-', "_").to_ascii_uppercase())
}

impl Flag {
    /// The name of the environment variable that does the same.
    pub fn variable(&self) -> Option<String> {
        (!matches!(self.kind, Kind::Print(_))).then(|| variable(self.long))
    }

    /// How it is written: `--name`, `--name VALUE`, `--name[=VALUE]`.
    pub fn usage(&self) -> String {
        let long = self.long;
        match self.kind {
            Kind::Value(metavar, _) | Kind::List(metavar, _) => format!("--{long} {metavar}"),
            Kind::Optional(metavar, _) => format!("--{long}[={metavar}]"),
            Kind::Switch(_) | Kind::Count(_) | Kind::Print(_) => format!("--{long}"),
        }
    }
}

const SIGNALS: &str = "Signals";
const SHUTDOWN: &str = "Shutdown";
const PRIVILEGES: &str = "The command's privileges";
const ATTRIBUTES: &str = "The command's surroundings";
const LOGGING: &str = "Reaping and telling";
const INSTEAD: &str = "Instead of running a command";

/// Every flag, in the order of `--help`.
pub static FLAGS: &[Flag] = &[
    Flag {
        long: "forward-to",
        short: None,
        section: SIGNALS,
        kind: Kind::Value(
            "child|group|all",
            Text(|s, v| {
                let targets =
                    [("child", Target::Command), ("group", Target::Group), ("all", Target::Tree)];
                set(&mut s.forward_to, choice(v, &targets)?)
            }),
        ),
        help: "Who gets the signals that sexton receives: the command, its process group, or every \
               process in the tree. Default: child.",
    },
    Flag {
        long: "rewrite",
        short: None,
        section: SIGNALS,
        kind: Kind::List("FROM=TO", Text(|s, v| s.rewrites.add(rewrite::Rule::parse(v)?))),
        help: "Forward the signal TO where FROM is received; FROM=ignore drops it. By name or \
               number, realtime signals as RTMIN+N.",
    },
    Flag {
        long: "stop-signals",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL,...",
            Text(|s, v| {
                let mut signals = v.split(',').map(forwardable);
                let all = signals
                    .try_fold(SignalSet::EMPTY, |set, signal| Ok::<_, Reason>(set.with(signal?)))?;
                set(&mut s.stop_signals, all)
            }),
        ),
        help: "The signals that begin a stop. Default: TERM.",
    },
    Flag {
        long: "drain",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("DURATION", Text(|s, v| set(&mut s.drain, duration::parse(v)?))),
        help: "Hold the first stop signal back for so long; a second one ends that. Default: 0.",
    },
    Flag {
        long: "grace",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("DURATION|none", Text(|s, v| set(&mut s.grace, duration_or_none(v)?))),
        help: "How long the command may take to end after the stop signal; then the whole tree gets \
               SIGKILL. 0 kills at once, none never. Default: 30s.",
    },
    Flag {
        long: "escalate",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL:DURATION,...",
            Text(|s, v| {
                let steps =
                    v.split(',').map(step).collect::<Result<Vec<EscalationStep>, Reason>>()?;
                set(&mut s.escalation, steps)
            }),
        ),
        help: "Send further signals within the grace, each so long after the one before it.",
    },
    Flag {
        long: "linger",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value("DURATION|none", Text(|s, v| set(&mut s.linger, duration_or_none(v)?))),
        help: "How long the processes that the command leaves behind may take to end after SIGTERM, \
               before SIGKILL. 0 kills at once; none leaves them alone and exits. Default: 5s; during a \
               stop the rest of the grace period, or 5s if all that is left ignores SIGTERM.",
    },
    Flag {
        long: "wait-all",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Switch(|s, on| set(&mut s.wait_all, on)),
        help: "When the command has ended, let the processes that it leaves behind end by themselves.",
    },
    Flag {
        long: "pdeathsig",
        short: None,
        section: SHUTDOWN,
        kind: Kind::Value(
            "SIGNAL",
            Text(|s, v| set(&mut s.parent_death_signal, Signal::parse(v)?)),
        ),
        help: "The signal that sexton gets when its parent ends, and the command when sexton ends.",
    },
    Flag {
        long: "user",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Value(
            "NAME|UID[:GROUP|GID]",
            Text(|s, v| {
                let user = s.given("user", v, user::Spec::parse(v)?);
                set(&mut s.user, user)
            }),
        ),
        help: "Run the command as this user. Numbers need no /etc/passwd. The supplementary groups are \
               the user's if no group is given; HOME, USER and LOGNAME are set.",
    },
    Flag {
        long: "groups",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Value(
            "GROUP|GID,...|none",
            Text(|s, v| {
                let groups = s.given("groups", v, user::Groups::parse(v)?);
                set(&mut s.groups, groups)
            }),
        ),
        help: "Set exactly these supplementary groups.",
    },
    Flag {
        long: "cap-drop",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|s, v| add_capabilities(&mut s.capabilities.drop, v)),
        ),
        help: "Drop capabilities from all sets, for good. What --cap-keep and --cap-ambient name stays.",
    },
    Flag {
        long: "cap-keep",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|s, v| add_capabilities(&mut s.capabilities.keep, v)),
        ),
        help: "Drop all capabilities but these.",
    },
    Flag {
        long: "cap-ambient",
        short: None,
        section: PRIVILEGES,
        kind: Kind::List(
            "CAPABILITY,...|all",
            Text(|s, v| add_capabilities(&mut s.capabilities.ambient, v)),
        ),
        help: "Give the command these capabilities even if it does not run as root.",
    },
    Flag {
        long: "no-new-privs",
        short: None,
        section: PRIVILEGES,
        kind: Kind::Switch(|s, on| set(&mut s.no_new_privs, on)),
        help: "Never gain privileges by executing a set-user-ID program or one with file capabilities.",
    },
    Flag {
        long: "rlimit",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List(
            "NAME=SOFT[:HARD]",
            Text(|s, v| add_limit(&mut s.limits, Spec::parse(v)?)),
        ),
        help: "Set a resource limit: as core cpu data fsize locks memlock msgqueue nice nofile nproc \
               rss rtprio rttime sigpending stack. Values: numbers, sizes (64k 1M 2G), times (30s), \
               unlimited, or max for the present hard limit. One value sets both limits.",
    },
    Flag {
        long: "chdir",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("DIR", Bytes(|s, v| set(&mut s.directory, path(v)?))),
        help: "Start the command in this directory.",
    },
    Flag {
        long: "umask",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("OCTAL", Text(|s, v| set(&mut s.umask, umask(v)?))),
        help: "Set the file mode creation mask, such as 027.",
    },
    Flag {
        long: "env",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME=VALUE", Bytes(|s, v| s.environment.set(v))),
        help: "Set a variable for the command.",
    },
    Flag {
        long: "unset-env",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::List("NAME", Bytes(|s, v| s.environment.unset(v))),
        help: "Unset a variable for the command.",
    },
    Flag {
        long: "nice",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("N", Text(|s, v| set(&mut s.nice, integer(v, NICENESS)?))),
        help: "Set the niceness, -20 to 19.",
    },
    Flag {
        long: "cpus",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("LIST", Text(|s, v| set(&mut s.cpus, Cpus::parse(v)?.into()))),
        help: "Run on these CPUs only, such as 0-3,6.",
    },
    Flag {
        long: "sched",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "POLICY[:PRIORITY]",
            Text(|s, v| set(&mut s.scheduler, Scheduler::parse(v)?)),
        ),
        help: "Set the scheduling policy: other, batch, idle, fifo:1 to fifo:99, rr:1 to rr:99.",
    },
    Flag {
        long: "ionice",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value(
            "CLASS[:LEVEL]",
            Text(|s, v| set(&mut s.io_priority, IoPriority::parse(v)?)),
        ),
        help: "Set the I/O scheduling class: realtime:0 to realtime:7, best-effort:0 to best-effort:7, \
               idle.",
    },
    Flag {
        long: "oom-score-adj",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("N", Text(|s, v| set(&mut s.oom_score_adj, integer(v, OOM_SCORE_ADJ)?))),
        help: "Set how soon the kernel kills the command when memory runs out, -1000 (never) to 1000.",
    },
    Flag {
        long: "setsid",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|s, on| {
            set(&mut s.grouping, if on { Grouping::Session } else { Grouping::Group })
        }),
        help: "Give the command a session of its own instead of a process group, with the terminal if \
               sexton leads its session.",
    },
    Flag {
        long: "stdin",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("PATH", Bytes(|s, v| set(&mut s.stdio[0], input(v)?))),
        help: "Read standard input from this file, or from a descriptor that sexton was started with: \
               /dev/fd/N.",
    },
    Flag {
        long: "stdout",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("PATH|>>PATH", Bytes(|s, v| set(&mut s.stdio[1], output(v)?))),
        help: "Write standard output to this file, after emptying it, or at its end; or to a stream that \
               sexton was started with: /dev/stderr, /dev/fd/N.",
    },
    Flag {
        long: "stderr",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Value("PATH|>>PATH", Bytes(|s, v| set(&mut s.stdio[2], output(v)?))),
        help: "The same for standard error; - is standard output. sexton's own messages stay where they are.",
    },
    Flag {
        long: "close-fds",
        short: None,
        section: ATTRIBUTES,
        kind: Kind::Switch(|s, on| set(&mut s.close_fds, on)),
        help: "Give the command no descriptor but standard input, output and error, and those that \
               LISTEN_FDS counts if LISTEN_PID names sexton.",
    },
    Flag {
        long: "subreaper",
        short: None,
        section: LOGGING,
        kind: Kind::Value(
            "auto|on|off",
            Text(|s, v| {
                let modes =
                    [("auto", Subreaper::Auto), ("on", Subreaper::On), ("off", Subreaper::Off)];
                set(&mut s.subreaper, choice(v, &modes)?)
            }),
        ),
        help: "Whether to adopt orphans when sexton is not PID 1. Default: auto (it does).",
    },
    Flag {
        long: "warn-on-reap",
        short: None,
        section: LOGGING,
        kind: Kind::Switch(|s, on| set(&mut s.warn_on_reap, on)),
        help: "Log each orphan that is reaped.",
    },
    Flag {
        long: "map-exit",
        short: None,
        section: LOGGING,
        kind: Kind::List("FROM=TO", Text(|s, v| s.exit_map.add(exit_map::Rule::parse(v)?))),
        help: "Exit with the status TO where it would be FROM: a status, a range (1-3=1), or the \
               signal that killed the command (signal:TERM=0).",
    },
    Flag {
        long: "log-level",
        short: None,
        section: LOGGING,
        kind: Kind::Value(
            "error|warn|info|debug|trace",
            Text(|s, v| {
                let levels = [
                    ("error", LevelFilter::Error),
                    ("warn", LevelFilter::Warn),
                    ("info", LevelFilter::Info),
                    ("debug", LevelFilter::Debug),
                    ("trace", LevelFilter::Trace),
                ];
                set(&mut s.log_level, choice(v, &levels)?)
            }),
        ),
        help: "How much to log to standard error. Default: warn.",
    },
    Flag {
        long: "verbose",
        short: Some('v'),
        section: LOGGING,
        kind: Kind::Count(|s, times| {
            s.verbose = Some(s.verbose.unwrap_or(0).saturating_add(times));
        }),
        help: "Log one level more; repeat for more.",
    },
    Flag {
        long: "log-to",
        short: None,
        section: LOGGING,
        kind: Kind::Value("WHERE", Text(|s, v| set(&mut s.log_to, log_to(v)?))),
        help: "Where to log: stderr, syslog (/dev/log), udp://ADDRESS[:PORT], tcp://ADDRESS[:PORT], none. \
               Default: stderr.",
    },
    Flag {
        long: "log-format",
        short: None,
        section: LOGGING,
        kind: Kind::Value(
            "text|json",
            Text(|s, v| {
                let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
                set(&mut s.log_format, choice(v, &formats)?)
            }),
        ),
        help: "How lines on standard error look. Default: text.",
    },
    Flag {
        long: "report",
        short: None,
        section: LOGGING,
        kind: Kind::Value("PATH", Bytes(|s, v| set(&mut s.report, path(v)?))),
        help: "Write a report of the end, as JSON, to this file; or to a stream that sexton was started \
               with: - (standard output), /dev/stderr, /dev/fd/N.",
    },
    Flag {
        long: "termination-log",
        short: None,
        section: LOGGING,
        kind: Kind::Optional("PATH", |s, v| {
            let log = match v {
                Choice::Off => None,
                Choice::Usual => {
                    let path = c"/dev/termination-log".to_owned();
                    Some(TerminationLog { path, by_default: true })
                }
                // No other word can be meant: a mistyped "yes" is no file's name.
                Choice::This(value) if !value.starts_with(b"/") && value != b"-" => {
                    return Err("expected an absolute path or -".into());
                }
                Choice::This(value) => {
                    Some(TerminationLog { path: path(value)?, by_default: false })
                }
            };
            set(&mut s.termination_log, log)
        }),
        help: "Write it as a short text for Kubernetes to /dev/termination-log, if that is there, or to \
               this file.",
    },
    Flag {
        long: "pause",
        short: Some('P'),
        section: INSTEAD,
        kind: Kind::Switch(|s, on| set(&mut s.pause, on)),
        help: "Run no command: reap orphans, and exit 0 on SIGTERM or SIGINT. For a pod's pause container.",
    },
    Flag {
        long: "status",
        short: None,
        section: INSTEAD,
        kind: Kind::Optional("text|json", |s, v| {
            let formats = [("text", StatusFormat::Text), ("json", StatusFormat::Json)];
            let format = match v {
                Choice::Off => None,
                Choice::Usual => Some(StatusFormat::Text),
                Choice::This(value) => {
                    Some(choice(std::str::from_utf8(value).unwrap_or_default(), &formats)?)
                }
            };
            set(&mut s.status, format)
        }),
        help: "Show the processes of this container, zombies and who neglects them, limits, memory.",
    },
    Flag {
        long: "check",
        short: None,
        section: INSTEAD,
        kind: Kind::Switch(|s, on| set(&mut s.check, on)),
        help: "With --status, for health checks: print one line and exit 1 if there are stuck zombies, or \
               if 90% of the process IDs that the cgroup allows are in use; otherwise print nothing.",
    },
    Flag {
        long: "dry-run",
        short: None,
        section: INSTEAD,
        kind: Kind::Optional("values", |s, v| {
            let values = match v {
                Choice::Off => None,
                Choice::Usual => Some(Values::Hidden),
                Choice::This(b"values") => Some(Values::Shown),
                Choice::This(_) => return Err("expected 'values'".into()),
            };
            set(&mut s.dry_run, values)
        }),
        help: "Print what would be done before the command is executed, and do nothing. Values of variables, \
               which may be secret, are shown by --dry-run=values only.",
    },
    Flag {
        long: "help",
        short: Some('h'),
        section: INSTEAD,
        kind: Kind::Print(help),
        help: "Print this text.",
    },
    Flag {
        long: "version",
        short: Some('V'),
        section: INSTEAD,
        kind: Kind::Print(|| format!("sexton {}\n", env!("CARGO_PKG_VERSION"))),
        help: "Print the version.",
    },
];

/// The value that a word stands for.
fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, Reason> {
    let found = choices.iter().find(|(word, _)| *word == text).map(|&(_, value)| value);
    found.ok_or_else(|| expected(&mut choices.iter().map(|&(word, _)| word)))
}

fn expected(words: &mut dyn Iterator<Item = &str>) -> Reason {
    let words: Vec<&str> = words.collect();
    format!("expected one of {}", words.join(", ")).into()
}

fn duration_or_none(text: &str) -> Result<Option<Duration>, Reason> {
    if text == "none" {
        return Ok(None);
    }
    Ok(Some(duration::parse(text).map_err(|reason| format!("{reason}, or 'none'"))?))
}

fn log_to(text: &str) -> Result<LogTo, Reason> {
    let syslog = |address: &str, make: fn(SocketAddr) -> SyslogAddress| {
        socket_address(address).map(make).map(LogTo::Syslog).ok_or_else(|| {
            let address = Shortened(address);
            format!("'{address}' is no numeric address, such as 192.0.2.1:514 or [2001:db8::1]:514; names are not looked up").into()
        })
    };
    match (text, text.strip_prefix("udp://"), text.strip_prefix("tcp://")) {
        ("stderr", ..) => Ok(LogTo::Stderr),
        ("syslog", ..) => Ok(LogTo::Syslog(SyslogAddress::Local)),
        ("none", ..) => Ok(LogTo::None),
        (_, Some(address), _) => syslog(address, SyslogAddress::Udp),
        (_, _, Some(address)) => syslog(address, SyslogAddress::Tcp),
        _ => Err("expected stderr, syslog, udp://ADDRESS, tcp://ADDRESS or none".into()),
    }
}

/// An IP address with a port, or syslog's usual one. A name would have to be resolved, which can block.
fn socket_address(text: &str) -> Option<SocketAddr> {
    const SYSLOG_PORT: u16 = 514;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = || bare.unwrap_or(text).parse::<IpAddr>().ok();
    let usual = || Some(SocketAddr::new(address()?, SYSLOG_PORT));
    text.parse().ok().or_else(usual).filter(|address: &SocketAddr| address.port() != 0)
}

fn path(bytes: &[u8]) -> Result<CString, Reason> {
    match CString::new(bytes) {
        Ok(path) if !path.is_empty() => Ok(path),
        _ => Err("expected a path".into()),
    }
}

fn input(value: &[u8]) -> Result<Redirection, Reason> {
    Ok(Redirection { path: path(value)?, append: false })
}

fn output(value: &[u8]) -> Result<Redirection, Reason> {
    let append = value.strip_prefix(b">>");
    Ok(Redirection { path: path(append.unwrap_or(value))?, append: append.is_some() })
}

fn umask(text: &str) -> Result<u32, Reason> {
    let octal = !text.is_empty() && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mask = u32::from_str_radix(text, 8).ok().filter(|&mask| octal && mask <= 0o777);
    mask.ok_or_else(|| "expected an octal number from 0 to 777".into())
}

fn step(text: &str) -> Result<EscalationStep, Reason> {
    let (signal, after) =
        text.split_once(':').ok_or("expected SIGNAL:DURATION, such as INT:5s,QUIT:5s")?;
    let step = EscalationStep { signal: Signal::parse(signal)?, after: duration::parse(after)? };
    if step.after == Duration::ZERO {
        return Err("each duration must be more than 0".into());
    }
    Ok(step)
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
        text += &format!("  {short}{}\n", flag.usage());
        let variable = flag.variable().map_or(String::new(), |name| format!(" [{name}]"));
        wrap(&format!("{}{variable}", flag.help), &mut text);
    }
    text += "\nIn the place of another init, called by its name or as\n\
             sexton --as tini|dumb-init|catatonit ..., it has the flags of that program.\n\
             \nDurations: 5s, 500ms, 2m, 1h or bare seconds. Each flag can be set by the variable that\n\
             stands behind it, lists comma-separated; the flag comes first. An empty variable is\n\
             none. Of a flag that is given twice the last one counts; lists add up.\n\n\
             Exit status: the command's own, or 128 + N if signal N killed it (not PID 1: sexton dies\n\
             of that signal); 127 command not found; 126 found but not executable; 125 anything that\n\
             sexton could not do.\n";
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
            assert!(!flag.usage().ends_with([' ', '=']), "{}", flag.long);
        }
    }

    #[test]
    fn syslog_addresses_are_numeric() {
        for (text, address) in [
            ("udp://192.0.2.1", "192.0.2.1:514"),
            ("udp://192.0.2.1:5514", "192.0.2.1:5514"),
            ("udp://[2001:db8::1]:9", "[2001:db8::1]:9"),
            ("udp://[2001:db8::1]", "[2001:db8::1]:514"),
            ("udp://::1", "[::1]:514"),
        ] {
            let expected = SyslogAddress::Udp(address.parse().unwrap());
            assert_eq!(log_to(text), Ok(LogTo::Syslog(expected)), "{text}");
        }
        let tcp = SyslogAddress::Tcp("127.0.0.1:6514".parse().unwrap());
        assert_eq!(log_to("tcp://127.0.0.1:6514"), Ok(LogTo::Syslog(tcp)));
        assert_eq!(log_to("syslog"), Ok(LogTo::Syslog(SyslogAddress::Local)));
        for text in [
            "",
            "udp",
            "udp://",
            "udp://host",
            "tcp://1.2.3.4:0",
            "tcp://1.2.3.4:65536",
            "http://1.2.3.4",
        ] {
            assert!(log_to(text).is_err(), "{text}");
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
