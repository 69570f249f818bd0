//! The loop: wait for an event, ask the supervisor, carry out the actions.

#![forbid(unsafe_code)]

use crate::capabilities::CapabilitySet;
use crate::cli::{self, Request};
use crate::delivery::Delivery;
use crate::environment;
use crate::error::Error;
use crate::launch::{self, Launch};
use crate::outcome::{Change, Outcome, Usage};
use crate::plan::{Plan, Subreaper, Target};
use crate::report::{Outlets, Record, Report, Sender, Stop};
use crate::rlimit::{Resource, UNLIMITED};
use crate::signal::{Origin, Received, Signal, SignalSet};
use crate::steps::{Inherited, Step};
use crate::supervisor::{Action, Cause, Event, Supervisor, Time};
use crate::sys::cgroup::OomCounter;
use crate::sys::clock::Clock;
use crate::sys::proc::Numbers;
use crate::sys::spawn::{Child, Program};
use crate::sys::wait::Waited;
use crate::sys::{self, fds, limits, privileges, proc, process, send, signals, spawn, tty, wait};
use ::log::{Level, debug, info, log_enabled, trace, warn};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// Runs sexton from its arguments, program name first, to its exit status. All signals are blocked,
/// and `mask` is the mask that was in force before.
///
/// Changes the process beyond repair (it closes descriptors, and leaves the working directory): for
/// the `main` of a program that does nothing else.
#[must_use]
pub fn run(argv: &[&CStr], environment: &[&CStr], mask: SignalSet) -> u8 {
    let (plan, dry_run) = match cli::parse(argv, environment) {
        Ok(Request::Run(plan)) => (plan, false),
        Ok(Request::DryRun(plan)) => (plan, true),
        Ok(Request::Print(text)) => return print(&text),
        Err(error) => return give_up(&error),
    };
    crate::log::start(&plan.logging);
    for name in &plan.unknown_variables {
        warn!("{} is not a variable of sexton's: ignored", name.to_string_lossy().escape_debug());
    }
    if dry_run {
        return describe(&plan, mask);
    }
    let status = supervise(&plan, mask);
    crate::log::finish();
    status
}

/// Runs the command; the exit status.
fn supervise(plan: &Plan, mask: SignalSet) -> u8 {
    let clock = Clock::start();
    let outlets = match Outlets::open(plan) {
        Ok(outlets) => outlets,
        Err(error) => return give_up(&error),
    };
    let descriptors: Vec<RawFd> = outlets.descriptors().collect();
    let report = match Runtime::start(plan, mask, clock, descriptors) {
        Ok(runtime) => runtime.supervise(),
        Err(error) => {
            let status = give_up(&error);
            let mut record = Record::of(plan);
            record.failure = Some(error.message().to_string());
            record.close(clock.now(), status)
        }
    };
    outlets.write(&report);
    report.exit_status()
}

/// Prints what would be done.
fn describe(plan: &Plan, mask: SignalSet) -> u8 {
    match Launch::new(plan, mask).and_then(|launch| launch.describe()) {
        Ok(text) => print(&text),
        Err(error) => give_up(&error),
    }
}

/// Says why there is nothing to supervise; the exit status.
fn give_up(error: &Error) -> u8 {
    crate::log::fatal(error);
    error.status
}

fn print(text: &str) -> u8 {
    match fds::print(text.as_bytes()) {
        Ok(()) => 0,
        Err(errno) => give_up(&Error::unable("write to standard output", sys::reason(errno))),
    }
}

/// How many children are reaped before signals get their turn: a storm of orphans must not delay a
/// stop.
const REAPED_AT_ONCE: usize = 256;

/// The pause after a look at all children in vain, for what it took: so it is not most of what sexton
/// does, and comes at once as long as they are few. The end of the last one may have to wait for it.
fn pause_after_sweep(took: Duration) -> Duration {
    (took * 5).min(Duration::from_millis(20))
}

/// The pause after a repeated SIGKILL to all children, for what it took.
fn pause_after_kill(took: Duration) -> Duration {
    (took * 10).min(Duration::from_millis(100))
}

/// How often PID 1 looks for processes that are not its children, once nothing else is left: those
/// that `docker exec` started end without a SIGCHLD.
const STRANGERS_EVERY: Duration = Duration::from_millis(10);

/// The CPU time with which a death by SIGKILL is taken for the work of a CPU limit of `limit`. The kernel
/// compares the limit with the ticks of its clock that met the process at work, and reports what it has
/// measured. On a busy virtual machine the two differ by a quarter.
fn nearly_all(limit: Duration) -> Duration {
    (limit / 4 * 3).saturating_sub(Duration::from_millis(250))
}

/// sexton while main runs, and until the tree is gone.
struct Runtime<'a> {
    clock: Clock,
    supervisor: Supervisor<'a>,
    child: Child,
    delivery: Delivery,
    /// What the child was to do, to name what it could not.
    launch: Launch<'a>,
    plan: &'a Plan<'a>,
    /// sexton's own process ID.
    pid: i32,
    /// Main was given the terminal.
    foreground: bool,
    /// sexton is a job that a shell may stop and continue.
    job: bool,
    /// Signals that have not had their turn in this round.
    turns: SignalSet,
    /// Children may have ended since the last sweep.
    sweep_due: bool,
    /// When the next sweep may be: see [`Runtime::sweep`].
    sweep_after: Time,
    /// When SIGKILL may be sent again.
    kill_after: Time,
    /// Some child has ended that the supervisor has not been told of.
    progress: bool,
    /// Only processes that are not sexton's children are left.
    strangers: bool,
    /// Why main could not be started.
    failure: Option<Error>,
    /// What will be told at the end.
    record: Record,
    /// Counts the processes that the kernel kills when memory runs out.
    oom: OomWatch,
    exit: Option<u8>,
}

impl<'a> Runtime<'a> {
    /// `keep` are descriptors of sexton's own that are needed later.
    fn start(
        plan: &'a Plan,
        mask: SignalSet,
        clock: Clock,
        mut keep: Vec<RawFd>,
    ) -> Result<Runtime<'a>, Error> {
        let parent = process::parent();
        let launch = Launch::new(plan, mask)?;
        let pid = launch.inherited.pid;
        if let Some(signal) = plan.parent_death_signal {
            process::set_parent_death_signal(signal, parent).map_err(|errno| {
                Error::unable(
                    format_args!("ask for {signal} when the parent ends"),
                    sys::reason(errno),
                )
            })?;
        }
        if launch.inherited.sigchld_ignored {
            // The kernel would reap main itself, and tell nobody.
            signals::set_ignored(Signal::CHLD, false)
                .map_err(|errno| Error::unable("stop ignoring SIGCHLD", sys::reason(errno)))?;
        }
        let adopt = match plan.subreaper {
            Subreaper::Auto => pid != process::INIT,
            Subreaper::On => true,
            Subreaper::Off => false,
        };
        if adopt && let Err(errno) = process::become_subreaper() {
            debug!("not a subreaper: {}", sys::reason(errno));
        }

        let listen_pid = environment::listen_pid(&launch.environment, pid);
        let mut program =
            Program::new(&launch.candidates, launch.argv, &launch.environment, listen_pid);
        let child = spawn::spawn(&mut program, &launch.steps).map_err(launch::explain_fork)?;
        drop(program);
        let mut record = Record::of(plan);
        record.pid = child.pid;
        debug!("main is pid {}", child.pid);
        keep.extend(crate::log::own_descriptors());
        keep.push(child.descriptor().as_raw_fd());
        fds::close_inherited(&mut keep);
        process::leave_directory();
        give_up_privileges(&launch);
        Ok(Runtime {
            clock,
            supervisor: Supervisor::new(&plan.policy),
            delivery: Delivery::new(pid, child.pid),
            child,
            foreground: launch.steps.contains(&Step::Foreground),
            launch,
            pid,
            job: pid != process::INIT && tty::is_controlled(),
            turns: SignalSet::FULL,
            sweep_due: true, // for children that sexton was started with
            sweep_after: Time::ZERO,
            kill_after: Time::ZERO,
            progress: false,
            strangers: false,
            failure: None,
            record,
            oom: OomWatch::start(),
            plan,
            exit: None,
        })
    }

    fn supervise(mut self) -> Report {
        loop {
            let sweeps = self.sweep_due && self.sweep_after <= self.clock.now();
            if sweeps {
                self.sweep();
            }
            if self.supervisor.deadline().is_some_and(|at| at <= self.clock.now()) {
                self.handle(Event::Tick);
            }
            if let Some(status) = self.exit {
                self.restore_terminal();
                return self.report(status);
            }
            // SIGKILL has been sent to all children at once: their burial comes before the search for more.
            if !sweeps || !self.delivery.is_killing() {
                self.delivery.go_on();
            }
            match self.next_signal() {
                Some(received) if received.signal == Signal::CHLD => {
                    self.child_told(received.origin)
                }
                Some(received) => self.signal(received),
                None => self.sweep_due |= self.strangers,
            }
        }
    }

    /// Waits for a signal, a deadline, or nothing if there is more to do.
    ///
    /// The kernel hands out the lowest number first, so that a storm of one signal could hide all
    /// higher ones, SIGTERM and SIGCHLD among them. Hence rounds: each number has one turn before any
    /// has another.
    fn next_signal(&mut self) -> Option<Received> {
        if self.turns != SignalSet::FULL {
            if let Some(received) = signals::wait(self.turns, Some(Duration::ZERO)) {
                self.turns = self.turns.without(received.signal);
                return Some(received);
            }
            self.turns = SignalSet::FULL;
        }
        let sweep = self.sweep_due.then_some(self.sweep_after);
        let strangers = self.strangers.then(|| self.clock.now() + STRANGERS_EVERY);
        let next = [self.supervisor.deadline(), sweep, strangers].into_iter().flatten().min();
        let timeout = if self.delivery.is_under_way() {
            Some(Duration::ZERO)
        } else {
            next.map(|at| at.saturating_sub(self.clock.now()))
        };
        let received = signals::wait(self.turns, timeout)?;
        self.turns = self.turns.without(received.signal);
        Some(received)
    }

    fn signal(&mut self, received: Received) {
        if received.signal == Signal::PIPE && received.origin.pid == self.pid {
            return; // sexton's own, from a log line that nobody reads
        }
        let name = self.name_of(received.origin);
        info!("received {} from {}", received.signal, Sender(received.origin, name));
        let policy = &self.plan.policy;
        let is_stop = policy.stop_signals.contains(received.signal)
            && policy.rewrites.apply(received.signal).is_some();
        if is_stop && self.record.stop.is_none() {
            self.record.stop = Some(Stop { signal: received, name, at: self.clock.now() });
        }
        self.handle(Event::Signal(received));
    }

    /// The name of a sender, if it is told now or at the end.
    fn name_of(&self, origin: Origin) -> proc::Name {
        let sender = origin.pid > 0 && !origin.is_kernel();
        if sender { proc::Name::of(origin.pid) } else { proc::Name::default() }
    }

    /// A SIGCHLD names one child, which is reaped without looking at the others. It may stand for more
    /// than that one, or be forged: a sweep follows.
    fn child_told(&mut self, origin: Origin) {
        self.sweep_due = true;
        self.progress = true;
        if origin.pid > 0 {
            self.reap(Some(origin.pid));
        }
    }

    /// Reaps whatever has ended.
    ///
    /// The kernel looks at one child after the other until it finds one that has ended, so with
    /// thousands of them alive a sweep costs much and finds little. Hence the pause after one, for
    /// which its last look counts, that at all children in vain.
    fn sweep(&mut self) {
        for _ in 0..REAPED_AT_ONCE {
            let begin = self.clock.now();
            let found = self.reap(None);
            if !matches!(found, Waited::Child(..)) {
                let end = self.clock.now();
                self.sweep_after = end + pause_after_sweep(end - begin);
                self.swept(found == Waited::NoChildren);
                return;
            }
        }
        // There may be more; the tree is not known to be empty.
        self.tell_swept(false);
    }

    fn reap(&mut self, pid: Option<i32>) -> Waited {
        let pid = pid.or_else(|| self.peek());
        let name = pid.filter(|_| self.tells_orphans()).map(proc::Name::of).unwrap_or_default();
        let found = wait::child(pid, self.job);
        if let Waited::Child(pid, change, usage) = found {
            self.child_changed(pid, change, usage, name);
        }
        found
    }

    fn swept(&mut self, no_children: bool) {
        self.sweep_due = false;
        let namespace = self.pid == process::INIT;
        let tree_empty = no_children && (!namespace || send::namespace_is_empty());
        self.strangers = no_children && !tree_empty;
        self.tell_swept(tree_empty);
    }

    fn tell_swept(&mut self, tree_empty: bool) {
        let progress = std::mem::take(&mut self.progress);
        self.handle(Event::Swept { tree_empty, progress });
    }

    fn child_changed(&mut self, pid: i32, change: Change, usage: Usage, name: proc::Name) {
        let main = pid == self.child.pid;
        match change {
            Change::Ended(outcome) if main => {
                self.record.usage = usage;
                self.main_ended(outcome);
            }
            Change::Ended(outcome) => self.orphan_ended(pid, outcome, name),
            Change::Stopped(signal) if main => self.handle(Event::MainStopped(signal)),
            Change::Stopped(_) | Change::Continued => {}
        }
    }

    fn orphan_ended(&mut self, pid: i32, outcome: Outcome, name: proc::Name) {
        self.record.orphans += 1;
        if self.plan.warn_on_reap {
            warn!("reaped orphan {pid}{name}, which {outcome}");
        } else {
            debug!("reaped orphan {pid}{name}, which {outcome}");
        }
        if is_sigkill(outcome) {
            if self.delivery.is_killing() {
                self.count_killed();
            } else if self.oom.has_struck() {
                warn!("orphan {pid}{name} was killed by the kernel's OOM killer");
            }
        }
    }

    /// A subreaper learns of each process that it has killed.
    fn count_killed(&mut self) {
        if self.pid != process::INIT {
            *self.record.killed.get_or_insert(0) += 1;
        }
    }

    /// The child to reap next, if its name will be told: it has one until then.
    fn peek(&self) -> Option<i32> {
        self.tells_orphans().then(wait::peek).flatten()
    }

    fn tells_orphans(&self) -> bool {
        self.plan.warn_on_reap || log_enabled!(Level::Debug)
    }

    fn main_ended(&mut self, outcome: Outcome) {
        self.delivery.main_is_reaped();
        if self.pid == process::INIT && !self.tells_orphans() {
            // Nobody asks how the others end, and to reap thousands that end at once takes longer than
            // their deaths. Not for a subreaper: it knows its children by IDs that must not be reused.
            signals::let_kernel_reap();
        }
        if let Some(failure) = self.child.failure() {
            let error = self.launch.explain(failure);
            crate::log::fatal(&error);
            self.record.failure = Some(error.message().to_string());
            // The child that this was has never been main.
            self.record.pid = 0;
            self.failure = Some(error);
        } else {
            info!("main {outcome}");
            self.note_end(outcome);
        }
        self.handle(Event::MainEnded(outcome));
    }

    /// Notes why main has ended, as far as that can be told.
    fn note_end(&mut self, outcome: Outcome) {
        self.record.outcome = Some(outcome);
        let Outcome::Killed { signal, .. } = outcome else { return };
        let killed = self.delivery.is_killing();
        if is_sigkill(outcome) && killed {
            self.count_killed();
        }
        self.record.oom = is_sigkill(outcome) && !killed && self.oom.has_struck();
        self.record.unexpected = self.is_unexpected(signal);
        if self.delivery.has_sent(signal) || self.record.oom {
            return;
        }
        let Usage { user, system, .. } = self.record.usage;
        let cpu = user + system;
        self.record.limit = match signal {
            Signal::XCPU => Some(Resource::Cpu),
            Signal::XFSZ => Some(Resource::Fsize),
            Signal::KILL if self.cpu_limit().is_some_and(|limit| cpu >= nearly_all(limit)) => {
                Some(Resource::Cpu)
            }
            _ => None,
        };
        let at_once = cpu < Duration::from_millis(20);
        if self.record.limit.is_none() && at_once && [Signal::KILL, Signal::SEGV].contains(&signal)
        {
            let memory = [Resource::As, Resource::Data, Resource::Stack];
            let limits = self.plan.surroundings.limits.iter().map(|limit| limit.resource);
            self.record.suspect = limits.into_iter().find(|limit| memory.contains(limit));
        }
    }

    /// The CPU time after which the kernel sends main SIGKILL.
    fn cpu_limit(&self) -> Option<Duration> {
        let set = self.launch.steps.iter().find_map(|step| match step {
            Step::Limit(Resource::Cpu, limits) => Some(*limits),
            _ => None,
        });
        let limits = set.or_else(|| limits::get(Resource::Cpu).ok())?;
        (limits.hard != UNLIMITED).then(|| Duration::from_secs(limits.hard))
    }

    /// Whether a death by this signal needs telling: sexton did not send it, and neither did a
    /// user's key or a reader that went away.
    fn is_unexpected(&self, signal: Signal) -> bool {
        let by_key = self.foreground && matches!(signal, Signal::INT | Signal::QUIT | Signal::HUP);
        !self.delivery.has_sent(signal) && signal != Signal::PIPE && !by_key
    }

    fn handle(&mut self, event: Event) {
        let now = self.clock.now();
        let actions = self.supervisor.handle(event, now);
        if let Some(stage) = self.supervisor.stage()
            && self.record.enter(stage, now)
        {
            debug!("phase: {}", stage.name());
        }
        for action in actions {
            trace!("{action:?}");
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Send { signal, to, and_continue } => {
                self.delivery.send(signal, to, and_continue);
            }
            Action::Kill(cause) => self.kill(cause),
            Action::Suspend(signal) => {
                tty::pass_foreground(self.child.pid, tty::own_group());
                signals::stop_self(signal);
            }
            Action::Resume { signal, to } if self.job && to == Target::Main => {
                tty::pass_foreground(tty::own_group(), self.child.pid);
                self.delivery.send(signal, Target::Group, false);
            }
            Action::Resume { signal, to } => self.delivery.send(signal, to, false),
            Action::Exit { outcome, survivors } => {
                if survivors {
                    self.record.survivors = true;
                    self.delivery.tell_survivors();
                }
                // Main may be one of them.
                self.record.outcome = self.record.outcome.or(Some(outcome));
                let status = match &self.failure {
                    Some(error) => error.status,
                    None => self.plan.exit_map.apply(outcome),
                };
                self.exit = Some(status);
            }
        }
    }

    /// Kills the tree, and again what is left of it or was forked meanwhile.
    fn kill(&mut self, cause: Cause) {
        let begin = self.clock.now();
        if cause == Cause::Again && begin < self.kill_after {
            return;
        }
        self.note_kill(cause);
        self.delivery.kill(cause);
        let end = self.clock.now();
        self.kill_after = end + pause_after_kill(end - begin);
    }

    fn note_kill(&mut self, cause: Cause) {
        match cause {
            Cause::Grace => self.record.grace_over = true,
            Cause::Linger => self.record.linger_over = true,
            Cause::Again => return,
        }
        self.record.killed = match self.pid {
            // All but sexton itself. The kernel does not say how many a signal went to.
            process::INIT => Numbers::of_processes().and_then(Numbers::count).ok().map(|n| n - 1),
            _ => Some(0),
        };
    }

    fn report(mut self, exit_status: u8) -> Report {
        self.record.oom_kills = self.oom.total();
        let failed = self.record.failure.is_some();
        let report = self.record.close(self.clock.now(), exit_status);
        if failed {
            // That has been told.
        } else if report.is_warning() {
            warn!("{report}");
        } else {
            info!("{report}");
        }
        report
    }

    /// Gives the terminal back to the shell's job that sexton is.
    fn restore_terminal(&self) {
        if self.foreground && self.job {
            tty::set_foreground(tty::own_group()).ok();
        }
    }
}

/// Keeps only the capabilities that sexton needs to signal its tree: main and others may be other
/// users' processes, and a subreaper has to find them even in a /proc that hides them.
fn give_up_privileges(launch: &Launch) {
    let Inherited { pid, uid: own, .. } = launch.inherited;
    if let Some(user) = launch.user()
        && user != own
        && privileges::effective().is_ok_and(|held| held.and(CapabilitySet::KILL).is_empty())
    {
        // Containers are often left CAP_SETUID and not CAP_KILL. With main's user as its real user, sexton
        // may signal main as well as its own user's processes.
        if let Err(errno) = privileges::set_real_uid(user) {
            // Then main cannot become that user either, and tells it.
            debug!("unable to set the real user ID to {user}: {}", sys::reason(errno));
        }
    }
    let find = if pid == process::INIT { CapabilitySet::EMPTY } else { CapabilitySet::SYS_PTRACE };
    if let Err(errno) = privileges::keep_only(CapabilitySet::KILL.or(find)) {
        debug!("unable to give up capabilities: {}", sys::reason(errno));
    }
}

fn is_sigkill(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Killed { signal: Signal::KILL, .. })
}

/// Watches for processes that the kernel kills when memory runs out.
struct OomWatch {
    counter: Option<OomCounter>,
    /// The count at the start.
    first: u64,
    /// The count at the last look.
    last: u64,
}

impl OomWatch {
    fn start() -> OomWatch {
        let counter = OomCounter::find();
        let first = counter.as_ref().and_then(OomCounter::read).unwrap_or(0);
        OomWatch { counter, first, last: first }
    }

    /// Whether the kernel has killed a process since the last look that had nothing to do with this one.
    fn has_struck(&mut self) -> bool {
        // One death is one count: if more have died, the others are still to be reaped.
        let more = self.count() > self.last;
        self.last += u64::from(more);
        more
    }

    fn total(&self) -> u64 {
        self.count() - self.first
    }

    fn count(&self) -> u64 {
        self.counter.as_ref().and_then(OomCounter::read).unwrap_or(self.last).max(self.last)
    }
}
