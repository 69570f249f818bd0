//! What to run and how, as plain data: `cli` makes it, or a program through `library`, and every later stage reads it.
//!
//! - here: the [`Plan`] and the attributes of the command;
//! - `policy`: what the supervisor does about signals and ends;
//! - `logging`: where log lines go, and how they look;
//! - `request`: everything that sexton can be asked to do, of which running a plan is one thing.
//!
//! No I/O, and no decision but whether settings contradict each other. Imports `values`.

#![forbid(unsafe_code)]

mod logging;
mod policy;
pub mod request;

pub use logging::{LogFormat, LogTo, Logging, Prefix, Style};
pub use policy::{EscalationStep, Linger, Policy, Target};

use crate::values::capabilities;
use crate::values::confinement::Confinement;
use crate::values::environment::Edits;
use crate::values::exit_map::ExitMap;
use crate::values::rlimit;
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use crate::values::signal::Signal;
use crate::values::stdio::Redirection;
use crate::values::user;
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
    pub attributes: Attributes,
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
            attributes: Attributes::default(),
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

/// Process attributes of the command, set before it is executed. By default it has those that sexton was started with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// Limits to set.
    pub limits: Vec<rlimit::Spec>,
    /// The user to run as.
    pub user: Option<Given<user::Spec>>,
    /// Change less with the user than a login does.
    pub changes_less: Option<ChangesLess>,
    /// Supplementary groups, instead of the user's.
    pub groups: Option<Given<user::Groups>>,
    /// Capabilities to drop, keep and raise.
    pub capabilities: capabilities::Spec,
    /// Gain no privileges by executing a program (PR_SET_NO_NEW_PRIVS, prctl(2)).
    pub no_new_privs: bool,
    /// What the command is kept from by Landlock.
    pub confinement: Confinement,
    /// The working directory.
    pub directory: Option<CString>,
    /// The file mode creation mask, 0 to 0o777.
    pub umask: Option<u32>,
    /// Variables to set and unset.
    pub environment: Edits,
    /// Files of other variables to set. The last one that sets a variable counts.
    pub environment_files: Vec<CString>,
    /// Niceness, -20 to 19.
    pub nice: Option<i32>,
    /// CPUs to run on.
    pub cpus: Option<Box<Cpus>>,
    /// The scheduling policy.
    pub scheduler: Option<Scheduler>,
    /// The I/O scheduling class.
    pub io_priority: Option<IoPriority>,
    /// What is added to its score when the kernel chooses a process to kill for memory, -1000 to 1000 (proc(5)).
    pub oom_score_adj: Option<i32>,
    /// The process group and session.
    pub grouping: Grouping,
    /// Files for standard input, output and error.
    pub stdio: [Option<Redirection>; 3],
    /// Close all descriptors but standard input, output and error.
    pub close_fds: bool,
}

impl Attributes {
    /// Whether the command's capabilities depend on those that sexton has: a change of user changes them, too.
    #[must_use]
    pub fn changes_capabilities(&self) -> bool {
        self.user.is_some() || self.capabilities != capabilities::Spec::default()
    }
}

/// A change of user that changes less than a login does: a number without an entry keeps sexton's group, a part that is
/// not given is sexton's own, and of the variables only HOME is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChangesLess {
    /// The group itself is none of the supplementary ones, unless it lists the user.
    pub group_apart: bool,
}

/// The process group and session that the command runs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Grouping {
    /// A process group of its own.
    #[default]
    Group,
    /// A session of its own.
    Session,
    /// sexton's own process group: signals that a terminal or a process sends to that group reach both.
    Shared,
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

/// A value that a later stage looks up, with what an error message needs then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given<T> {
    /// What was given.
    pub value: T,
    /// The value as the user wrote it.
    pub text: String,
    /// The flag or variable that gave it: `--user`, or `SEXTON_USER`.
    pub by: String,
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
