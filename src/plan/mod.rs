//! What to run and how, as plain data: `cli` makes it, or a program through `library`, and every later stage reads it.
//!
//! - here: the [`Plan`];
//! - `attributes`: what is set for the command before it is executed;
//! - `policy`: what the supervisor does about signals and ends;
//! - `logging`: where log lines go, and how they look;
//! - `request`: everything that sexton can be asked to do, of which running a plan is one thing.
//!
//! No I/O, and no decision but whether settings contradict each other. Imports `values`.

#![forbid(unsafe_code)]

mod attributes;
mod logging;
mod policy;
pub mod request;

pub use attributes::{Attributes, ChangesLess, Given, Grouping, SomeAttributes};
pub use logging::{LogFormat, LogTo, Logging, Prefix, Style};
pub use policy::{EscalationStep, Linger, Policy, Target};

use crate::values::exit_map::ExitMap;
use crate::values::signal::Signal;
use std::ffi::{CStr, CString};

/// One run of sexton.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan<'a> {
    /// The command's argument vector; the first element is the command. Empty only for a pause.
    pub argv: Vec<&'a CStr>,
    /// Replace variables in the argument vector by their values.
    pub expands_arguments: bool,
    /// Execute the command in sexton's place, without a child and without a supervisor.
    pub in_place: bool,
    /// The files to try for the command, in this order. If there are none, its name and `PATH` say which.
    pub files: Vec<CString>,
    /// The environment as sexton was given it, in the same order, but without `SEXTON_*`.
    pub environment: Vec<&'a CStr>,
    /// What is set for the command before it is executed.
    pub attributes: SomeAttributes,
    /// The signal that sexton gets when its parent ends, and the command when sexton ends.
    pub parent_death_signal: Option<Signal>,
    /// Whether to become a child subreaper.
    pub subreaper: Subreaper,
    /// Warn if sexton adopts no orphans, because it is neither PID 1 nor a subreaper.
    pub warn_if_not_adopting: bool,
    /// Have systemd accept messages of the command, not of sexton alone (`NOTIFYACCESS=all`, sd_notify(3)).
    pub notify_access: bool,
    /// Log each reaped orphan as a warning.
    pub warn_on_reap: bool,
    /// Log as a warning, and not as information, what only sexton knows about the end of the command: an OOM kill, say.
    pub warn_of_trouble: bool,
    /// Die of the signal that killed the command, unless `exit_map` gives a status for it. PID 1 cannot.
    pub reraise_signal: bool,
    /// Other exit statuses than the command's own.
    pub exit_map: ExitMap,
    /// The exit status if the command could not be run.
    pub statuses: Statuses,
    /// Variables named `SEXTON_*` that sexton does not have: most likely typing errors.
    pub unknown_variables: Vec<UnknownVariable<'a>>,
    /// A hint for the error that there is no such command.
    pub hint_if_not_found: Option<String>,
    /// Keep sexton itself, and not the command, from the kernel's OOM killer.
    pub protect: bool,
    /// What to log, where to, and how.
    pub logging: Logging,
    /// The file for the exit report, as JSON.
    pub report: Option<CString>,
    /// The file for the exit report, as a short text.
    pub termination_log: Option<TerminationLog>,
    /// What to do about signals and ends.
    pub policy: Policy,
}

/// The plan of a command line without options, whose command is still missing.
impl Default for Plan<'_> {
    fn default() -> Self {
        Plan {
            argv: Vec::new(),
            expands_arguments: false,
            in_place: false,
            files: Vec::new(),
            environment: Vec::new(),
            attributes: SomeAttributes::default(),
            parent_death_signal: None,
            subreaper: Subreaper::Auto,
            warn_if_not_adopting: false,
            notify_access: false,
            warn_on_reap: false,
            warn_of_trouble: true,
            reraise_signal: true,
            exit_map: ExitMap::default(),
            statuses: Statuses::default(),
            unknown_variables: Vec::new(),
            hint_if_not_found: None,
            protect: false,
            logging: Logging::default(),
            report: None,
            termination_log: None,
            policy: Policy::default(),
        }
    }
}

/// A variable named `SEXTON_*` that sexton does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownVariable<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The variable that may have been meant.
    pub suggestion: Option<String>,
}

/// Exit statuses of a sexton that has not run the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statuses {
    /// An option or variable cannot be used, or a step before the command failed.
    pub fatal: u8,
    /// There is no such command.
    pub not_found: u8,
    /// The command is there; its interpreter or dynamic loader is not.
    pub incomplete: u8,
    /// There is no permission to execute it.
    pub denied: u8,
    /// It cannot be executed for another reason.
    pub not_executable: u8,
}

/// The statuses of shells and of Docker.
impl Default for Statuses {
    fn default() -> Statuses {
        Statuses { fatal: 125, not_found: 127, incomplete: 126, denied: 126, not_executable: 126 }
    }
}

/// `--termination-log`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminationLog {
    /// The file.
    pub path: CString,
    /// No file was named. If this one does not exist, that is no error.
    pub by_default: bool,
}

/// Whether sexton makes itself a child subreaper, which adopts the orphans among its descendants
/// (PR_SET_CHILD_SUBREAPER, prctl(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Subreaper {
    /// Unless it is PID 1, which adopts them anyway.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}
