//! One step: a change that the child makes to itself before it executes the command, as data.

#![forbid(unsafe_code)]

use crate::text::escape::Quoted;
use crate::values::capabilities::{Base, CapabilitySet};
use crate::values::rlimit::{Limits, Resource};
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use crate::values::signal::{Signal, SignalSet};
use crate::values::stdio::{Redirection, Stream};
use crate::values::stream_name::Descriptor;
use crate::values::user::Listed;
use std::ffi::CString;
use std::fmt;

/// One thing that the child does to itself before it becomes the command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Begin a session (setsid(2)).
    Session,
    /// Make sexton's terminal, which sexton has given up, the session's (TIOCSCTTY, ioctl_tty(2)).
    Terminal,
    /// Enter a process group of its own (setpgid(2)).
    ProcessGroup,
    /// Make that group the terminal's foreground group (tcsetpgrp(3)).
    Foreground,
    /// Set a resource limit (setrlimit(2)).
    Limit(Resource, Limits),
    /// Write `/proc/self/oom_score_adj` (proc(5)).
    OomScoreAdj(i32),
    /// Set the I/O scheduling class (ioprio_set(2)).
    IoPriority(IoPriority),
    /// Set the scheduling policy (sched_setscheduler(2)).
    Scheduler(Scheduler),
    /// Set the niceness (setpriority(2)).
    Nice(i32),
    /// Stay on these CPUs (sched_setaffinity(2)).
    Cpus(Box<Cpus>),
    /// Set the supplementary groups (setgroups(2)).
    Groups(Vec<u32>),
    /// Set all group IDs (setresgid(2)).
    Gid(u32),
    /// Make a user the owner of a standard stream, if that can be done (fchown(2)).
    GiveStream(Stream, u32),
    /// Take capabilities out of the bounding set (PR_CAPBSET_DROP, prctl(2)).
    DropBounding(CapabilitySet),
    /// Keep permitted capabilities when the user changes (PR_SET_KEEPCAPS, prctl(2)).
    KeepCapabilities,
    /// Set all user IDs (setresuid(2)).
    Uid(u32),
    /// Set three of the capability sets (capset(2)).
    Capabilities(Base),
    /// Add to the ambient set (PR_CAP_AMBIENT_RAISE, prctl(2)).
    RaiseAmbient(CapabilitySet),
    /// Gain no privileges by exec (PR_SET_NO_NEW_PRIVS, prctl(2)).
    NoNewPrivs,
    /// Ask for a signal when the parent, of this process ID, ends (PR_SET_PDEATHSIG, prctl(2)).
    ParentDeath(Signal, i32),
    /// Set the file mode creation mask (umask(2)).
    Umask(u32),
    /// Change the working directory (chdir(2)).
    Directory(CString),
    /// Make standard streams of descriptors that sexton was started with (dup2(2)): for each stream the descriptor, if
    /// it is to be another one.
    Duplicate([Option<i32>; 3]),
    /// Open a file in place of a standard stream (open(2)).
    Open(Stream, Redirection),
    /// Let standard error be the same open file as standard output (dup2(2)).
    ShareOutput,
    /// Be bound by the ruleset of this descriptor (landlock_restrict_self(2)), which these flags have made.
    #[cfg(feature = "landlock")]
    Confine(i32, String),
    /// Close all descriptors but the standard streams and so many after them (close_range(2)).
    CloseOthers(i32),
    /// Ignore a signal (sigaction(2)).
    Ignore(Signal),
    /// Set the signal mask (sigprocmask(2)).
    Mask(SignalSet),
}

/// The step as an action: "unable to ..."
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Session => f.write_str("create a session"),
            Step::Terminal => f.write_str("take over sexton's controlling terminal"),
            Step::ProcessGroup => f.write_str("create a process group"),
            Step::Foreground => f.write_str("become the terminal's foreground process group"),
            Step::Limit(resource, limits) => write!(f, "set limit {} to {limits}", resource.name()),
            Step::OomScoreAdj(value) => write!(f, "set oom_score_adj to {value}"),
            Step::IoPriority(priority) => write!(f, "set the I/O scheduling class to {priority}"),
            Step::Scheduler(scheduler) => write!(f, "set the scheduling policy to {scheduler}"),
            Step::Nice(value) => write!(f, "set the niceness to {value}"),
            Step::Cpus(cpus) => write!(f, "run on CPUs {cpus}"),
            Step::Groups(groups) => write!(f, "set the supplementary groups to {}", Listed(groups)),
            Step::Gid(gid) => write!(f, "set the group ID to {gid}"),
            Step::GiveStream(stream, uid) => write!(f, "give {stream} to user {uid}, if possible"),
            Step::DropBounding(set) => write!(f, "drop from the bounding set: {set}"),
            Step::KeepCapabilities => f.write_str("keep capabilities when the user changes"),
            Step::Uid(uid) => write!(f, "set the user ID to {uid}"),
            Step::Capabilities(Base { effective, permitted, inheritable }) => write!(
                f,
                "set capabilities: effective {effective}; permitted {permitted}; inheritable {inheritable}"
            ),
            Step::RaiseAmbient(set) => write!(f, "raise ambient capabilities: {set}"),
            Step::NoNewPrivs => f.write_str("set no_new_privs"),
            Step::ParentDeath(signal, _) => write!(f, "request {signal} when the parent ends"),
            Step::Umask(mask) => write!(f, "set the umask to {mask:03o}"),
            Step::Directory(path) => write!(f, "change the working directory to {}", Quoted(path)),
            Step::Duplicate(from) => {
                let each = Stream::ALL.into_iter().zip(from);
                let each = each.filter_map(|(stream, from)| Some((stream, (*from)?)));
                for (index, (stream, from)) in each.enumerate() {
                    let start = if index == 0 { "duplicate" } else { "," };
                    write!(f, "{start} {} as {stream}", Descriptor(from))?;
                }
                Ok(())
            }
            Step::Open(stream, file) => {
                let how = match (stream, file.append) {
                    (Stream::Input, _) => "open",
                    (_, true) => "append to",
                    (_, false) => "write to",
                };
                write!(f, "{how} {} as {stream}", Quoted(&file.path))
            }
            Step::ShareOutput => f.write_str("write standard error to the same file"),
            #[cfg(feature = "landlock")]
            Step::Confine(_, flags) => write!(f, "confine the command:{flags}"),
            Step::CloseOthers(kept) => {
                write!(f, "close all descriptors but 0 to {}", kept.saturating_add(2))
            }
            Step::Ignore(signal) => write!(f, "ignore {signal}"),
            Step::Mask(_) => f.write_str("restore the signal mask"),
        }
    }
}
