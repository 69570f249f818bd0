//! The loop: wait for an event, ask the supervisor, carry out the actions.

#![forbid(unsafe_code)]

mod backoff;
mod delivery;
mod foreign;
pub mod pause;
mod retry;
mod self_setup;
mod terminal;

use self::backoff::Backoff;
use self::delivery::Delivery;
use self::foreign::Foreign;
use self::retry::Retry;
use self::terminal::Terminal;
use crate::child::launch::{self, Launch};
use crate::child::spawn::Messages;
use crate::child::spawn::{self, Child, Program};
use crate::child::steps::{self, Inherited};
use crate::kernel::processes;
use crate::plan::{Plan, Target};
use crate::report::recorder::{OomWatch, Recorder};
use crate::report::sinks::Outlets;
use crate::report::{Record, Report, Sender};
use crate::supervisor::{Action, Cause, Event, Stage, Supervisor, Time};
use crate::sys::clock::Clock;
use crate::sys::wait::{Asked, Waited};
use crate::sys::{self, Errno, credentials, fds, process, signals, wait};
use crate::values::capabilities::CapabilitySet;
use crate::values::error::Error;
use crate::values::outcome::{Change, Ending, Outcome, Usage};
use crate::values::signal::{Origin, Received, Signal, SignalSet};
use ::log::{Level, debug, info, log_enabled, trace, warn};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// Dies of the signal that the ending names, if it names one and that is possible; otherwise the exit status. The last
/// thing that sexton does.
#[must_use]
pub fn end(ending: Ending) -> u8 {
    if let Some(signal) = ending.signal {
        signals::die_of(signal);
    }
    ending.status
}

/// Runs the command to its end, and that of its tree; how sexton is to end. All signals are blocked, and `mask` is
/// the mask that was in force before.
///
/// # Errors
/// There is nothing to supervise, and nothing has been let go of.
pub fn attempt(plan: &Plan, mask: SignalSet) -> Result<Ending, Error> {
    let clock = Clock::start();
    let fatal = |error: Error| error.with_status(plan.statuses.fatal);
    let outlets = Outlets::open(plan).map_err(fatal)?;
    let descriptors: Vec<RawFd> = outlets.descriptors().collect();
    match Runtime::start(plan, mask, clock, descriptors).map_err(fatal) {
        Ok(runtime) => {
            let report = runtime.supervise();
            outlets.write(&report);
            Ok(report.ending())
        }
        Err(error) => {
            let mut record = Record::of(plan);
            record.failure = Some(error.message().to_string());
            outlets.write(&record.close(clock.now(), error.status));
            Err(error)
        }
    }
}

/// How many children are reaped before signals get their turn: a storm of orphans must not delay a
/// stop.
const REAPED_AT_ONCE: usize = 256;

/// How many signals the kernel chooses, lowest number first, before the others have their turn: few, so that none
/// waits long, and not one, as it takes a call to learn that no other is pending.
const IN_A_ROW: u32 = 8;

/// As long as a deadline is ahead no wait takes longer, so that a time in which sexton did not run shows.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// To be at work again so much later than a wait should have ended is taken for a time in which sexton could not run: the
/// container was frozen, or the machine suspended.
const FROZEN: Duration = Duration::from_secs(1);

/// How often sexton looks for those that it has killed because it cannot go on: two seconds at most without one.
const LOOKS_AT_THE_KILLED: usize = 200;

/// The pause between two such looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Whom to reap.
enum Candidates {
    /// Whoever has ended.
    All,
    /// This child.
    One(i32),
    /// Nobody, but whom a signal has stopped is looked for.
    None,
}

/// sexton while the command runs, and until the tree is gone.
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
    terminal: Terminal,
    /// Signals that have not had their turn in this round.
    turns: SignalSet,
    /// How many signals the kernel has chosen in this round.
    in_a_row: u32,
    /// Children may have ended since the last sweep.
    reap_due: bool,
    /// When the next sweep may be.
    backoff: Backoff,
    /// When SIGKILL may be sent again.
    kill_after: Time,
    /// When sexton should be at work again at the latest; none if no clock runs.
    due: Option<Time>,
    /// Some child has ended that the supervisor has not been told of.
    progress: bool,
    /// Processes of the namespace that are not sexton's children, if they are all that is left.
    foreign: Foreign,
    /// The kernel reaps what ends, and nobody learns of it.
    kernel_reaps: bool,
    /// Why the command could not be started.
    failure: Option<Error>,
    /// The supervisor knows that the command has ended.
    end_announced: bool,
    /// Notes what will be told at the end.
    recorder: Recorder,
    exit: Option<Ending>,
    /// How often the two calls that all else rests on have failed in a row.
    signal_retry: Retry,
    reap_retry: Retry,
    /// One of them does not work at all.
    helpless: Option<Error>,
}

impl<'a> Runtime<'a> {
    /// `keep` are descriptors of sexton's own that are needed later.
    #[inline(never)]
    fn start(
        plan: &'a Plan,
        mask: SignalSet,
        clock: Clock,
        mut keep: Vec<RawFd>,
    ) -> Result<Box<Runtime<'a>>, Error> {
        let parent = self_setup::watched_parent(plan);
        let launch = Launch::new(plan, mask)?;
        // Without this descriptor nothing goes, so it comes before others that are good to have.
        let number = fds::shared_number().map_err(launch::explain_fork)?;
        self_setup::secure_log(plan, launch.inherited.uid); // before the child gives a stream away
        let pid = launch.inherited.pid;
        self_setup::set_up(plan, pid, parent, launch.inherited.sigchld_ignored)?;
        let terminal = Terminal::new(&launch.inherited, &launch.steps);
        let mut program =
            Program::new(&launch.candidates, launch.argv, &launch.environment, &launch.naming);
        // Before main: it may hit the limit at once.
        let oom = OomWatch::start(pid);
        let child =
            spawn::spawn(&mut program, &launch.steps, number).map_err(launch::explain_fork)?;
        drop(program);
        info!("main is pid {}", child.pid);
        keep.push(child.descriptor().as_raw_fd());
        self_setup::release_inherited(keep);
        give_up_privileges(&launch);
        let mut runtime = Box::new(Runtime {
            clock,
            supervisor: Supervisor::new(&plan.policy),
            delivery: Delivery::new(pid, child.pid),
            recorder: Recorder::new(plan, &launch, child.pid, oom),
            child,
            terminal,
            launch,
            pid,
            turns: SignalSet::FULL,
            in_a_row: 0,
            reap_due: true, // for children that sexton was started with
            backoff: Backoff::default(),
            kill_after: Time::ZERO,
            due: None,
            progress: false,
            foreign: Foreign::default(),
            kernel_reaps: false,
            failure: None,
            end_announced: false,
            plan,
            exit: None,
            signal_retry: Retry::FOR_SIGNALS,
            reap_retry: Retry::FOR_CHILDREN,
            helpless: None,
        });
        runtime.delivery.reserve();
        Ok(runtime)
    }

    /// The loop. Never inlined, so that `tests/panics.py` finds where it begins, and with it where it ends.
    #[inline(never)]
    fn supervise(mut self: Box<Self>) -> Report {
        process::release_stack();
        loop {
            let backoff = self.reap_due && !self.reap_is_put_off();
            if backoff {
                self.reap_all();
            }
            self.leave_out_frozen_time();
            if self.supervisor.deadline().is_some_and(|at| at <= self.clock.now()) {
                self.handle(Event::Tick);
            }
            if let Some(ending) = self.exit {
                return self.report(ending);
            }
            // SIGKILL has been sent to all children at once: their burial comes before the search for more.
            if !backoff || !self.delivery.is_killing() {
                self.delivery.go_on();
            }
            match self.next_signal() {
                Some(received) if received.signal == Signal::CHLD => {
                    self.child_signalled(received.origin)
                }
                Some(received) => self.signal(received),
                None => {
                    let due = self.foreign.look_again_at().is_some_and(|at| at <= self.clock.now());
                    self.reap_due |= due;
                }
            }
            if let Some(error) = self.helpless.take() {
                return self.abandon(error);
            }
        }
    }

    /// Waits for a signal, a deadline, or nothing if there is more to do.
    ///
    /// The kernel hands out the lowest number first, so that a storm of one signal could hide all
    /// higher ones, SIGTERM and SIGCHLD among them. Hence, after [`IN_A_ROW`] signals, a round: each other
    /// number that is pending has its turn.
    fn next_signal(&mut self) -> Option<Received> {
        if self.in_a_row >= IN_A_ROW {
            if let Some(received) = self.wait(self.turns, Some(Duration::ZERO)) {
                self.turns = self.turns.without(received.signal);
                return Some(received);
            }
            self.begin_round();
        }
        let reap_all = self.reap_due.then(|| self.backoff.put_off_until().unwrap_or_default());
        let foreign = self.foreign.look_again_at();
        let next = [self.supervisor.deadline(), reap_all, foreign].into_iter().flatten().min();
        let begin = if next.is_some() { self.clock.now() } else { Time::ZERO };
        let timeout = if self.delivery.is_under_way() {
            Some(Duration::ZERO)
        } else {
            next.map(|at| at.saturating_sub(begin).min(LONGEST_WAIT))
        };
        if let Some(due) = &mut self.due {
            *due = due.saturating_add(timeout.unwrap_or_default());
        }
        let received = self.wait(SignalSet::FULL, timeout);
        match received {
            Some(received) => {
                self.turns = self.turns.without(received.signal);
                self.in_a_row += 1;
            }
            None => self.begin_round(), // none is pending
        }
        received
    }

    /// Time in which nothing could run is no grace period.
    fn leave_out_frozen_time(&mut self) {
        let Some(due) = self.due else { return };
        let late = self.clock.now().saturating_sub(due);
        if late >= FROZEN {
            self.clock.leave_out(late);
            self.handle(Event::Thawed);
            info!("did not run for {} s, which no clock counts", late.as_secs());
        }
        self.due = self.supervisor.deadline().map(|_| self.clock.now());
    }

    fn wait(&mut self, mut set: SignalSet, mut timeout: Option<Duration>) -> Option<Received> {
        if self.delivery.is_crowded() {
            // Others stay pending: those without a value once, and those with one as long as there is room.
            set = set.and(self.plan.policy.stop_signals.with(Signal::CHLD));
        }
        if self.foreign.is_watching() && timeout != Some(Duration::ZERO) {
            self.reap_due |= self.foreign.wait(timeout);
            timeout = Some(Duration::ZERO);
        }
        match self.signal_retry.try_again(signals::wait(set, timeout)) {
            Ok(Some(received)) => received,
            Ok(None) => {
                self.reap_due = true; // whatever kept a signal away may have been SIGCHLD
                None
            }
            Err(error) => {
                self.helpless = Some(error);
                None
            }
        }
    }

    fn begin_round(&mut self) {
        self.turns = SignalSet::FULL;
        self.in_a_row = 0;
    }

    fn signal(&mut self, received: Received) {
        if received.signal == Signal::PIPE && received.origin.pid == self.pid {
            return; // sexton's own, from a log line that nobody reads
        }
        let policy = &self.plan.policy;
        let is_stop = policy.stop_signals.contains(received.signal)
            && policy.rewrites.apply(received.signal).is_some();
        let is_logged = is_stop || log_enabled!(Level::Info);
        let name = if is_logged { name_of(received.origin) } else { processes::Name::default() };
        info!("received {} from {}", received.signal, Sender(received.origin, name));
        if is_stop {
            self.recorder.stop(received, name, self.clock.now());
        }
        self.handle(Event::Signal(received));
    }

    /// A SIGCHLD names one child, which is reaped without looking at the others. It may stand for more
    /// than that one, or be forged: a sweep follows.
    fn child_signalled(&mut self, origin: Origin) {
        self.reap_due = true;
        self.progress = true;
        if origin.pid > 0 {
            self.reap(Some(origin.pid));
        }
        let main = self.child.pid;
        if self.reap_is_put_off() && self.delivery.is_command(main) {
            self.reap(Some(main)); // it may be one of those, and is not to wait for the sweep
        }
    }

    fn reap_is_put_off(&self) -> bool {
        self.backoff.put_off_until().is_some_and(|until| until > self.clock.now())
    }

    /// Reaps whatever has ended.
    fn reap_all(&mut self) {
        for _ in 0..REAPED_AT_ONCE {
            let begin = self.clock.now();
            let found = self.reap(None);
            if !matches!(found, Waited::Child(..)) {
                let command_runs = self.supervisor.stage() == Some(Stage::Run);
                self.backoff.looked(begin, self.clock.now(), command_runs);
                self.reaped_all(found);
                return;
            }
        }
        // There may be more; the tree is not known to be empty.
        self.report_reaped_all(false);
    }

    fn reap(&mut self, pid: Option<i32>) -> Waited {
        let pid = pid.or_else(|| self.peek());
        let name = pid.filter(|_| self.logs_orphans()).map(processes::Name::of).unwrap_or_default();
        let stops = self.terminal.can_stop_command();
        let found = match self.candidates(pid) {
            Candidates::All => wait::child(None, Asked { stops, usage: true }),
            Candidates::One(pid) => {
                wait::child(Some(pid), Asked { stops, usage: self.delivery.is_command(pid) })
            }
            Candidates::None => wait::alive(stops),
        };
        if let Waited::Child(pid, change, usage) = found {
            self.child_changed(pid, change, usage, name);
        }
        found
    }

    /// Whom to reap, if it is not a certain child. As long as the command's end is to be told before the command is reaped
    /// it is one at a time, so that the command is never reaped unawares.
    fn candidates(&mut self, pid: Option<i32>) -> Candidates {
        if self.end_announced || !self.plan.policy.signal_at_end {
            return pid.map_or(Candidates::All, Candidates::One);
        }
        let main = self.child.pid;
        match pid.or_else(wait::peek) {
            Some(pid) if pid != main => Candidates::One(pid),
            _ if wait::has_ended(main) => {
                self.end_announced = true;
                self.handle(Event::CommandEnding);
                Candidates::One(main)
            }
            _ => Candidates::None,
        }
    }

    fn reaped_all(&mut self, found: Waited) {
        let result = match found {
            Waited::Failed(errno) => Err(errno),
            // There is the command, which nobody else can have reaped.
            Waited::NoChildren if self.delivery.is_command(self.child.pid) => Err(Errno::ECHILD),
            _ => Ok(found == Waited::NoChildren),
        };
        let no_children = match self.reap_retry.try_again(result) {
            Ok(Some(no_children)) => no_children,
            Ok(None) => return, // once more
            Err(error) => {
                self.helpless = Some(error);
                return;
            }
        };
        self.reap_due = false;
        let tree_empty = no_children
            && (self.pid != process::INIT
                || !self.foreign.are_left(self.child.pid, self.clock.now()));
        if !no_children {
            self.foreign.are_no_matter();
        }
        self.report_reaped_all(tree_empty);
    }

    fn report_reaped_all(&mut self, tree_empty: bool) {
        let progress = std::mem::take(&mut self.progress);
        if self.supervisor.heeds_reaped_all() {
            self.handle(Event::ReapedAll { tree_empty, progress });
        }
    }

    fn child_changed(&mut self, pid: i32, change: Change, usage: Usage, name: processes::Name) {
        let main = self.delivery.is_command(pid);
        match change {
            Change::Ended(outcome) if main => self.command_ended(outcome, usage),
            Change::Ended(outcome) => self.orphan_ended(pid, outcome, name),
            Change::Stopped(signal) if main => {
                self.terminal.command_is_stopped(signal);
                let terminal_is_here = self.terminal.is_here();
                self.handle(Event::CommandStopped { signal, terminal_is_here });
            }
            Change::Stopped(_) | Change::Continued => {}
        }
    }

    fn orphan_ended(&mut self, pid: i32, outcome: Outcome, name: processes::Name) {
        if self.plan.warn_on_reap {
            warn!("reaped orphan {pid}{name}, which {outcome}");
        } else {
            debug!("reaped orphan {pid}{name}, which {outcome}");
        }
        if self.recorder.orphan_ended(outcome, self.delivery.is_killing()) {
            warn!("orphan {pid}{name} was killed by the kernel's OOM killer");
        }
    }

    /// The child to reap next, if its name will be told: it has one until then.
    fn peek(&self) -> Option<i32> {
        self.logs_orphans().then(wait::peek).flatten()
    }

    fn logs_orphans(&self) -> bool {
        self.plan.warn_on_reap || log_enabled!(Level::Debug)
    }

    fn command_ended(&mut self, outcome: Outcome, usage: Usage) {
        self.delivery.command_is_reaped();
        self.backoff.hurry(); // if nobody else is there, all is over
        debug!("reaped main, pid {}", self.child.pid);
        if self.pid == process::INIT && !self.logs_orphans() {
            // Nobody asks how the others end, and to reap thousands that end at once takes longer than
            // their deaths. Not for a subreaper: it knows its children by IDs that must not be reused.
            signals::let_kernel_reap();
            self.kernel_reaps = true;
        }
        let Messages { left_out, failure } = self.child.messages().unwrap_or_else(|errno| {
            warn!("unable to learn whether main was executed: {}", sys::reason(errno));
            Messages::default()
        });
        if let Some((_, errno)) = left_out {
            let step = steps::TAKE_OVER_TERMINAL; // no other can be left out
            info!("a step was left out: unable to {step}: {}", sys::reason(errno));
        }
        if let Some(failure) = failure {
            let error = self.launch.explain(failure);
            crate::log::fatal(&error);
            self.recorder.not_started(error.message().to_string());
            self.failure = Some(error);
        } else {
            info!("main {outcome}");
            let by_key = self.terminal.has_keys()
                && matches!(
                    outcome,
                    Outcome::Killed { signal: Signal::INT | Signal::QUIT | Signal::HUP, .. }
                );
            self.recorder.command_ended(outcome, usage, by_key, self.clock.now());
        }
        self.handle(Event::CommandEnded(outcome));
    }

    fn handle(&mut self, event: Event) {
        let now = self.clock.now();
        let actions = self.supervisor.handle(event, now);
        if self.due.is_none() && self.supervisor.deadline().is_some() {
            self.due = Some(now);
        }
        for action in actions {
            // It is logged afterwards: a log on a file system that does not answer must not put SIGKILL off.
            self.carry_out(action);
            trace!("{action:?}");
        }
        if let Some(stage) = self.supervisor.stage() {
            self.recorder.phase(stage, now);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Send { signal, to, and_continue } => {
                if self.delivery.send(signal, to, and_continue) {
                    self.recorder.sent(signal.signal, self.clock.now());
                }
            }
            Action::HangUp => self.delivery.hang_up(),
            Action::Look => {
                if self.delivery.rest_ignores_term() {
                    debug!("all that is left ignores SIGTERM");
                    self.handle(Event::RestIgnoresTerm);
                }
            }
            Action::Kill(cause) => self.kill(cause),
            Action::Suspend(signal) => self.suspend(signal),
            // SIGSTOP stops anybody but PID 1, for which it does nothing.
            Action::Stop => _ = signals::stop_self(Signal::STOP),
            Action::Continue => {
                self.terminal.lend_on_request(self.child.pid);
                self.delivery.send(Received::own(Signal::CONT), Target::Group, false);
            }
            Action::Resume { signal, mut to } => {
                if self.terminal.is_job() {
                    self.terminal.lend_again(self.child.pid);
                    to = if to == Target::Command { Target::Group } else { to };
                }
                self.delivery.send(signal, to, false);
            }
            Action::Exit { outcome, survivors } => {
                if survivors {
                    self.recorder.survivors(self.delivery.log_survivors());
                }
                self.terminal.restore(self.child.pid, outcome);
                self.exit = Some(self.ending(outcome));
            }
        }
    }

    /// How sexton ends if the command ended so; `None`: it did not end.
    fn ending(&self, outcome: Option<Outcome>) -> Ending {
        let map = &self.plan.exit_map;
        let outcome = match (&self.failure, outcome) {
            (Some(error), _) => return error.status.into(),
            (None, Some(outcome)) => outcome,
            (None, None) => {
                let status = Outcome::NOT_ENDED;
                return map.mapped_status(status).unwrap_or(status).into();
            }
        };
        // PID 1 of a namespace is spared what it sends to itself.
        let may_die = self.plan.reraise_signal && self.pid != process::INIT;
        match (map.mapped(outcome), outcome) {
            (Some(status), _) => status.into(),
            (None, Outcome::Killed { signal, .. }) if may_die => {
                Ending { status: outcome.status(), signal: Some(signal) }
            }
            (None, _) => outcome.status().into(),
        }
    }

    /// Kills the tree, and again what is left of it or was forked meanwhile.
    fn kill(&mut self, cause: Cause) {
        let begin = self.clock.now();
        if cause == Cause::Again && begin < self.kill_after {
            return;
        }
        // Those that it kills are counted afterwards, so they must not be gone by then.
        let counts = cause != Cause::Again && self.kernel_reaps;
        if counts {
            signals::reap_again();
        }
        let result = self.delivery.kill(cause);
        if cause != Cause::Again {
            self.note_kill(cause);
        }
        if let Err(errno) = result {
            warn!("unable to kill every process: {}", sys::reason(errno));
        }
        if counts {
            signals::let_kernel_reap();
            self.reap_due = true; // either change has dropped a SIGCHLD that was pending
        }
        let end = self.clock.now();
        self.kill_after = end.saturating_add(backoff::after_kill(end.saturating_sub(begin)));
    }

    fn note_kill(&mut self, cause: Cause) {
        let killed = self.delivery.killed();
        self.recorder.sent(Signal::KILL, self.clock.now());
        self.recorder.kill(cause, killed.count());
        match cause {
            Cause::Grace => warn!("main did not end within the grace: killing every process"),
            Cause::Linger => {
                warn!("processes that main left behind did not end: killing them{killed}");
            }
            Cause::Again => {}
        }
    }

    /// Ends without knowing what becomes of main: what sexton cannot do without does not work.
    fn abandon(mut self: Box<Self>, error: Error) -> Report {
        let error = error.with_status(self.plan.statuses.fatal);
        crate::log::fatal(&error);
        self.recorder.failed(error.message().to_string());
        self.delivery.send(Received::own(Signal::KILL), Target::Tree, false);
        while self.delivery.is_under_way() {
            self.delivery.go_on();
        }
        for _ in 0..LOOKS_AT_THE_KILLED {
            match wait::child(None, Asked::default()) {
                Waited::Child(..) => {}
                Waited::Nothing => process::sleep(BETWEEN_LOOKS),
                Waited::NoChildren | Waited::Failed(_) => break,
            }
        }
        let status = error.status;
        self.failure = Some(error);
        self.report(status.into())
    }

    #[inline(never)] // may allocate, as nothing runs any more: not of the loop
    fn report(self: Box<Self>, ending: Ending) -> Report {
        let frozen = self.clock.left_out();
        let report = self.recorder.report(self.clock.now(), ending, frozen);
        if self.failure.is_some() {
            // That has been told.
        } else if report.is_warning() && self.plan.warn_of_trouble {
            warn!("{report}");
        } else {
            info!("{report}");
        }
        report
    }

    /// Stops sexton as the command was stopped, so that the shell above sees it; returns when that has continued
    /// it, and SIGCONT is pending.
    fn suspend(&mut self, signal: Signal) {
        let may_stop = self.terminal.take_back(self.child.pid);
        // SIGSTOP would hold where nobody continues sexton, which the kernel sees to with SIGTSTP.
        let own = if signal == Signal::STOP { Signal::TSTP } else { signal };
        let is_job = self.terminal.is_job() && may_stop;
        if !is_job || !signals::stop_self(own) {
            self.handle(Event::NotSuspended(signal));
        }
    }
}

/// The name of a sender.
fn name_of(origin: Origin) -> processes::Name {
    let sender = origin.pid > 0 && !origin.is_kernel();
    if sender { processes::Name::of(origin.pid) } else { processes::Name::default() }
}

/// Keeps only the capabilities that sexton needs to signal its tree: the command and others may be other
/// users' processes, and a subreaper has to find them even in a /proc that hides them.
fn give_up_privileges(launch: &Launch) {
    let Inherited { pid, uid: own, .. } = launch.inherited;
    if let Some(user) = launch.user()
        && user != own
        && credentials::effective().is_ok_and(|held| held.and(CapabilitySet::KILL).is_empty())
    {
        // Containers are often left CAP_SETUID and not CAP_KILL. With the command's user as its real user, sexton
        // may signal the command as well as its own user's processes.
        if let Err(errno) = credentials::set_real_uid(user) {
            // Then the command cannot become that user either, and tells it.
            debug!("unable to set the real user ID to {user}: {}", sys::reason(errno));
        }
    }
    let find = if pid == process::INIT { CapabilitySet::EMPTY } else { CapabilitySet::SYS_PTRACE };
    self_setup::keep_capabilities(CapabilitySet::KILL.or(find));
}
