//! Which processes of the tree have not ended after a stop signal, and why, as far as /proc shows it.
//!
//! First every process of /proc is looked at, some at a time, so that sexton goes on with its other duties; then each
//! of those that are to be named, one at a time. Nothing allocates.

#![forbid(unsafe_code)]

use crate::kernel::cgroup::{self, Held};
use crate::kernel::processes::{self, Name};
use crate::kernel::procfs::{Reaction, Stat, Status};
use crate::kernel::tree::{self, Root};
use crate::sys::clock;
use crate::sys::directory::Numbers;
use crate::values::signal::Signal;
use std::time::Duration;

/// So many processes are named.
pub const MOST: usize = 8;

/// A process that has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unstopped {
    /// Its process ID.
    pub pid: i32,
    /// Its name; empty if it cannot be seen.
    pub name: Name,
    /// The letter of its state; `?` if it cannot be seen.
    pub state: char,
    /// What the signal does to it, if that can be seen.
    pub reaction: Option<Reaction>,
    /// Why it has not ended.
    pub cause: Cause,
}

/// Why a process has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It ignores the signal.
    Ignored,
    /// The signal is pending, because the process blocks it.
    Blocked,
    /// The signal is pending, and nothing more can be seen.
    Pending,
    /// The signal is pending: the process sleeps in the kernel, in this function, and cannot be woken up.
    Uninterruptible(Name),
    /// The signal is pending, because the process is stopped.
    Stopped,
    /// The signal is pending: a debugger, which has this ID, has stopped the process.
    Traced(i32),
    /// The signal is pending, because the process's control group is frozen.
    Frozen,
    /// The signal is pending: the process's control group has had to wait for CPU time.
    Throttled,
    /// It has taken the signal, and goes on.
    Busy {
        /// How many threads it has.
        threads: u64,
        /// How many TCP connections are open in its network namespace.
        connections: Option<u64>,
    },
    /// A shell that acts on the signal once this child has ended.
    WaitsForChild(i32, Name),
    /// It has taken the signal, and has started this child since.
    Renewed(i32, Name),
    /// It has neither a handler nor died: it is the first process of another PID namespace, which the kernel spares.
    Spared,
    /// It was started after the signal was sent.
    StartedLater,
    /// It was left behind by a process that has ended, and has not been sent the signal.
    LeftBehind,
    /// It comes from outside of the PID namespace, and has not been sent the signal.
    Foreign,
    /// It cannot be seen.
    Unseen,
}

/// The processes that a signal was sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Receivers {
    /// This process.
    Process(i32),
    /// This process group.
    Group(i32),
    /// All of the tree.
    Tree,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// The processes that are named, the command first.
    pub processes: [Option<Unstopped>; MOST],
    /// How many there are besides.
    pub more: u64,
}

impl Found {
    /// The processes that are named.
    pub fn named(&self) -> impl Iterator<Item = &Unstopped> {
        self.processes.iter().flatten()
    }
}

/// A look that is under way, or the last one.
pub struct Look {
    root: Root,
    command: Option<i32>,
    signal: Signal,
    receivers: Receivers,
    /// How long after boot the signal was sent.
    sent: Duration,
    /// The processes that are still to be looked at.
    rest: Option<Numbers>,
    /// Which of those found is explained next; [`MOST`] when the look is over.
    next: usize,
    found: Found,
}

impl Look {
    /// No look, for the tree of the process `root`, which is the caller.
    #[must_use]
    pub fn none(root: i32) -> Look {
        Look {
            root: Root::unread(root),
            command: None,
            signal: Signal::TERM,
            receivers: Receivers::Tree,
            sent: Duration::ZERO,
            rest: None,
            next: MOST,
            found: Found::default(),
        }
    }

    /// Begins a look. The signal was sent so long ago; `command` is there unless it has been reaped.
    #[inline(never)]
    pub fn begin(
        &mut self,
        command: Option<i32>,
        signal: Signal,
        receivers: Receivers,
        ago: Duration,
    ) {
        self.root = self.root.reread();
        self.command = command;
        (self.signal, self.receivers) = (signal, receivers);
        self.sent = clock::since_boot().saturating_sub(ago);
        self.found = Found::default();
        self.rest = processes::numbers().ok();
        self.next = 0;
        if self.rest.is_none()
            && let (Some(pid), Some(slot)) = (command, self.found.processes.first_mut())
        {
            *slot = Some(Unstopped::unseen(pid));
            self.next = MOST;
        }
    }

    /// Ends the look. Those that it has not come to are counted and not named.
    pub fn stop(&mut self) {
        let Found { processes, more } = &mut self.found;
        for slot in processes.iter_mut().skip(self.next) {
            *more += u64::from(slot.take().is_some());
        }
        self.rest = None;
        self.next = MOST;
    }

    /// Whether it is under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.next < MOST
    }

    /// What was found so far.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Looks at some more processes, or at one that is to be named.
    #[inline(never)] // its buffers take several pages of the stack
    pub fn go_on(&mut self) {
        if let Some(mut rest) = self.rest.take() {
            if rest.visit_some(&mut |pid| self.consider(pid)).unwrap_or(false) {
                self.rest = Some(rest);
            }
            return;
        }
        let process = self.found.processes.get(self.next).copied().flatten();
        let explained = process.map(|process| self.explained(process));
        if let Some(slot) = self.found.processes.get_mut(self.next) {
            *slot = explained.flatten();
        }
        self.next += 1;
    }

    /// Notes a process, if it is one of those that the stop waits for.
    #[inline(never)]
    fn consider(&mut self, pid: i32) {
        let Some((stat, _)) = tree::member(pid, self.root).filter(|(stat, _)| !stat.is_zombie())
        else {
            return;
        };
        let had_it = match self.receivers {
            Receivers::Process(receiver) => pid == receiver,
            Receivers::Group(group) => stat.group == group,
            Receivers::Tree => true,
        };
        // Others end with their parents, or are left behind by them.
        let cause = match stat.parent {
            _ if had_it => Cause::Unseen,
            0 => Cause::Foreign,
            parent if parent == self.root.pid() => Cause::LeftBehind,
            _ => return,
        };
        let first = usize::from(self.command.is_some_and(|command| command != pid));
        let mut slots = self.found.processes.iter_mut().skip(first);
        match slots.find(|slot| slot.is_none()) {
            Some(slot) => {
                *slot = Some(Unstopped { state: stat.state, cause, ..Unstopped::unseen(pid) })
            }
            None => self.found.more += 1,
        }
    }

    /// The same process with its name and the reason; `None` if it has ended meanwhile.
    #[inline(never)]
    fn explained(&self, process: Unstopped) -> Option<Unstopped> {
        let Unstopped { pid, cause, .. } = process;
        let stat = processes::living(pid)?;
        let status = processes::status(pid);
        let reaction = status.map(|status| status.reaction(self.signal));
        let name = Name::of(pid);
        let cause = match (cause, status) {
            (Cause::Unseen, Some(status)) => self.cause(pid, &name, stat, &status),
            _ => cause,
        };
        Some(Unstopped { pid, name, state: stat.state, reaction, cause })
    }

    #[inline(never)]
    fn cause(&self, pid: i32, name: &Name, stat: Stat, status: &Status) -> Cause {
        let reaction = status.reaction(self.signal);
        if reaction == Reaction::Ignored {
            return Cause::Ignored;
        }
        let is_later = |stat: &Stat| stat.start_time() > self.sent;
        if status.pending.contains(self.signal) {
            return match stat.state {
                _ if reaction == Reaction::Blocked => Cause::Blocked,
                'T' => Cause::Stopped,
                't' => Cause::Traced(status.tracer),
                state => match cgroup::held(pid) {
                    Some(Held::Frozen) => Cause::Frozen,
                    _ if state == 'D' => Cause::Uninterruptible(Name::of_wait(pid)),
                    Some(Held::Throttled) => Cause::Throttled,
                    None => Cause::Pending,
                },
            };
        }
        let is_spared = reaction == Reaction::Fatal && processes::awaits_signals(pid) != Some(true);
        // Any other would be dead. The start is known to the hundredth of a second only.
        if is_later(&stat) || is_spared && !status.leads_namespace {
            return Cause::StartedLater;
        }
        if is_spared {
            return Cause::Spared;
        }
        // A shell lets a handler wait until the child in the foreground has ended (POSIX, `trap`).
        let (mut first, mut newest, mut looks, mut lists) = (None, None, 0, LISTS);
        processes::visit_children(pid, stat.threads, &mut lists, &mut |child| {
            looks += 1;
            if looks <= CHILDREN
                && let Some(stat) = processes::living(child)
            {
                if is_later(&stat) {
                    newest = Some(child);
                } else if first.is_none() {
                    first = Some(child);
                }
            }
        })
        .ok();
        let is_shell = processes::is_shell(name.as_str());
        match (newest, first) {
            (None, Some(child)) if is_shell && reaction == Reaction::Handled => {
                Cause::WaitsForChild(child, Name::of(child))
            }
            (Some(child), _) if !is_shell => Cause::Renewed(child, Name::of(child)),
            _ => {
                let connections = processes::connections(pid);
                Cause::Busy { threads: stat.threads, connections }
            }
        }
    }
}

/// So many lists of children of one process are read: each thread has one.
const LISTS: usize = 128;

/// So many children of one process are looked at.
const CHILDREN: usize = 256;

impl Unstopped {
    fn unseen(pid: i32) -> Unstopped {
        let name = Name::default();
        Unstopped { pid, name, state: '?', reaction: None, cause: Cause::Unseen }
    }
}
