//! Process attributes of the command.

#![forbid(unsafe_code)]

use crate::values::capabilities;
use crate::values::confinement::Confinement;
use crate::values::environment::Edits;
use crate::values::rlimit;
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use crate::values::stdio::Redirection;
use crate::values::user;
use std::ffi::CString;
use std::ops::{Deref, DerefMut};

/// Process attributes of the command, set before it is executed. By default it has those that sexton was started with.
#[derive(Clone, PartialEq, Eq, Debug)]
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

impl Default for Attributes {
    fn default() -> Attributes {
        Attributes::NONE
    }
}

impl Attributes {
    /// None.
    pub const NONE: Attributes = Attributes {
        limits: Vec::new(),
        user: None,
        changes_less: None,
        groups: None,
        capabilities: capabilities::Spec::NONE,
        no_new_privs: false,
        confinement: Confinement::NONE,
        directory: None,
        umask: None,
        environment: Edits::NONE,
        environment_files: Vec::new(),
        nice: None,
        cpus: None,
        scheduler: None,
        io_priority: None,
        oom_score_adj: None,
        grouping: Grouping::Group,
        stdio: [None, None, None],
        close_fds: false,
    };

    /// Whether the command's capabilities depend on those that sexton has: a change of user changes them, too.
    #[must_use]
    pub fn changes_capabilities(&self) -> bool {
        self.user.is_some() || self.capabilities != capabilities::Spec::default()
    }
}

/// [`Attributes`], which take memory only once one of them is set.
#[derive(Clone, Debug, Default)]
pub struct SomeAttributes(Option<Box<Attributes>>);

impl Deref for SomeAttributes {
    type Target = Attributes;

    fn deref(&self) -> &Attributes {
        static NONE: Attributes = Attributes::NONE;
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for SomeAttributes {
    fn deref_mut(&mut self) -> &mut Attributes {
        self.0.get_or_insert_default()
    }
}

impl From<Attributes> for SomeAttributes {
    fn from(attributes: Attributes) -> SomeAttributes {
        SomeAttributes(Some(Box::new(attributes)))
    }
}

impl PartialEq for SomeAttributes {
    fn eq(&self, other: &SomeAttributes) -> bool {
        **self == **other
    }
}

impl Eq for SomeAttributes {}

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
