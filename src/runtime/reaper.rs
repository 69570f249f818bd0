//! Reaping: which child is reaped next, when all children are looked at, and whether anything is left of the tree.
//!
//! The reaper knows the children and decides nothing about the command: the loop makes events of what it finds.

#![forbid(unsafe_code)]

use super::backoff::Backoff;
use super::foreign::Foreign;
use super::retry::Retry;
use crate::kernel::processes::Name;
use crate::plan::Plan;
use crate::supervisor::{Time, earlier};
use crate::sys::clock::Clock;
use crate::sys::wait::{self, RawUsage, Waited};
use crate::sys::{Errno, process, send, signals};
use crate::values::error::Error;
use ::log::{Level, log_enabled};
use std::time::Duration;

/// How many children are reaped before signals get their turn: a storm of orphans must not delay a
/// stop.
pub const REAPED_AT_ONCE: usize = 256;

/// How often [`reap_killed`] looks: for two seconds, if no child ends.
const LOOKS_AT_THE_KILLED: usize = 200;

/// The pause between two such looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The children that [`Reaper::reap`] may reap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Candidates {
    /// Any that has ended.
    All,
    /// This child.
    One(i32),
    /// The command, which has ended. Its end is to be announced before it is reaped.
    Command(i32),
    /// None, because none has ended; a child that was stopped is found.
    None,
}

/// The child with this ID, or any.
impl From<Option<i32>> for Candidates {
    fn from(pid: Option<i32>) -> Candidates {
        pid.map_or(Candidates::All, Candidates::One)
    }
}

/// The state of sexton's children.
pub struct Reaper {
    /// sexton's own process ID.
    own: i32,
    /// The process ID that the command has, or had.
    command: i32,
    /// Each orphan is logged with its name, which has to be read before the orphan is reaped.
    logs_orphans: bool,
    /// The same for a stop, whose last process is logged.
    names_the_ended: bool,
    /// The command's end is announced before the command is reaped, and has not been announced yet.
    announces_end: bool,
    /// Children may have ended since all of them were last looked at.
    due: bool,
    /// When all of them may be looked at again.
    backoff: Backoff,
    /// A child has ended since the last event that says so.
    progress: bool,
    /// Processes of the namespace that are not sexton's children, if they are all that is left.
    foreign: Foreign,
    /// The kernel is to reap, if others are left.
    kernel_may_reap: bool,
    /// The kernel reaps each child that ends.
    kernel_reaps: bool,
    retry: Retry,
}

impl Reaper {
    /// sexton has the process ID `own`, and the command `command`.
    #[must_use]
    pub fn new(plan: &Plan, own: i32, command: i32) -> Reaper {
        Reaper {
            own,
            command,
            logs_orphans: plan.warn_on_reap || log_enabled!(Level::Debug),
            names_the_ended: false,
            announces_end: plan.policy.signal_at_end,
            due: true, // for children that sexton was started with
            backoff: Backoff::default(),
            progress: false,
            foreign: Foreign::default(),
            kernel_may_reap: false,
            kernel_reaps: false,
            retry: Retry::FOR_CHILDREN,
        }
    }

    /// Reads the name of each process that ends from now on, or only of those that are logged.
    pub fn name_the_ended(&mut self, names: bool) {
        self.names_the_ended = names;
    }

    /// Whether [`Reaper::name_the_ended`] was called for all.
    #[must_use]
    pub fn names_the_ended(&self) -> bool {
        self.names_the_ended
    }

    /// Whether the name of a process is read before it is reaped.
    #[must_use]
    pub fn reads_names(&self) -> bool {
        self.logs_orphans || self.names_the_ended
    }

    /// Whether [`Reaper::candidates`] is to choose who is reaped.
    #[must_use]
    pub fn looks_first(&self) -> bool {
        self.announces_end || self.reads_names()
    }

    /// How long it is until all children are to be looked at: zero for now, `None` for the next SIGCHLD.
    #[must_use]
    #[inline(always)]
    pub fn due_in(&self, clock: Clock) -> Option<Duration> {
        if !self.due {
            return None;
        }
        let until = self.backoff.put_off_until();
        Some(until.map_or(Duration::ZERO, |until| until.saturating_sub(clock.now())))
    }

    /// Whether the end of foreign processes is waited for.
    #[must_use]
    pub fn waits_for_foreign(&self) -> bool {
        self.foreign.is_waiting()
    }

    /// When all children are to be looked at next; `None` until the next SIGCHLD.
    #[must_use]
    pub fn due_at(&self) -> Option<Time> {
        let children = self.due.then(|| self.backoff.put_off_until().unwrap_or_default());
        earlier(children, self.foreign.look_again_at())
    }

    /// Whether the last looks took so long that there is a pause before the next.
    #[must_use]
    pub fn pauses(&self) -> bool {
        self.backoff.put_off_until().is_some()
    }

    /// SIGCHLD came: at least one child has changed.
    pub fn child_signalled(&mut self) {
        self.due = true;
        self.progress = true;
    }

    /// A SIGCHLD may have been lost.
    pub fn sigchld_may_be_lost(&mut self) {
        self.due = true;
    }

    /// The next look at all children is due if the pause between two looks at foreign processes is over.
    pub fn pass_time(&mut self, clock: Clock) {
        self.due |= self.foreign.look_again_at().is_some_and(|at| at <= clock.now());
    }

    /// Whether the end of a foreign process is waited for, by [`Reaper::wait_for_foreign`].
    #[must_use]
    pub fn watches_foreign(&self) -> bool {
        self.foreign.is_watching()
    }

    /// Waits until a signal is pending, the foreign process has ended, or the time is over.
    pub fn wait_for_foreign(&mut self, timeout: Option<Duration>) {
        self.due |= self.foreign.wait(timeout);
    }

    /// The children to reap next: the one with this ID, or any. Until the command's end has been announced, each is
    /// reaped by its process ID, so that the command is never reaped by a look at all.
    #[must_use]
    pub fn candidates(&mut self, pid: Option<i32>) -> Candidates {
        let pid = pid.or_else(|| self.reads_names().then(wait::peek).flatten());
        if !self.announces_end {
            return pid.into();
        }
        match pid.or_else(wait::peek) {
            Some(pid) if pid != self.command => Candidates::One(pid),
            _ if wait::has_ended(self.command) => {
                self.announces_end = false;
                Candidates::Command(self.command)
            }
            _ => Candidates::None,
        }
    }

    /// The name of the child that is to be reaped, which it has until then; if it is to be logged.
    #[must_use]
    pub fn name(&self, candidates: Candidates) -> Option<Name> {
        match candidates {
            Candidates::One(pid) | Candidates::Command(pid) if self.reads_names() => {
                Some(Name::of(pid))
            }
            _ => None,
        }
    }

    /// Reaps one child, or finds one that was stopped, if `stops`. `command` is the command's process ID as long as
    /// the command is not reaped; if this reaps it, what it has used is in `usage` then.
    #[must_use]
    pub fn reap(
        &self,
        candidates: Candidates,
        command: Option<i32>,
        stops: bool,
        usage: &mut RawUsage,
    ) -> Waited {
        let pid = match candidates {
            Candidates::All => None,
            Candidates::One(pid) | Candidates::Command(pid) => Some(pid),
            Candidates::None => return wait::alive(stops),
        };
        let asks_usage = pid.is_none() || pid == command;
        wait::child(pid, stops, asks_usage.then_some(usage))
    }

    /// Whether the next look at all children is to be measured, for [`Reaper::put_off`].
    #[must_use]
    pub fn measures(&mut self) -> bool {
        self.backoff.measures()
    }

    /// Puts the next look at all children off by what the last one took, from `begin` to `end`.
    #[inline(never)]
    pub fn put_off(&mut self, begin: Time, end: Time, command_runs: bool) {
        self.backoff.looked(begin, end, command_runs);
    }

    /// All children were looked at, and `found` is why none could be reaped; whether there is no child, or `None` if
    /// the next look must show it. `command_is_left` says that the command is not reaped.
    ///
    /// # Errors
    /// Children cannot be waited for at all.
    #[inline(always)]
    pub fn looked_at_all(
        &mut self,
        found: Waited,
        command_is_left: bool,
    ) -> Result<Option<bool>, Error> {
        match found {
            Waited::Failed(errno) => self.retry.failed(errno)?,
            // The command is not reaped, and only sexton can reap it.
            Waited::NoChildren if command_is_left => self.retry.failed(Errno::ECHILD)?,
            _ => {
                self.retry.succeeded();
                self.due = false;
                return Ok(Some(found == Waited::NoChildren));
            }
        }
        Ok(None)
    }

    /// Whether sexton, which has no children, is the last process of its tree. Not known to be while the end of a
    /// foreign process is waited for.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.own != process::INIT || (!self.watches_foreign() && send::namespace_is_empty())
    }

    /// Whether any process is left, where not everything is known to be gone: children, which are the next to end, or
    /// foreign processes.
    #[must_use]
    pub fn are_left(&mut self, no_children: bool, clock: Clock) -> bool {
        if !no_children {
            self.foreign.stop_waiting();
            return true;
        }
        self.foreign.are_left(self.command, clock.now())
    }

    /// Whether a child has ended since the last call.
    #[must_use]
    pub fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// The command was reaped. It may have been the last of the tree, so the next look at all children does not wait.
    pub fn command_is_reaped(&mut self) {
        self.backoff.hurry();
        self.kernel_may_reap = self.own == process::INIT && !self.reads_names();
    }

    /// The command is reaped, but it was not the last of the tree. From now on the kernel reaps for PID 1, unless
    /// orphans were logged by then: to reap thousands that end at once takes longer than their deaths. Not for a
    /// subreaper, which knows its children by IDs that must not be reused.
    pub fn others_are_left(&mut self) {
        if std::mem::take(&mut self.kernel_may_reap) {
            self.let_kernel_reap_again();
            self.kernel_reaps = true;
        }
    }

    /// Whether the kernel reaps.
    #[must_use]
    pub fn lets_kernel_reap(&self) -> bool {
        self.kernel_reaps
    }

    /// Keeps the kernel from reaping, because processes are counted after they were killed; whether it did reap, so
    /// that [`Reaper::let_kernel_reap_again`] has to follow.
    #[must_use]
    pub fn keep_kernel_from_reaping(&self) -> bool {
        if self.kernel_reaps {
            signals::reap_again();
        }
        self.kernel_reaps
    }

    /// Lets the kernel reap again.
    pub fn let_kernel_reap_again(&mut self) {
        signals::let_kernel_reap();
        self.due = true; // either change has dropped a SIGCHLD that was pending
    }
}

/// Reaps children that were killed, for two seconds at most without the end of one.
pub fn reap_killed() {
    for _ in 0..LOOKS_AT_THE_KILLED {
        match wait::child(None, false, None) {
            Waited::Child(..) => {}
            Waited::Nothing => process::sleep(BETWEEN_LOOKS),
            Waited::NoChildren | Waited::Failed(_) => break,
        }
    }
}
