//! Everything that sexton can be asked to do.

#![forbid(unsafe_code)]

use crate::plan::Plan;
use crate::values::environment::Values;
use std::ffi::CString;

/// What sexton is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// Run a command.
    Run(Box<Plan<'a>>),
    /// Execute a command in sexton's place.
    Replace(Box<Plan<'a>>),
    /// Print the steps that would be taken to run a command, and exit with 0.
    DryRun(Box<Plan<'a>>, Values),
    /// Run no command: reap orphans, and exit on SIGTERM or SIGINT.
    Pause(Box<Plan<'a>>),
    /// Show the processes of the PID namespace.
    Status(Inspection),
    /// Copy this program to a path.
    Install(CString),
    /// Print a text and exit.
    Print(Printed),
}

/// A text to print instead of running anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// Print it to standard error instead of standard output.
    pub to_stderr: bool,
    /// The exit status.
    pub status: u8,
    /// If the text cannot be written, report that as an error, with the exit status of errors.
    pub checked: bool,
    /// Unblock signals first. A SIGPIPE then ends sexton when nobody reads the text.
    pub can_break: bool,
}

impl Printed {
    /// A text that was asked for, such as `--help`.
    #[must_use]
    pub fn on_stdout(text: String) -> Printed {
        Printed { text, to_stderr: false, status: 0, checked: true, can_break: true }
    }

    /// A text about a command line that cannot be used, or one that the program prints on standard error.
    #[must_use]
    pub fn on_stderr(text: String, status: u8) -> Printed {
        Printed { text, to_stderr: true, status, checked: false, can_break: true }
    }
}

/// `--status`: what to show of the PID namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// The format.
    pub format: StatusFormat,
    /// `--check`: print one line at most, and report findings by the exit status.
    pub check: bool,
    /// Use colours if standard output is a terminal.
    pub colour: bool,
}

/// The format of `--status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusFormat {
    /// A table for people.
    Text,
    /// JSON, for programs.
    Json,
}
