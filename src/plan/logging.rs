//! Where log lines go, and how they look.

#![forbid(unsafe_code)]

use crate::values::address::SyslogAddress;
use log::LevelFilter;
use std::fmt;

/// How sexton logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Logging {
    /// The least important level that is logged.
    pub level: LevelFilter,
    /// Where to.
    pub to: LogTo,
    /// How lines on standard error look.
    pub format: LogFormat,
    /// Begin text lines with the time.
    pub time: bool,
    /// How text lines begin otherwise, and which stream they go to.
    pub style: &'static Style,
}

impl Default for Logging {
    fn default() -> Logging {
        Logging {
            level: LevelFilter::Warn,
            to: LogTo::Stderr,
            format: LogFormat::Text,
            time: false,
            style: &Style::SEXTON,
        }
    }
}

/// How text lines begin, and which stream they go to. `PID` in a prefix stands for sexton's process ID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// For an error that ends the run.
    pub fatal: &'static str,
    /// For the levels from error to trace.
    pub levels: [&'static str; 5],
    /// For the hint after an error. Without it, the hint is part of the error's line.
    pub hint: Option<&'static str>,
    /// Write lines below the level of a warning to standard output.
    pub quiet_to_stdout: bool,
}

impl Style {
    /// sexton's own.
    pub const SEXTON: Style = Style {
        fatal: "sexton: fatal: ",
        levels: [
            "sexton: error: ",
            "sexton: warning: ",
            "sexton: info: ",
            "sexton: debug: ",
            "sexton: trace: ",
        ],
        hint: Some("sexton: hint: "),
        quiet_to_stdout: false,
    };
}

impl Default for &Style {
    fn default() -> Self {
        &Style::SEXTON
    }
}

/// The prefix of a text line, and the process ID to write in it.
pub struct Prefix(pub &'static str, pub i32);

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PLACE: &str = "PID";
        let Prefix(template, pid) = self;
        let at = template.as_bytes().windows(PLACE.len()).position(|part| part == PLACE.as_bytes());
        match at.and_then(|at| template.split_at_checked(at)) {
            Some((before, after)) => {
                write!(f, "{before}{pid}{}", after.strip_prefix(PLACE).unwrap_or(after))
            }
            None => f.write_str(template),
        }
    }
}

impl Logging {
    /// Whether sexton writes to standard output while the command runs.
    #[must_use]
    pub fn uses_stdout(&self) -> bool {
        self.style.quiet_to_stdout && self.to == LogTo::Stderr && self.level > LevelFilter::Warn
    }
}

/// Where log lines go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogTo {
    /// Standard error.
    #[default]
    Stderr,
    /// The syslog daemon at this address.
    Syslog(SyslogAddress),
    /// Nowhere.
    None,
}

/// How log lines on standard error look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// `sexton: warning: ...`
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
