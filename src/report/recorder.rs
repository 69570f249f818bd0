//! What the loop sees while sexton runs, recorded for the exit report.

#![forbid(unsafe_code)]

use super::not_stopped::NotStopped;
use super::numbers::Seconds;
use super::oom::OomWatch;
use super::record::{Record, Report, Stop};
use super::sent::{Sender, Sent};
use crate::child::prepare::Launch;
use crate::child::step::Step;
use crate::kernel::processes::Name;
use crate::plan::Plan;
use crate::supervisor::{Cause, Stage, Time};
use crate::sys::{limits, process};
use crate::values::outcome::{Ending, Outcome, Usage};
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use crate::values::signal::{Received, Signal};
use log::{debug, info};
use std::time::Duration;

/// Makes the record.
pub struct Recorder {
    record: Box<Record>, // the report takes it over
    oom: OomWatch,
    is_init: bool,
    /// Limits of CPU time and of the size of files that were set for the command.
    cpu: Option<Limits>,
    fsize: Option<Limits>,
    /// A limit on memory that was set for the command.
    memory_limit: Option<Resource>,
    /// The signals that were sent to the command.
    sent: Sent,
    /// For how many microseconds the group had been throttled when the stop began.
    throttled: u64,
    /// The process that has ended last during a stop, and when.
    last: Option<(i32, Name, Time)>,
    /// When the one before it ended.
    before_last: Option<Time>,
}

/// The CPU time with which a death by SIGKILL is taken for the work of a CPU limit of `limit`. The kernel
/// compares the limit with the ticks of its clock that met the process at work, and reports what it has
/// measured. On a busy virtual machine the two differ by a quarter.
fn nearly_all(limit: u64) -> Duration {
    let limit = if limit == UNLIMITED { Duration::MAX } else { Duration::from_secs(limit) };
    (limit / 4).saturating_mul(3).saturating_sub(Duration::from_millis(250))
}

/// A process that dies with less CPU time than this has hardly begun.
const AT_ONCE: Duration = Duration::from_millis(20);

impl Recorder {
    /// The command has just been started.
    #[must_use]
    pub fn new(plan: &Plan, launch: &Launch, main: i32) -> Recorder {
        let mut record = Box::new(Record::of(plan));
        record.pid = main;
        let memory = [Resource::As, Resource::Data, Resource::Stack];
        let mut set = plan.attributes.limits.iter().map(|limit| limit.resource);
        Recorder {
            record,
            oom: OomWatch::new(launch.inherited.pid, main),
            is_init: launch.inherited.pid == process::INIT,
            cpu: limits_set(launch, Resource::Cpu),
            fsize: limits_set(launch, Resource::Fsize),
            memory_limit: set.find(|limit| memory.contains(limit)),
            sent: Sent::default(),
            throttled: 0,
            last: None,
            before_last: None,
        }
    }

    /// Allocates what a stop needs.
    pub fn reserve(&mut self) {
        self.sent.reserve();
        self.record.not_stopped.reserve();
    }

    /// sexton is in this phase now.
    pub fn phase(&mut self, stage: Stage, now: Time) {
        let Some(before) = self.record.enter(stage, now) else { return };
        match (before, stage) {
            // The stop signal has been sent.
            (_, Stage::Stop) => self.throttled = self.oom.throttled(),
            (Stage::Stop, _) => self.stopped(),
            _ => {}
        }
        debug!("phase: {}", stage.name());
    }

    /// The stop is over.
    fn stopped(&mut self) {
        self.record.throttled = self.oom.throttled().saturating_sub(self.throttled);
    }

    /// A stop signal came.
    pub fn stop(&mut self, signal: Received, name: Name, now: Time) {
        if self.record.stop.is_none() {
            self.record.stop = Some(Stop { signal, name, at: now });
        }
    }

    /// Takes the first count of OOM kills.
    pub fn count_oom_kills(&mut self) {
        self.oom.begin(false);
    }

    /// The time-out has begun a stop.
    pub fn timed_out(&mut self, now: Time) {
        self.record.timed_out = Some(now);
        self.record.overran = self.record.outcome.is_none();
    }

    /// The command could not be executed.
    pub fn not_started(&mut self, why: String) {
        self.record.failure = Some(why);
        // The child never became the command.
        self.record.pid = 0;
    }

    /// sexton cannot go on.
    pub fn failed(&mut self, why: String) {
        self.record.failure = Some(why);
    }

    /// sexton has sent this signal to the command.
    pub fn sent(&mut self, signal: Signal, now: Time) {
        self.sent.note(signal, now);
    }

    /// The command has ended. `by_key` says that the signal that killed it, if it was one, may have come from a user's
    /// key.
    pub fn command_ended(&mut self, outcome: Outcome, usage: Usage, by_key: bool, now: Time) {
        let record = &mut self.record;
        record.outcome = Some(outcome);
        record.usage = usage;
        let stop = record.timed_out.or(record.stop.map(|stop| stop.at));
        let sender = self.sent.sender(outcome, now, stop);
        let (Outcome::Killed { signal, .. }, Some(sender)) = (outcome, sender) else { return };
        let Sender::Other { sexton_before } = sender else {
            self.count_killed(outcome);
            return;
        };
        record.unexpected = !by_key && signal != Signal::PIPE;
        record.sent_before = sexton_before.filter(|_| record.unexpected);
        record.oom =
            if outcome.is_sigkill() { self.oom.has_struck(Some(usage.peak)) } else { None };
        if record.oom.is_some() {
            return;
        }
        let cpu = usage.user.saturating_add(usage.system);
        let watched = match signal {
            Signal::XCPU | Signal::KILL => Some((self.cpu, Resource::Cpu)),
            Signal::XFSZ => Some((self.fsize, Resource::Fsize)),
            _ => None,
        };
        if let Some((set, resource)) = watched {
            let Limits { soft, hard } = of_command(set, resource);
            let is_kill = signal == Signal::KILL;
            let is_hit = if is_kill { cpu >= nearly_all(hard) } else { soft != UNLIMITED };
            record.limit = is_hit.then_some(resource);
        }
        if cpu < AT_ONCE && matches!(signal, Signal::KILL | Signal::SEGV) {
            record.suspect = self.memory_limit;
        }
    }

    /// An orphan was reaped; whether the kernel's OOM killer has killed it. `killing` says that sexton has
    /// sent SIGKILL to all.
    pub fn orphan_ended(&mut self, outcome: Outcome, killing: bool) -> bool {
        self.record.orphans += 1;
        if killing {
            self.count_killed(outcome);
        }
        !killing && outcome.is_sigkill() && self.oom.has_struck(None).is_some()
    }

    /// A subreaper reaps each process that it has killed; PID 1 may not.
    fn count_killed(&mut self, outcome: Outcome) {
        if !self.is_init && outcome.is_sigkill() {
            *self.record.killed.get_or_insert(0) += 1;
        }
    }

    /// A process has ended during a stop.
    pub fn ended(&mut self, pid: i32, name: Name, now: Time) {
        self.before_last = self.last.map(|(.., at)| at);
        self.last = Some((pid, name, now));
    }

    /// Logs which process ended last, if a stop has ended several, and without SIGKILL.
    pub fn log_last_end(&self) {
        if let (Some((pid, name, last)), Some(before)) = (self.last, self.before_last)
            && !self.record.grace_over
            && !self.record.linger_over
        {
            let later = Seconds(last.saturating_sub(before));
            info!("pid {pid}{name} ended last, {later} s after the others");
        }
    }

    /// Some processes have not ended although the stop is slow, or SIGKILL is near.
    pub fn not_stopped(&mut self, not_stopped: NotStopped) {
        not_stopped.log(self.record.not_stopped.get());
        self.record.not_stopped.set(not_stopped);
    }

    /// Everything was sent SIGKILL: so many processes, if that is known.
    pub fn kill(&mut self, cause: Cause, killed: Option<u64>) {
        match cause {
            Cause::Grace => self.record.grace_over = true,
            Cause::Linger => self.record.linger_over = true,
            Cause::Again => return,
        }
        self.record.killed = if self.is_init { killed } else { Some(0) };
    }

    /// Processes are left that could not be killed, so many as far as that can be seen.
    pub fn survivors(&mut self, count: Option<u64>) {
        self.record.survivors = true;
        if self.is_init {
            // They were counted before SIGKILL was sent; a subreaper counts those that died of it.
            self.record.killed =
                self.record.killed.zip(count).map(|(all, left)| all.saturating_sub(left));
        }
    }

    /// The report; `frozen` is the time that `now` leaves out. What the control group has used is read if the report is
    /// `wanted`, or a warning.
    #[must_use]
    pub fn report(mut self, now: Time, ending: Ending, frozen: Duration, wanted: bool) -> Report {
        self.record.frozen = frozen;
        self.record.oom_kills = self.oom.total();
        if wanted || self.record.is_warning() {
            if self.record.times.stage == Stage::Stop {
                self.stopped();
            }
            self.record.group = self.oom.totals();
            if self.record.group.throttled == 0 {
                self.record.throttled = 0; // it was another group's
            }
        }
        Report::of(self.record, now, ending)
    }
}

fn limits_set(launch: &Launch, resource: Resource) -> Option<Limits> {
    launch.steps.iter().find_map(|step| match step {
        Step::Limit(limited, limits) if *limited == resource => Some(*limits),
        _ => None,
    })
}

/// The limits that were set for the command, or else those that it has from sexton.
fn of_command(set: Option<Limits>, resource: Resource) -> Limits {
    let inherited = || limits::get(resource).ok();
    set.or_else(inherited).unwrap_or(Limits { soft: UNLIMITED, hard: UNLIMITED })
}
