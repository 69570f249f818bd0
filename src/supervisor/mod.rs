//! The decisions: a pure state machine from events to actions.
//!
//! It does no I/O and reads no clock: time is an argument, and [`Supervisor::deadline`] says when the next event is
//! due. So the tests can try every sequence of events without a process or a sleep. The phases are those of a shutdown:
//!
//! ```text
//! Running --stop signal--> Draining --drain over--> Stopping --grace over--> Killing --> Over
//!    |                        |                        |                        ^
//!    +-------command ended, others remain--------------+--> Lingering --linger--+
//! ```
//!
//! Every phase leads to `Over` when the command has ended and the tree is empty. With [`Linger::Leave`] the command's
//! end is enough, and the rest of the tree goes on without sexton.

#![forbid(unsafe_code)]

mod action;
mod event;
mod phase;

pub use self::action::{Action, Actions, Cause, Search};
pub use self::event::Event;
use self::phase::{Forward, Phase};
pub use self::phase::{Stage, Time};

use crate::plan::{Linger, Policy, Target};
use crate::values::outcome::{EndedBy, Outcome};
use crate::values::signal::{Received, Signal, SignalSet};
use std::time::Duration;

/// How long to wait for the tree to be gone after SIGKILL, counted from the end of the last process that has ended. A
/// task in an uninterruptible sleep (state D) does not die: after this time sexton ends without waiting for it.
pub const KILL_LIMIT: Duration = Duration::from_secs(2);

/// How long to wait in all, if processes go on ending: a tree that goes on forking must not keep sexton either.
pub const KILL_LIMIT_IN_ALL: Duration = Duration::from_secs(20);

/// The time between two SIGKILLs until the tree is gone: a subreaper cannot kill atomically, so a process may have been
/// forked meanwhile.
pub const KILL_AGAIN: Duration = Duration::from_millis(10);

/// The least time between two SIGCONTs to the command: a background process that reads from its terminal is stopped
/// again each time.
pub const CONTINUE_AGAIN: Duration = Duration::from_millis(100);

/// During a stop, the time between two looks whether all that is left of the tree ignores SIGTERM.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The least time that is left before every deadline after a time in which nothing could run.
pub const AFTER_THAW: Duration = Duration::from_secs(1);

/// How long before SIGKILL the processes that have not ended are looked at, at most; a tenth of the time from the stop
/// signal to SIGKILL if that is less. A look at 10,000 takes 0.2 s of CPU time, and 0.3 to 0.5 s in all (static binary,
/// PID 1 or subreaper, Linux 6.18, two CPUs shared with builds). So mostly it is over by then, if no signal comes.
/// SIGKILL ends a look that is not over.
pub const LOOK_BEFORE_KILL: Duration = Duration::from_millis(500);

/// How often [`AFTER_THAW`] is granted in one run, because a stop must come to an end.
pub const MOST_THAWS: u8 = 10;

/// The state machine.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor<'p> {
    policy: &'p Policy,
    phase: Phase,
    /// How the command ended; `None` while it has not been reaped.
    command: Option<Outcome>,
    /// What made the command end.
    by: EndedBy,
    /// When the time-out begins a stop; `None` if there is none, or a stop has begun.
    timeout_at: Option<Time>,
    /// The time-out has begun a stop.
    timed_out: bool,
    /// The signals by which the command was asked to end.
    asked: SignalSet,
    /// When the command may be continued (again), and whether it is to be.
    continue_after: Time,
    continue_due: bool,
    /// The looks for processes that do not stop; `None` without a stop, and when there is no look to come.
    looks: Option<Looks>,
    /// How often [`Event::Thawed`] may still put a deadline off.
    thaws: u8,
    /// What [`Supervisor::deadline`] says.
    deadline: Option<Time>,
}

impl<'p> Supervisor<'p> {
    /// The command has just been started.
    #[must_use]
    pub fn new(policy: &'p Policy) -> Supervisor<'p> {
        Supervisor {
            policy,
            phase: Phase::Running,
            command: None,
            by: EndedBy::Other,
            timeout_at: policy.timeout,
            timed_out: false,
            asked: SignalSet::EMPTY,
            continue_after: Time::ZERO,
            continue_due: false,
            looks: None,
            thaws: MOST_THAWS,
            deadline: policy.timeout,
        }
    }

    /// When [`Event::Tick`] is due at the latest; `None` if no action waits for a time.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// The next time that the present state waits for.
    fn next_deadline(&self) -> Option<Time> {
        let of_phase = match self.phase {
            Phase::Running | Phase::Over => None,
            Phase::Draining { until, .. } => Some(until),
            Phase::Stopping { step_at, kill_at, .. } => earlier(step_at, kill_at),
            Phase::Lingering { kill_at, look_at } => earlier(kill_at, look_at),
            Phase::Killing { again_at, give_up_at, .. } => Some(again_at.min(give_up_at)),
        };
        let of_look = match self.phase {
            Phase::Stopping { kill_at, .. } | Phase::Lingering { kill_at, .. } => {
                self.looks.and_then(|looks| looks.next(kill_at))
            }
            _ => None,
        };
        let by_itself = earlier(self.timeout_at, self.continue_due.then_some(self.continue_after));
        earlier(earlier(of_phase, of_look), by_itself)
    }

    /// The phase; `None` when all is over.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match self.phase {
            Phase::Running if self.command.is_some() && self.policy.wait_all => {
                Some(Stage::WaitAll)
            }
            Phase::Running => Some(Stage::Run),
            Phase::Draining { .. } => Some(Stage::Drain),
            Phase::Stopping { .. } => Some(Stage::Stop),
            Phase::Lingering { .. } => Some(Stage::Linger),
            Phase::Killing { .. } => Some(Stage::Kill),
            Phase::Over => None,
        }
    }

    /// Whether [`Event::ReapedAll`] matters: the command has ended, or all are being killed. Otherwise it changes
    /// nothing.
    #[must_use]
    pub fn heeds_reaped_all(&self) -> bool {
        self.command.is_some() || matches!(self.phase, Phase::Killing { .. })
    }

    /// The signals that are sent on as they are, to [`Policy::forward_to`], if a process has sent them, and that cause
    /// and change nothing else. After another event these may be others.
    #[must_use]
    pub fn only_forwarded(&self) -> SignalSet {
        let is_plain = matches!(self.phase, Phase::Running)
            && self.command.is_none()
            && self.deadline.is_none();
        if !is_plain {
            return SignalSet::EMPTY;
        }
        // SIGCHLD is never forwarded, SIGPIPE may be sexton's own, and SIGCONT resumes a job.
        const ALL: SignalSet =
            SignalSet::FULL.without(Signal::CHLD).without(Signal::PIPE).without(Signal::CONT);
        let Policy { rewrites, stop_signals, suspend_at, .. } = self.policy;
        ALL.except(*stop_signals).except(*suspend_at).except(rewrites.rewritten())
    }

    /// Notes an event; the actions that follow from it now.
    pub fn handle(&mut self, event: Event, now: Time) -> Actions {
        let mut actions = Actions::default();
        match event {
            Event::Signal(received) => self.signal(received, now, &mut actions),
            Event::CommandStopped { signal, terminal_is_here } => {
                self.command_stopped(signal, terminal_is_here, &mut actions);
            }
            // Only its sender knows what SIGSTOP is for. The other signals come from keys, and from the use of a
            // terminal. Without sexton they would not have stopped the command, because the kernel ignores them in an
            // orphaned process group, which no shell could continue.
            Event::NotSuspended(Signal::STOP) => {}
            Event::NotSuspended(_) => self.continue_due = !self.is_ending(),
            Event::CommandEnding => self.signal_at_end(&mut actions),
            Event::CommandEnded(outcome) => {
                self.command = Some(outcome);
                self.by = self.ended_by(outcome);
                self.continue_due = false;
                // What is left of the tree is only known after a look at all children: nothing is due before that.
                self.deadline = self.next_deadline();
                return actions;
            }
            Event::ReapedAll { tree_empty, progress } => {
                self.reaped_all(tree_empty, progress, now, &mut actions);
            }
            Event::RestIgnoresTerm => {
                if matches!(self.phase, Phase::Lingering { .. }) {
                    self.kill(Cause::Linger, now, &mut actions);
                }
            }
            Event::Thawed => self.thaw(now),
            Event::Tick => {}
        }
        loop {
            self.deadline = self.next_deadline();
            let is_due = self.deadline.is_some_and(|at| at <= now);
            if !is_due || !self.pass_deadline(now, &mut actions) {
                return actions;
            }
        }
    }

    /// What made the command end, which it does now. SIGKILL ends it too late, whoever sent it. Of a death by another
    /// signal that signal says whether it was the stop: a crash while the command cleans up was not. But a command that
    /// has outlived the time-out has failed, however it ends.
    fn ended_by(&self, outcome: Outcome) -> EndedBy {
        let obeyed = match outcome {
            Outcome::Exited(_) => true,
            Outcome::Killed { signal, .. } => self.asked.contains(signal),
        };
        match self.phase {
            _ if outcome.is_sigkill() => EndedBy::Other,
            _ if self.timed_out => EndedBy::Timeout,
            Phase::Stopping { .. } if obeyed => EndedBy::Stop,
            _ => EndedBy::Other,
        }
    }

    /// SIGTERM at the command's end, for all others that the forwarded signals have reached.
    fn signal_at_end(&self, actions: &mut Actions) {
        let to = self.policy.forward_to;
        if let Some(signal) = self.policy.rewrites.apply(Signal::TERM)
            && self.policy.signal_at_end
            && to != Target::Command
            && !self.is_ending()
        {
            let signal = Received::own(signal);
            actions.push(Action::Send { signal, to, and_continue: false });
        }
    }

    fn command_stopped(&mut self, signal: Signal, terminal_is_here: bool, actions: &mut Actions) {
        if self.is_ending() {
            return;
        }
        if terminal_is_here && matches!(signal, Signal::TTIN | Signal::TTOU) {
            self.continue_due = true; // it has asked for the terminal, and can have it
        } else {
            actions.push(Action::Suspend(signal));
        }
    }

    /// SIGKILL has been sent, or all is over: no other signal is sent.
    fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Killing { .. } | Phase::Over)
    }

    fn signal(&mut self, received: Received, now: Time, actions: &mut Actions) {
        if received.origin.is_fault(received.signal) {
            return;
        }
        if !self.policy.stop_signals.contains(received.signal) {
            if let Some((signal, to)) = self.forward(&received) {
                let signal = Received { signal, ..received };
                actions.push(match signal.signal {
                    Signal::CONT if self.command.is_none() => Action::Resume { signal, to },
                    _ => Action::Send { signal, to, and_continue: false },
                });
            }
            if self.policy.suspend_at.contains(received.signal) && !self.is_ending() {
                actions.push(Action::Stop);
            }
            return;
        }
        // A stop signal may be ignored, too.
        if let Some(sent_as) = self.policy.rewrites.apply(received.signal)
            && self.phase != Phase::Over
        {
            self.stop_signal(Forward { received, sent_as }, now, actions);
            actions.push(Action::RecordStop(received));
        }
    }

    /// What a signal that begins no stop is forwarded as, and to whom.
    fn forward(&self, received: &Received) -> Option<(Signal, Target)> {
        let sent_as = self.policy.rewrites.apply(received.signal)?;
        Some((sent_as, self.target(received, sent_as)?))
    }

    /// Begins a stop as if SIGTERM had come, but even where SIGTERM is ignored.
    fn time_out(&mut self, now: Time, actions: &mut Actions) {
        let received = Received::own(Signal::TERM);
        let sent_as = self.policy.rewrites.apply(Signal::TERM).unwrap_or(Signal::TERM);
        self.timed_out = true;
        self.stop_signal(Forward { received, sent_as }, now, actions);
        actions.push(Action::TimedOut);
    }

    fn stop_signal(&mut self, stop: Forward, now: Time, actions: &mut Actions) {
        self.timeout_at = None;
        match self.phase {
            Phase::Running if self.policy.drain > Duration::ZERO => {
                self.phase =
                    Phase::Draining { held: stop, until: now.saturating_add(self.policy.drain) };
            }
            Phase::Running => self.stop(stop, now, actions),
            Phase::Draining { held, .. } => {
                self.stop(held, now, actions);
                if held.received.signal != stop.received.signal {
                    self.send_stop(stop, actions);
                }
            }
            Phase::Stopping { .. } => self.send_stop(stop, actions),
            Phase::Lingering { kill_at, look_at } => {
                self.begin_looks(now);
                self.send_stop(stop, actions);
                let kill_at = earlier(kill_at, self.grace_from(now));
                self.phase = Phase::Lingering { kill_at, look_at };
            }
            Phase::Killing { .. } | Phase::Over => {}
        }
    }

    /// Forwards the first stop signal and starts the clock.
    fn stop(&mut self, stop: Forward, now: Time, actions: &mut Actions) {
        self.begin_looks(now);
        self.phase = Phase::Stopping {
            stop,
            step: 0,
            step_at: self.step_from(0, now),
            kill_at: self.grace_from(now),
            tree_signalled: self.stop_target(stop) == Target::Tree,
        };
        self.send_stop(stop, actions);
    }

    /// Sends a stop signal, or what it is rewritten to, and SIGCONT, without which a stopped process
    /// could not act on it.
    fn send_stop(&mut self, stop: Forward, actions: &mut Actions) {
        self.asked = self.asked.with(stop.sent_as);
        self.send_and_continue(stop.sent(), self.stop_target(stop), actions);
        if self.command.is_some() {
            actions.push(Action::HangUp);
        }
    }

    /// The target of a signal. Once the command has been reaped: the rest of the tree, if the run waits for it or
    /// signals go to the whole tree; otherwise none.
    fn target(&self, received: &Received, sent_as: Signal) -> Option<Target> {
        match (self.policy.forward_to, self.command) {
            _ if self.is_ending() => None,
            (Target::Tree, _) => Some(Target::Tree),
            (_, Some(_)) => self.policy.wait_all.then_some(Target::Tree),
            (Target::Command, None) if is_from_terminal(received) => {
                // The key may have sent the command the same one. A key is for the whole foreground group, which the
                // command's would be without sexton.
                let has_it = self.policy.command_gets_keys && sent_as == received.signal;
                (!has_it).then_some(Target::Group)
            }
            (to, None) => Some(to),
        }
    }

    /// The target of a stop signal: the rest of the tree once the command has been reaped.
    fn stop_target(&self, stop: Forward) -> Target {
        self.target(&stop.received, stop.sent_as).unwrap_or(Target::Tree)
    }

    fn reaped_all(&mut self, tree_empty: bool, progress: bool, now: Time, actions: &mut Actions) {
        if let Phase::Killing { since, give_up_at, .. } = &mut self.phase
            && progress
        {
            *give_up_at =
                now.saturating_add(KILL_LIMIT).min(since.saturating_add(KILL_LIMIT_IN_ALL));
        }
        if self.command.is_none() {
            return;
        }
        if tree_empty {
            if self.phase != Phase::Over {
                self.exit(false, actions);
            }
            return;
        }
        match &mut self.phase {
            Phase::Running | Phase::Draining { .. } if self.policy.wait_all => {}
            Phase::Stopping { stop, tree_signalled, .. } if self.policy.wait_all => {
                if !std::mem::replace(tree_signalled, true) {
                    let stop = *stop;
                    self.send_stop(stop, actions);
                }
            }
            Phase::Running => self.linger(None, now, actions),
            Phase::Draining { .. } => {
                self.begin_looks(now);
                self.linger(Some(self.grace_from(now)), now, actions);
            }
            Phase::Stopping { kill_at, .. } => {
                let grace_over_at = *kill_at;
                self.linger(Some(grace_over_at), now, actions);
            }
            Phase::Lingering { .. } | Phase::Killing { .. } | Phase::Over => {}
        }
    }

    /// Asks the rest of the tree to end. During a stop, `stop` is the end of its grace period, if the period ends.
    fn linger(&mut self, stop: Option<Option<Time>>, now: Time, actions: &mut Actions) {
        let after = |linger: Duration| Some(now.saturating_add(linger));
        let (kill_at, look_at) = match (self.policy.linger, stop) {
            (Linger::Leave, _) => {
                if self.command.is_some() {
                    self.exit(false, actions);
                }
                return;
            }
            (Linger::For(linger), stop) => (earlier(after(linger), stop.flatten()), None),
            (Linger::Default, None) => (after(Linger::DEFAULT), None),
            (Linger::Default, Some(grace_over_at)) => (grace_over_at, after(Linger::DEFAULT)),
        };
        self.phase = Phase::Lingering { kill_at, look_at };
        if kill_at.is_none_or(|at| at > now) {
            self.send_and_continue(Received::own(Signal::TERM), Target::Tree, actions);
            actions.push(Action::HangUp);
        }
    }

    /// Leaves at least [`AFTER_THAW`] before the next deadline.
    fn thaw(&mut self, now: Time) {
        let Some(thaws) = self.thaws.checked_sub(1) else { return };
        let least = now.saturating_add(AFTER_THAW);
        let put_off = |at: &mut Option<Time>| *at = at.map(|at| at.max(least));
        if let Some(looks) = &mut self.looks {
            put_off(&mut looks.slow_at);
        }
        match &mut self.phase {
            Phase::Draining { until, .. } => *until = least.max(*until),
            Phase::Stopping { step_at, kill_at, .. } => {
                put_off(step_at);
                put_off(kill_at);
            }
            Phase::Lingering { kill_at, look_at } => {
                put_off(kill_at);
                put_off(look_at);
            }
            Phase::Running | Phase::Killing { .. } | Phase::Over => return,
        }
        self.thaws = thaws;
    }

    /// Acts on one deadline if it has passed; whether there may be another.
    fn pass_deadline(&mut self, now: Time, actions: &mut Actions) -> bool {
        let due = |at: Time| at <= now;
        if self.continue_due && due(self.continue_after) {
            self.continue_due = false;
            self.continue_after = now.saturating_add(CONTINUE_AGAIN);
            actions.push(Action::Continue);
            return true;
        }
        if self.timeout_at.is_some_and(due) {
            self.time_out(now, actions);
            return true;
        }
        // It is begun before anything that may have SIGKILL sent at once.
        if self.look(now, actions) {
            return true;
        }
        match self.phase {
            Phase::Draining { held, until } if due(until) => self.stop(held, now, actions),
            Phase::Stopping { kill_at: Some(at), .. } if due(at) => {
                self.kill(
                    if self.command.is_none() { Cause::Grace } else { Cause::Linger },
                    now,
                    actions,
                );
            }
            Phase::Stopping { stop, step, step_at: Some(at), kill_at, tree_signalled }
                if due(at) =>
            {
                if let Some(step) = self.policy.escalation.get(step) {
                    let received = Received::own(step.signal);
                    let forward = Forward { received, sent_as: step.signal };
                    self.asked = self.asked.with(step.signal);
                    self.send_and_continue(received, self.stop_target(forward), actions);
                }
                let step = step + 1;
                let step_at = self.step_from(step, now);
                self.phase = Phase::Stopping { stop, step, step_at, kill_at, tree_signalled };
            }
            Phase::Lingering { kill_at: Some(at), .. } if due(at) => {
                self.kill(Cause::Linger, now, actions);
            }
            Phase::Lingering { kill_at, look_at: Some(at) } if due(at) => {
                let look_at = Some(now.saturating_add(LOOK_AGAIN));
                self.phase = Phase::Lingering { kill_at, look_at };
                actions.push(Action::Look);
            }
            Phase::Killing { give_up_at, .. } if due(give_up_at) => {
                self.exit(true, actions);
            }
            Phase::Killing { since, again_at, give_up_at } if due(again_at) => {
                self.phase =
                    Phase::Killing { since, again_at: now.saturating_add(KILL_AGAIN), give_up_at };
                actions.push(Action::Kill(Cause::Again));
            }
            _ => return false,
        }
        true
    }

    fn exit(&mut self, survivors: bool, actions: &mut Actions) {
        self.phase = Phase::Over;
        self.timeout_at = None;
        actions.push(Action::Exit { outcome: self.command, by: self.by, survivors });
    }

    /// The stop signal has been sent just now, the first one.
    fn begin_looks(&mut self, now: Time) {
        if self.looks.is_none()
            && let Some(after) = self.policy.slow_stop()
        {
            let slow_at = Some(now.saturating_add(after));
            self.looks = Some(Looks { since: now, slow_at, before_kill: true });
        }
    }

    /// Asks for a look at the processes that have not ended, if one is due and SIGKILL is not.
    fn look(&mut self, now: Time, actions: &mut Actions) -> bool {
        let (kill_at, signal, to) = match self.phase {
            Phase::Stopping { stop, kill_at, .. } => {
                (kill_at, stop.sent_as, self.stop_target(stop))
            }
            Phase::Lingering { kill_at, .. } => (kill_at, Signal::TERM, Target::Tree),
            _ => return false,
        };
        let Some(looks) = &mut self.looks else { return false };
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let before_kill = due(looks.before_kill_at(kill_at));
        if due(kill_at) || !(before_kill || due(looks.slow_at)) {
            return false;
        }
        looks.slow_at = None;
        looks.before_kill &= !before_kill;
        let after = now.saturating_sub(looks.since).as_millis() as u64;
        actions.push(Action::FindUnstopped(Search { signal, to, after, before_kill }));
        true
    }

    fn kill(&mut self, cause: Cause, now: Time, actions: &mut Actions) {
        self.phase = Phase::Killing {
            since: now,
            again_at: now.saturating_add(KILL_AGAIN),
            give_up_at: now.saturating_add(KILL_LIMIT),
        };
        self.continue_due = false;
        self.timeout_at = None;
        self.looks = None;
        actions.push(Action::Kill(cause));
    }

    fn send_and_continue(&self, signal: Received, to: Target, actions: &mut Actions) {
        let useless = matches!(signal.signal, Signal::CONT | Signal::KILL);
        // In compatibility modes SIGCONT follows a signal only if it starts a grace period, which other inits have not.
        let continues = self.policy.and_continue || self.policy.grace.is_some();
        let and_continue = continues && !useless;
        actions.push(Action::Send { signal, to, and_continue });
    }

    fn grace_from(&self, now: Time) -> Option<Time> {
        self.policy.grace.map(|grace| now.saturating_add(grace))
    }

    fn step_from(&self, step: usize, now: Time) -> Option<Time> {
        self.policy.escalation.get(step).map(|step| now.saturating_add(step.after))
    }
}

/// The looks for processes that do not stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Looks {
    /// When the stop signal was sent.
    since: Time,
    /// When the stop is slow; `None` once there was a look.
    slow_at: Option<Time>,
    /// The look before SIGKILL is still to come.
    before_kill: bool,
}

impl Looks {
    /// When the next one is due, if SIGKILL is at that time.
    fn next(&self, kill_at: Option<Time>) -> Option<Time> {
        earlier(self.slow_at, self.before_kill_at(kill_at))
    }

    fn before_kill_at(&self, kill_at: Option<Time>) -> Option<Time> {
        let kill_at = kill_at.filter(|_| self.before_kill)?;
        let before = (kill_at.saturating_sub(self.since) / 10).min(LOOK_BEFORE_KILL);
        Some(kill_at.saturating_sub(before))
    }
}

/// Whether the kernel has sent the signal for a key, for a new window size, or because a background group has used the
/// terminal.
fn is_from_terminal(received: &Received) -> bool {
    const SIGNALS: [Signal; 6] =
        [Signal::INT, Signal::QUIT, Signal::TSTP, Signal::TTIN, Signal::TTOU, Signal::WINCH];
    received.origin.is_kernel() && SIGNALS.contains(&received.signal)
}

/// The earlier of two times, where `None` is never.
#[must_use]
pub fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
