//! The loop: wait for an event, ask the supervisor, carry out the actions.
//!
//! This folder does what the supervisor decides, and decides nothing about the run itself. It starts the command
//! (`child`), sends signals (`delivery`), reaps (`reaper`), lends the terminal (`terminal`), and has the recorder note
//! what happens. It may use every stage before it, and makes system calls only by way of `sys` and `kernel`.
//! Nothing is allocated once the command runs, and nothing may panic: this code is PID 1.
//!
//! `next_signal` chooses the signal to handle next, `backoff` and `retry` say when something is done again, `foreign`
//! waits for processes that are not sexton's children, `privileges` and `self_setup` are the start, `ending` is the
//! exit status, and `pause` is the runtime without a command: `--pause`.

#![forbid(unsafe_code)]

mod backoff;
mod delivery;
mod ending;
mod foreign;
mod incoming;
mod next_signal;
pub mod pause;
mod privileges;
mod reaper;
mod retry;
mod self_setup;
mod slow_stop;
mod terminal;

use self::delivery::{Delivery, Killed};
use self::incoming::Incoming;
use self::next_signal::NextSignal;
use self::reaper::{Candidates, REAPED_AT_ONCE, Reaper};
use self::slow_stop::SlowStop;
use self::terminal::Terminal;
use crate::child::explain;
use crate::child::messages::{Letterbox, Messages};
use crate::child::prepare::Launch;
use crate::child::program::Program;
use crate::child::spawn::{self, Child};
use crate::kernel::processes::Name;
use crate::kernel::unstopped::Receivers;
use crate::plan::{Plan, Target};
use crate::report::record::{Record, Report};
use crate::report::recorder::Recorder;
use crate::report::sinks::Outlets;
use crate::supervisor::{Action, Cause, Event, Stage, Supervisor, Time, earlier};
use crate::sys::clock::Clock;
use crate::sys::wait::{RawUsage, Waited};
use crate::sys::{self, Errno, process, signals};
use crate::values::duration::Shown;
use crate::values::error::Error;
use crate::values::outcome::{Change, Ending, Outcome, Usage};
use crate::values::signal::{Origin, Received, Signal, SignalSet};
use ::log::{Level, debug, info, log, log_enabled, trace, warn};
use std::os::fd::RawFd;
use std::time::Duration;

/// Dies of the signal that the ending names, if it names one and that is possible; otherwise returns the exit status.
/// Nothing is done after that.
#[must_use]
pub fn end(ending: Ending) -> u8 {
    if let Some(signal) = ending.signal {
        signals::die_of(signal);
    }
    ending.status
}

/// Runs the command until it and its tree have ended; how sexton is to end. All signals are blocked, and `mask` is
/// the mask that was in force before.
///
/// # Errors
/// The command was not started, and sexton has given up nothing that its caller needs.
pub fn attempt(plan: &Plan, mask: SignalSet) -> Result<Ending, Error> {
    let clock = Clock::start();
    let fatal = |error: Error| error.with_status(plan.statuses.fatal);
    let outlets = Outlets::open(plan).map_err(fatal)?;
    let descriptors = outlets.descriptors();
    match Runtime::start(plan, mask, clock, descriptors).map_err(fatal) {
        Ok(runtime) => {
            let report = runtime.supervise();
            outlets.write(&report);
            Ok(report.ending())
        }
        Err(error) => {
            outlets.write(&report_of_failure(plan, &error, clock));
            Err(error)
        }
    }
}

/// The report of a command that was not started. Never inlined: its data would be on the stack while the command runs.
#[inline(never)]
fn report_of_failure(plan: &Plan, error: &Error, clock: Clock) -> Report {
    let mut record = Record::of(plan);
    record.failure = Some(error.message().to_string());
    record.close(clock.now(), error.status())
}

/// Logs that an orphan was reaped.
fn log_orphan(plan: &Plan, pid: i32, name: Name, outcome: Outcome) {
    let level = if plan.warn_on_reap { Level::Warn } else { Level::Debug };
    log!(level, "reaped orphan {pid}{name}: {outcome}");
}

/// Logs that the kernel has killed an orphan, for want of memory.
#[inline(never)]
fn log_oom_kill(pid: i32, name: Option<Name>) {
    let name = name.unwrap_or_default();
    warn!("orphan {pid}{name} killed: kernel OOM killer");
}

/// sexton while the command runs, and until the tree is gone.
struct Runtime<'a> {
    plan: &'a Plan<'a>,
    /// sexton's own process ID.
    pid: i32,
    clock: Clock,
    supervisor: Supervisor<'a>,
    signals: NextSignal,
    reaper: Reaper,
    delivery: Delivery,
    slow_stop: SlowStop,
    terminal: Terminal,
    recorder: Recorder,
    child: Child<'a>,
    /// What the child does before exec, to name the step that failed.
    launch: &'a Launch<'a>,
    /// The signals that are only forwarded, and to whom, if nothing but signals and children is waited for; `None` if
    /// there may be more to do, as after each event.
    quiet: Option<(SignalSet, Target)>,
    /// The signal that is handled now.
    incoming: Option<Incoming>,
    /// When SIGKILL may be sent again.
    kill_after: Time,
    /// A step before exec that failed, without which the command has run.
    left_out: Option<(usize, Errno)>,
    /// [`Runtime::settle`] is still to be done; the descriptors that it keeps.
    unsettled: Option<Vec<RawFd>>,
    /// Why the command could not be started, or why sexton cannot go on.
    failure: Option<Error>,
    exit: Option<Ending>,
}

impl<'a> Runtime<'a> {
    /// Starts the command. `keep` are descriptors of sexton's own that are needed later.
    #[inline(never)]
    fn start(
        plan: &'a Plan,
        mask: SignalSet,
        clock: Clock,
        mut keep: Vec<RawFd>,
    ) -> Result<Box<Runtime<'a>>, Error> {
        let parent = self_setup::watched_parent(plan);
        // The child may read it as long as it likes.
        let launch: &Launch = Box::leak(Box::new(Launch::new(plan, mask)?));
        let letterbox = Letterbox::default();
        // The kernel has one `oom_score_adj` for all that share a memory.
        if !spawn::may_share(plan.protect, &launch.steps) {
            // No start is possible without this descriptor, so it is taken before those that are dispensable.
            letterbox.open().map_err(explain::fork)?;
        }
        self_setup::secure_log(plan, launch.inherited.uid); // before the child gives a stream away
        let pid = launch.inherited.pid;
        self_setup::set_up(plan, pid, parent, launch.inherited.sigchld_ignored)?;
        self_setup::notify_access(plan);
        let terminal = Terminal::new(&launch.inherited, &launch.steps);
        let words = launch.words();
        let program = Program::new(&launch.candidates, &words, &launch.environment, &launch.naming);
        let child = spawn::spawn(program, &launch.steps, letterbox).map_err(explain::fork)?;
        info!("command is pid {}", child.pid);
        self_setup::report_shell(pid);
        keep.extend(child.descriptor());
        self_setup::protect(plan); // at once, because the command may hit the limit at once
        privileges::share_user(launch);
        process::yield_cpu(); // what follows touches new pages, and the command would wait for it
        let mut runtime = Box::new(Runtime {
            plan,
            pid,
            clock,
            supervisor: Supervisor::new(&plan.policy),
            signals: NextSignal::default(),
            reaper: Reaper::new(plan, pid, child.pid),
            delivery: Delivery::new(pid, child.pid),
            slow_stop: SlowStop::new(pid),
            terminal,
            recorder: Recorder::new(plan, launch, child.pid),
            child,
            launch,
            quiet: None,
            incoming: None,
            kill_after: Time::ZERO,
            unsettled: Some(keep),
            left_out: None,
            failure: None,
            exit: None,
        });
        runtime.delivery.reserve();
        runtime.slow_stop.reserve();
        runtime.recorder.reserve();
        Ok(runtime)
    }

    /// The loop. Never inlined, so that `tests/panics.py` finds where it begins, and with it where it ends.
    #[inline(never)]
    fn supervise(mut self: Box<Self>) -> Report {
        loop {
            match self.step() {
                Ok(None) => {}
                Ok(Some(ending)) => return self.report(ending),
                Err(error) => return self.abandon(error),
            }
        }
    }

    /// One round of the loop; how sexton is to end, once the supervisor has said so.
    ///
    /// # Errors
    /// A call that sexton cannot do without does not work at all.
    fn step(&mut self) -> Result<Option<Ending>, Error> {
        let mut due_in = self.reaper.due_in(self.clock);
        let reaps = due_in == Some(Duration::ZERO);
        if reaps {
            self.reap_all()?;
            due_in = self.reaper.due_in(self.clock);
        }
        let received = if let Some((forwarded, to)) = self.quiet {
            self.forward_signals(forwarded, to, due_in)?
        } else {
            self.pass_time();
            if self.exit.is_some() {
                return Ok(self.exit);
            }
            // If SIGKILL was sent to all children, those are reaped before more are searched for.
            self.go_on(!reaps || !self.delivery.is_killing())?
        };
        self.leave_out_frozen_time(); // what has come is no sign that a deadline has passed
        match received {
            Some(received) if received.signal == Signal::CHLD => {
                self.child_signalled(received.origin);
            }
            Some(received) => self.signal(received),
            None => self.reaper.pass_time(self.clock),
        }
        Ok(None)
    }

    /// Forwards signals of that set. Returns the first signal that is not in the set, or that could not be forwarded.
    /// `None` if something else may be due: the time is over, or the wait was interrupted. This runs for each signal,
    /// mostly with neither its code nor its data in a cache, so it is short.
    ///
    /// # Errors
    /// Those of [`NextSignal::wait`].
    fn forward_signals(
        &mut self,
        forwarded: SignalSet,
        to: Target,
        timeout: Option<Duration>,
    ) -> Result<Option<Received>, Error> {
        loop {
            let next = if timeout.is_none() {
                self.signals.wait_for_any(&mut self.reaper)?
            } else {
                self.signals.wait(SignalSet::FULL, timeout, &mut self.reaper)?
            };
            let Some(received) = &next else { return Ok(None) };
            let is_more = !forwarded.contains(received.signal) || received.origin.is_kernel();
            if is_more || self.delivery.forward(received, to).is_err() {
                return Ok(next);
            }
            self.recorder.sent(received.signal, self.clock.now());
            if timeout.is_some() {
                return Ok(None); // it may be over
            }
        }
    }

    /// Whether there is more to do than to forward signals and to reap: see [`Runtime::quiet`].
    fn is_busy(&self) -> bool {
        log_enabled!(Level::Info) // each signal is logged
            || self.reaper.waits_for_foreign()
            || self.signals.watches_clock()
            || self.supervisor.deadline().is_some()
            || self.exit.is_some()
            || self.unsettled.is_some()
            || self.delivery.is_under_way()
            || self.slow_stop.is_searching()
    }

    /// Acts on a deadline that has passed.
    #[inline(never)]
    fn pass_time(&mut self) {
        let now = self.leave_out_frozen_time();
        if self.supervisor.deadline().is_some_and(|at| now.is_some_and(|now| at <= now)) {
            self.handle(Event::Tick);
        }
    }

    /// No clock counts the time in which nothing could run. When it is now, if there is a deadline or was one lately.
    ///
    /// It is read once: sexton may be stopped whenever it reads the clock, and nothing must be due by a later reading.
    #[inline(never)]
    fn leave_out_frozen_time(&mut self) -> Option<Time> {
        let has_deadline = self.supervisor.deadline().is_some();
        if !has_deadline && !self.signals.watches_clock() {
            return None;
        }
        let mut now = self.clock.now();
        if let Some(time) = self.signals.frozen(now) {
            self.clock.leave_out(time);
            now = now.saturating_sub(time);
            self.handle(Event::Thawed);
            info!("frozen for {} s: not counted", time.as_secs());
        }
        self.signals.restart_clock(self.supervisor.deadline().is_some(), now);
        Some(now)
    }

    /// Goes on with what is done between signals, with signals through the tree if `delivers`. Then it waits for the
    /// next signal or deadline, unless something is left to do at once, or nothing at all: see [`Runtime::quiet`].
    ///
    /// # Errors
    /// Those of [`NextSignal::wait`].
    #[inline(never)]
    fn go_on(&mut self, delivers: bool) -> Result<Option<Received>, Error> {
        self.settle();
        if delivers {
            self.delivery.go_on();
        }
        if self.slow_stop.is_searching() {
            self.search();
        }
        if !self.is_busy() {
            self.quiet = Some((self.supervisor.only_forwarded(), self.plan.policy.forward_to));
            return Ok(None);
        }
        let accepted = if self.delivery.is_crowded() {
            // Others stay pending: those without a value once, and those with one as long as there is room.
            self.plan.policy.stop_signals.with(Signal::CHLD)
        } else {
            SignalSet::FULL
        };
        let timeout = if self.delivery.is_under_way() || self.slow_stop.is_under_way() {
            Some(Duration::ZERO)
        } else {
            let until = earlier(self.supervisor.deadline(), self.reaper.due_at());
            until.map(|at| at.saturating_sub(self.clock.now()))
        };
        self.signals.wait(accepted, timeout, &mut self.reaper)
    }

    /// Goes on with the search for processes that do not stop. Never inlined: the waiting loop has no room for its
    /// data.
    #[inline(never)]
    fn search(&mut self) {
        if let Some(not_stopped) = self.slow_stop.go_on() {
            self.recorder.not_stopped(not_stopped);
        }
    }

    /// Releases what sexton was started with, and what the start has used. The command does not wait for that: it has
    /// the CPU first, and if it has ended by then and nothing is left, sexton is spared all of it. Signals stay pending
    /// meanwhile. This comes before all that opens descriptors, because it closes those that it does not know.
    #[inline(never)]
    fn settle(&mut self) {
        let Some(keep) = self.unsettled.take() else { return };
        self.recorder.count_oom_kills(); // first, because the command may hit the limit at any time
        self_setup::release_inherited(&keep);
        privileges::give_up(self.pid);
        process::release_stack();
        self.child.release_stack();
    }

    #[inline(never)]
    fn signal(&mut self, received: Received) {
        if received.signal == Signal::PIPE && received.origin.pid == self.pid {
            return; // sexton's own, from a log line into a broken pipe
        }
        self.incoming = Some(Incoming::new(received));
        self.handle(Event::Signal(received));
        self.log_incoming();
        self.incoming = None;
    }

    /// Logs the signal that is handled now, before the first line about what is done with it.
    fn log_incoming(&mut self) {
        if let Some(incoming) = &mut self.incoming {
            incoming.log();
        }
    }

    /// A SIGCHLD names one child, which is reaped without looking at the others. But it may stand for others too,
    /// or be forged: so all children are looked at next.
    fn child_signalled(&mut self, origin: Origin) {
        self.reaper.child_signalled();
        if origin.pid > 0 {
            self.reap(Some(origin.pid));
        }
        if self.reaper.pauses()
            && let Some(command) = self.delivery.command()
        {
            self.reap(Some(command)); // it may have ended, and does not wait for a look at all
        }
    }

    /// Reaps each child that has ended.
    fn reap_all(&mut self) -> Result<(), Error> {
        for _ in 0..REAPED_AT_ONCE {
            let begin = self.reaper.measures().then(|| self.clock.now());
            let found = self.reap(None);
            if !matches!(found, Waited::Child(..)) {
                if let Some(begin) = begin {
                    let command_runs = self.supervisor.stage() == Some(Stage::Run);
                    self.reaper.put_off(begin, self.clock.now(), command_runs);
                }
                let command_is_left = self.delivery.command().is_some();
                let no_children = self.reaper.looked_at_all(found, command_is_left)?;
                if no_children.is_some() {
                    self.reaped_all(no_children);
                }
                return Ok(());
            }
        }
        self.reaper.others_are_left();
        self.reaped_all(None); // there may be more
        Ok(())
    }

    #[inline(never)]
    fn tree_is_empty(&mut self, no_children: bool) -> bool {
        if no_children && self.reaper.is_alone() {
            return true;
        }
        self.settle();
        self.reaper.others_are_left();
        !self.reaper.are_left(no_children, self.clock)
    }

    /// Reaps this child, or any; what was found.
    fn reap(&mut self, pid: Option<i32>) -> Waited {
        let looks = self.reaper.looks_first();
        let (candidates, name) = if looks { self.look(pid) } else { (pid.into(), None) };
        let stops = self.terminal.can_stop_command();
        let mut usage = RawUsage::none();
        let found = self.reaper.reap(candidates, self.delivery.command(), stops, &mut usage);
        if let Waited::Child(pid, change) = found {
            if looks {
                self.log_child(pid, change, name);
            }
            self.child_changed(pid, change, &usage, name);
        }
        found
    }

    /// Which children may be reaped, and the name of the one that is, where something is to be done before that.
    #[inline(never)]
    fn look(&mut self, pid: Option<i32>) -> (Candidates, Option<Name>) {
        let candidates = self.reaper.candidates(pid);
        if matches!(candidates, Candidates::Command(_)) {
            self.handle(Event::CommandEnding);
        }
        (candidates, self.reaper.name(candidates))
    }

    #[inline(never)]
    fn log_child(&mut self, pid: i32, change: Change, name: Option<Name>) {
        let Change::Ended(outcome) = change else { return };
        let name = name.unwrap_or_default();
        if self.reaper.names_the_ended() {
            self.recorder.ended(pid, name, self.clock.now());
        }
        if self.delivery.command() != Some(pid) {
            log_orphan(self.plan, pid, name, outcome);
        }
    }

    /// Those that have ended are reaped; whether there is no child left, if that is known.
    fn reaped_all(&mut self, no_children: Option<bool>) {
        let progress = self.reaper.take_progress();
        if self.supervisor.heeds_reaped_all() {
            let tree_empty = no_children.is_some_and(|none| self.tree_is_empty(none));
            self.handle(Event::ReapedAll { tree_empty, progress });
        }
    }

    fn child_changed(&mut self, pid: i32, change: Change, usage: &RawUsage, name: Option<Name>) {
        let is_command = self.delivery.command() == Some(pid);
        match change {
            Change::Ended(outcome) if is_command => self.command_ended(outcome, usage.usage()),
            Change::Ended(outcome) => {
                if self.recorder.orphan_ended(outcome, self.delivery.is_killing()) {
                    log_oom_kill(pid, name);
                }
            }
            Change::Stopped(signal) if is_command => self.command_stopped(signal),
            Change::Stopped(_) => {}
        }
    }

    #[inline(never)]
    fn command_stopped(&mut self, signal: Signal) {
        self.terminal.command_is_stopped(signal);
        let terminal_is_here = self.terminal.is_here();
        self.handle(Event::CommandStopped { signal, terminal_is_here });
    }

    #[inline(never)]
    fn command_ended(&mut self, outcome: Outcome, usage: Usage) {
        self.delivery.command_is_reaped();
        self.reaper.command_is_reaped();
        debug!("reaped the command, pid {}", self.child.pid);
        let Messages { left_out, failure } = self.child.messages(outcome).unwrap_or_else(|errno| {
            warn!("unable to find out whether the command was executed: {}", sys::reason(errno));
            Messages::default()
        });
        self.left_out = left_out;
        if let Some(failure) = failure {
            let error = explain::failure(self.launch, failure);
            crate::log::fatal(&error);
            self.recorder.not_started(error.message().to_string());
            self.failure = Some(error);
            self.handle(Event::CommandEnded(outcome));
        } else {
            info!("command {outcome}");
            let by_key = self.terminal.has_keys()
                && matches!(
                    outcome,
                    Outcome::Killed { signal: Signal::INT | Signal::QUIT | Signal::HUP, .. }
                );
            let now = self.handle(Event::CommandEnded(outcome));
            self.recorder.command_ended(outcome, usage, by_key, now);
        }
    }

    /// Has the supervisor decide, and does what it says; when the event has come.
    fn handle(&mut self, event: Event) -> Time {
        self.quiet = None;
        let now = self.clock.now();
        let actions = self.supervisor.handle(event, now);
        if self.supervisor.deadline().is_some() {
            self.signals.watch_clock(now);
        }
        for place in 0.. {
            let Some(action) = actions.get(place) else { break };
            if !matches!(action, Action::Exit { .. }) {
                self.settle();
            }
            // The action is logged afterwards: a log on a file system that does not answer must not put SIGKILL off.
            self.carry_out(action, now);
            self.log_incoming();
            trace!("{}", action.name());
        }
        if let Some(stage) = self.supervisor.stage() {
            self.recorder.phase(stage, now);
        }
        now
    }

    /// `now` is when the event came.
    fn carry_out(&mut self, action: Action, now: Time) {
        match action {
            Action::Send { signal, to, and_continue } => {
                self.pass_on(signal, to, and_continue);
            }
            Action::HangUp => self.delivery.hang_up(),
            Action::Look => {
                if self.delivery.rest_ignores_term() {
                    debug!("all remaining processes ignore SIGTERM");
                    self.handle(Event::RestIgnoresTerm);
                }
            }
            Action::FindUnstopped(search) => {
                let receivers = match search.to {
                    Target::Command => Receivers::Process(self.child.pid),
                    Target::Group => Receivers::Group(self.child.pid),
                    Target::Tree => Receivers::Tree,
                };
                let frozen = self.clock.left_out();
                self.slow_stop.begin(search, self.delivery.command(), receivers, frozen);
            }
            Action::Kill(cause) => self.kill(cause),
            Action::Suspend(signal) => self.suspend(signal),
            // SIGSTOP does nothing to PID 1, and stops any other process.
            Action::Stop => {
                self.log_incoming();
                signals::stop_self(Signal::STOP);
            }
            Action::Continue => {
                self.terminal.lend_on_request(self.child.pid);
                self.send(Received::own(Signal::CONT), Target::Group, false);
            }
            Action::Resume { signal, mut to } => {
                if self.terminal.is_job() {
                    self.terminal.lend_again(self.child.pid);
                    to = if to == Target::Command { Target::Group } else { to };
                }
                self.send(signal, to, false);
            }
            Action::RecordStop(received) => {
                let name = self.incoming.as_mut().map(Incoming::name).unwrap_or_default();
                self.recorder.stop(received, name, now);
                if log_enabled!(Level::Info) {
                    self.reaper.name_the_ended(true);
                }
            }
            Action::TimedOut => {
                let timeout = self.plan.policy.timeout.unwrap_or_default();
                warn!("timeout of {} reached: stopping", Shown(timeout));
                self.recorder.timed_out(now);
            }
            Action::Exit { outcome, by, survivors } => {
                if survivors {
                    self.recorder.survivors(self.delivery.log_survivors());
                }
                self.recorder.log_last_end();
                self.terminal.restore(self.child.pid, outcome);
                self.exit = Some(match &self.failure {
                    Some(error) => error.status().into(),
                    None => ending::ending(self.plan, self.pid, outcome, by),
                });
            }
        }
    }

    /// Sends a signal that is recorded, because the command may die of it.
    fn pass_on(&mut self, signal: Received, to: Target, and_continue: bool) {
        if self.send(signal, to, and_continue) {
            self.recorder.sent(signal.signal, self.clock.now());
        }
    }

    /// Sends a signal, and logs the received signal and what was sent for it; whether a process got it.
    fn send(&mut self, signal: Received, to: Target, and_continue: bool) -> bool {
        let sent = self.delivery.send(signal, to, and_continue);
        self.log_incoming();
        sent.log();
        sent.is_ok()
    }

    /// Kills the tree; again, if something is left of it or was forked meanwhile.
    fn kill(&mut self, cause: Cause) {
        let begin = self.clock.now();
        if cause == Cause::Again && begin < self.kill_after {
            return;
        }
        let is_first = cause != Cause::Again;
        let mut killed = Killed::default();
        let is_counted = is_first
            && self.reaper.lets_kernel_reap()
            && self.delivery.count_many(&mut killed, self.clock);
        // The others are counted afterwards, so the kernel must not have reaped them by then.
        let counts = is_first && !is_counted && self.reaper.keep_kernel_from_reaping();
        let result = self.delivery.kill(cause);
        if is_first {
            if !is_counted {
                self.delivery.count_killed(&mut killed, self.clock);
            }
            self.note_kill(cause, &killed);
        }
        if let Err(errno) = result {
            warn!("unable to kill every process: {}", sys::reason(errno));
        }
        if counts {
            self.reaper.let_kernel_reap_again();
        }
        let end = self.clock.now();
        self.kill_after = end.saturating_add(backoff::after_kill(end.saturating_sub(begin)));
    }

    fn note_kill(&mut self, cause: Cause, killed: &Killed) {
        self.log_incoming();
        self.recorder.sent(Signal::KILL, self.clock.now());
        self.recorder.kill(cause, killed.count());
        match cause {
            Cause::Grace => {
                warn!("command did not end within the grace period: killing every process")
            }
            Cause::Linger => {
                warn!("remaining processes did not end: killing them{killed}");
            }
            Cause::Again => {}
        }
        self.reaper.name_the_ended(false);
        if let Some(not_stopped) = self.slow_stop.killed() {
            self.recorder.not_stopped(not_stopped);
        }
    }

    /// Ends without waiting for the command, because a call that sexton cannot do without does not work.
    #[inline(never)]
    fn abandon(mut self: Box<Self>, error: Error) -> Report {
        let error = error.with_status(self.plan.statuses.fatal);
        crate::log::fatal(&error);
        self.recorder.failed(error.message().to_string());
        self.send(Received::own(Signal::KILL), Target::Tree, false);
        while self.delivery.is_under_way() {
            self.delivery.go_on();
        }
        reaper::reap_killed();
        let status = error.status();
        self.failure = Some(error);
        self.report(status.into())
    }

    #[inline(never)] // not part of the loop: nothing runs any more, and this may allocate
    fn report(self: Box<Self>, ending: Ending) -> Report {
        let frozen = self.clock.left_out();
        if let Some((index, errno)) = self.left_out
            && let Some(step) = self.launch.steps.get(index)
        {
            info!("skipped a step: unable to {step}: {}", sys::reason(errno));
        }
        let plan = self.plan;
        let wanted =
            plan.report.is_some() || plan.termination_log.is_some() || log_enabled!(Level::Info);
        let report = self.recorder.report(self.clock.now(), ending, frozen, wanted);
        if self.failure.is_some() {
            // The failure has been logged.
        } else if report.is_warning() && self.plan.warn_of_trouble {
            warn!("{report}");
        } else {
            info!("{report}");
        }
        report
    }

    /// Stops sexton as the command was stopped, so that the shell above sees a stopped job. Returns when the shell has
    /// continued it; then SIGCONT is pending.
    fn suspend(&mut self, signal: Signal) {
        let may_stop = self.terminal.take_back(self.child.pid);
        // SIGTSTP stops sexton only where a shell can continue it: the kernel checks that. SIGSTOP stops it anywhere.
        let own = if signal == Signal::STOP { Signal::TSTP } else { signal };
        let is_job = self.terminal.is_job() && may_stop;
        if !is_job || !signals::stop_self(own) {
            self.handle(Event::NotSuspended(signal));
        }
    }
}
