//! What to run and how: plain data, made by the command line and read by everything after it.

#![forbid(unsafe_code)]

use crate::values::address::SyslogAddress;
use crate::values::capabilities;
use crate::values::duration::Shown;
use crate::values::environment::Edits;
use crate::values::exit_map::ExitMap;
use crate::values::rewrite::Rewrites;
use crate::values::rlimit;
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use crate::values::signal::{Signal, SignalSet};
use crate::values::stdio::Redirection;
use crate::values::user;
use log::LevelFilter;
use std::ffi::{CStr, CString};
use std::fmt;
use std::time::Duration;

/// One run of sexton.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan<'a> {
    /// The command's argument vector; the first element is the command. Empty only for a pause.
    pub argv: Vec<&'a CStr>,
    /// The files to try for the command, in order, whatever its name is. Empty: those that its name and `PATH` lead to.
    pub files: Vec<CString>,
    /// The environment, in the order and with the bytes that sexton was given, without `SEXTON_*`.
    pub environment: Vec<&'a CStr>,
    /// What the command finds other than sexton was given it.
    pub attributes: Attributes,
    /// What sexton gets when its own parent ends.
    pub parent_death_signal: Option<Signal>,
    /// Whether to become a child subreaper.
    pub subreaper: Subreaper,
    /// Warn if orphans go to somebody else, as sexton is neither PID 1 nor a subreaper.
    pub warn_if_not_adopting: bool,
    /// Log each reaped orphan as a warning.
    pub warn_on_reap: bool,
    /// What the end of the command tells that nobody could see otherwise is a warning, not only information.
    pub warn_of_trouble: bool,
    /// Unless sexton is PID 1: die of the signal that the command died of, if `exit_map` makes no status of it.
    pub dies_alike: bool,
    /// The exit status for each end of the command.
    pub exit_map: ExitMap,
    /// The exit status if the command could not be run.
    pub statuses: Statuses,
    /// Variables that look like sexton's own and are not: most likely a typing error.
    pub unknown_variables: Vec<Unknown<'a>>,
    /// What is to be said if there is no such command.
    pub hint_if_not_found: Option<String>,
    /// What to log, where to, and how.
    pub logging: Logging,
    /// Where to write the report of the end, as JSON.
    pub report: Option<CString>,
    /// Where to write it as a short text.
    pub termination_log: Option<TerminationLog>,
    /// What to do about signals and ends.
    pub policy: Policy,
}

/// A variable that is not sexton's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The one that may have been meant.
    pub near: Option<String>,
}

/// What is applied to the command before it is executed, and to nothing else. By default nothing is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// Limits to set.
    pub limits: Vec<rlimit::Spec>,
    /// Whom to run as.
    pub user: Option<Given<user::Spec>>,
    /// Supplementary groups, instead of the user's.
    pub groups: Option<Given<user::Groups>>,
    /// Capabilities to drop, keep and raise.
    pub capabilities: capabilities::Spec,
    /// Gain nothing by executing a program (PR_SET_NO_NEW_PRIVS, prctl(2)).
    pub no_new_privs: bool,
    /// The working directory.
    pub directory: Option<CString>,
    /// The file mode creation mask, 0 to 0o777.
    pub umask: Option<u32>,
    /// Variables to set and unset.
    pub environment: Edits,
    /// Niceness, -20 to 19.
    pub nice: Option<i32>,
    /// CPUs to run on.
    pub cpus: Option<Box<Cpus>>,
    /// The scheduling policy.
    pub scheduler: Option<Scheduler>,
    /// The I/O scheduling class.
    pub io_priority: Option<IoPriority>,
    /// What is added to its badness when memory runs out, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// Which processes the command is grouped with.
    pub grouping: Grouping,
    /// Files for standard input, output and error.
    pub stdio: [Option<Redirection>; 3],
    /// No descriptor but standard input, output and error.
    pub close_fds: bool,
}

/// The process group and session that the command runs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Grouping {
    /// A process group of its own.
    #[default]
    Group,
    /// A session of its own.
    Session,
    /// sexton's own process group: both get what is sent to that, by a terminal or by others.
    Shared,
}

/// Exit statuses for what is not the command's own end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statuses {
    /// sexton could not do what it was told to.
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

/// As shells and Docker have them.
impl Default for Statuses {
    fn default() -> Statuses {
        Statuses { fatal: 125, not_found: 127, incomplete: 126, denied: 126, not_executable: 126 }
    }
}

/// Logging.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Logging {
    /// How much.
    pub level: LevelFilter,
    /// Where to.
    pub to: LogTo,
    /// How lines on the standard streams look.
    pub format: LogFormat,
    /// What a text line begins with, and to which stream it goes.
    pub style: Style,
}

/// How a text line begins. `PID` in it stands for sexton's process ID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// For an error that ends the run.
    pub fatal: &'static str,
    /// For the levels from error to trace.
    pub levels: [&'static str; 5],
    /// For a line of advice after an error; none if that stands behind it in the same line.
    pub hint: Option<&'static str>,
    /// Whether what is less than a warning goes to standard output.
    pub quiet_to_stdout: bool,
}

impl Default for Style {
    fn default() -> Style {
        Style {
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
        }
    }
}

/// The beginning of a line, with the process ID in it.
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
    /// Whether standard output is written to while the command runs.
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
    /// A syslog daemon.
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

/// `--termination-log`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminationLog {
    /// The file.
    pub path: CString,
    /// It was not named: if it is not there, that is no error.
    pub by_default: bool,
}

/// A value that is looked up later, with the flag or variable that gave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given<T> {
    /// What was given.
    pub value: T,
    /// As it was written.
    pub text: String,
    /// `--user`, or `SEXTON_USER`.
    pub by: String,
}

/// Whether sexton asks the kernel for the orphans of its descendants (PR_SET_CHILD_SUBREAPER, prctl(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Subreaper {
    /// Unless it is PID 1, which gets them anyway.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// `--status`: what to show of the PID namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// How it is shown.
    pub format: StatusFormat,
    /// For a health check: the exit status tells, and the text is one line at most.
    pub check: bool,
    /// Colours may be used on a terminal.
    pub colour: bool,
}

/// How `--status` shows what it has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How the supervisor treats signals and ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Who gets what sexton receives.
    pub forward_to: Target,
    /// Signals that become others on the way.
    pub rewrites: Rewrites,
    /// Signals that begin a stop.
    pub stop_signals: SignalSet,
    /// How long the first stop signal is held back.
    pub drain: Duration,
    /// How long the command may take after the stop signal; `None` is for ever.
    pub grace: Option<Duration>,
    /// Further signals within the grace.
    pub escalation: Vec<EscalationStep>,
    /// How long the rest of the tree may take once the command has ended.
    pub linger: Linger,
    /// Let orphans end by themselves after the command has ended.
    pub wait_all: bool,
    /// Send SIGCONT after what is to end a process, so that one that is stopped can act on it.
    pub and_continue: bool,
    /// When the command has ended, and before it is reaped, send SIGTERM, as it is rewritten, to those that
    /// signals are forwarded to.
    pub signal_at_end: bool,
    /// Signals at which sexton stops itself too, once they are forwarded.
    pub suspend_at: SignalSet,
    /// The command gets what a key sends without sexton.
    pub command_gets_keys: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            forward_to: Target::Command,
            rewrites: Rewrites::default(),
            stop_signals: SignalSet::EMPTY.with(Signal::TERM),
            drain: Duration::ZERO,
            grace: Some(Duration::from_secs(30)),
            escalation: Vec::new(),
            linger: Linger::Default,
            wait_all: false,
            and_continue: true,
            signal_at_end: false,
            suspend_at: SignalSet::EMPTY,
            command_gets_keys: false,
        }
    }
}

impl Policy {
    /// Whether the clocks go together.
    ///
    /// # Errors
    /// The escalation takes as long as the grace, or longer.
    pub fn check(&self) -> Result<(), String> {
        let climbed: Duration = self.escalation.iter().map(|step| step.after).sum();
        match self.grace {
            Some(grace) if climbed >= grace && !self.escalation.is_empty() => Err(format!(
                "the escalation takes {}, which must be less than the grace of {}",
                Shown(climbed),
                Shown(grace)
            )),
            _ => Ok(()),
        }
    }
}

/// How long the rest of the tree may take once the command has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linger {
    /// During a stop the rest of its grace period, or [`Linger::DEFAULT`] if all that is left ignores SIGTERM; otherwise
    /// [`Linger::DEFAULT`].
    #[default]
    Default,
    /// As long as this, and during a stop no longer than its grace period.
    For(Duration),
    /// The rest is left to itself: sexton exits when the command has ended.
    Leave,
}

impl Linger {
    /// How long it is if no other time was given.
    pub const DEFAULT: Duration = Duration::from_secs(5);
}

/// `None` stands for `none`.
impl From<Option<Duration>> for Linger {
    fn from(time: Option<Duration>) -> Linger {
        time.map_or(Linger::Leave, Linger::For)
    }
}

/// Whom a signal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The command alone.
    Command,
    /// The command's process group.
    Group,
    /// Every process in the tree.
    Tree,
}

/// One rung of `--escalate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EscalationStep {
    /// What is sent.
    pub signal: Signal,
    /// How long after the stop signal, or after the rung before; more than zero.
    pub after: Duration,
}
