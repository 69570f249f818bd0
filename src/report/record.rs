//! What is recorded of a run, and the report that is made of it at the end.

#![forbid(unsafe_code)]

use super::not_stopped::NotStopped;
use crate::kernel::cgroup::Totals;
use crate::kernel::processes::Name;
use crate::plan::Plan;
use crate::supervisor::{Stage, Time};
use crate::values::outcome::{Ending, Outcome, Shortage, Usage};
use crate::values::reserved::Reserved;
use crate::values::rlimit::Resource;
use crate::values::signal::Received;
use std::time::Duration;

/// What is recorded while sexton runs. To record allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The command as it was written, as text.
    pub command: String,
    /// The command's process ID.
    pub pid: i32,
    /// How the command ended; `None` if it did not: it was not run, or could not be killed.
    pub outcome: Option<Outcome>,
    /// What the command and the processes that it waited for used.
    pub usage: Usage,
    /// Why the command could not be started.
    pub failure: Option<String>,
    /// The first stop signal.
    pub stop: Option<Stop>,
    /// When the time-out began a stop, if it did.
    pub timed_out: Option<Time>,
    /// The command had not ended by then.
    pub overran: bool,
    /// Orphans that sexton has reaped.
    pub orphans: u64,
    /// Processes that sexton has sent SIGKILL; `None` if it did not, or cannot know.
    pub killed: Option<u64>,
    /// The command did not end within the grace, and so was sent SIGKILL.
    pub grace_over: bool,
    /// Processes that the command left behind did not end within the linger time, and were killed.
    pub linger_over: bool,
    /// The kernel's OOM killer killed the command, and why.
    pub oom: Option<Shortage>,
    /// How many processes of the cgroup the OOM killer has killed.
    pub oom_kills: u64,
    /// What the control group has used, if somebody reads that.
    pub group: Totals,
    /// For how many microseconds a limit on CPU time held the group up while the command was to stop.
    pub throttled: u64,
    /// The resource limit that the command has hit.
    pub limit: Option<Resource>,
    /// A resource limit without which it might not have died at once.
    pub suspect: Option<Resource>,
    /// The command died of a signal that nobody sent through sexton.
    pub unexpected: bool,
    /// How long before that sexton had last sent the same signal, if ever.
    pub sent_before: Option<Duration>,
    /// Processes were left that could not be killed.
    pub survivors: bool,
    /// The time of the stop in which sexton could not run. No phase includes it.
    pub frozen: Duration,
    /// The processes that had not ended when a stop was slow, or before SIGKILL.
    pub not_stopped: Reserved<NotStopped>,
    pub(super) times: Times,
}

/// How long each phase took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) stage: Stage,
    since: Time,
    took: [Duration; Stage::ALL.len()],
}

/// Who asked for the stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// The signal, with its sender.
    pub signal: Received,
    /// The sender's name.
    pub name: Name,
    /// When it came.
    pub at: Time,
}

impl Record {
    /// A record of the command alone.
    #[must_use]
    pub fn of(plan: &Plan) -> Record {
        let command = plan.argv.first().map(|command| command.to_string_lossy().into_owned());
        Record { command: command.unwrap_or_default(), ..Record::default() }
    }

    /// Records the phase that sexton is in now; the phase before it, if it is a new one.
    pub fn enter(&mut self, stage: Stage, now: Time) -> Option<Stage> {
        let times = &mut self.times;
        if stage == times.stage {
            return None;
        }
        times.close(now);
        Some(std::mem::replace(&mut times.stage, stage))
    }

    /// Whether there is something that a reader of the report should know and cannot see elsewhere.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.unexpected
            || self.grace_over
            || self.linger_over
            || self.oom_kills > 0
            || self.limit.is_some()
            || self.survivors
    }

    /// The report, at the end.
    #[must_use]
    pub fn close(self, now: Time, ending: impl Into<Ending>) -> Report {
        Report::of(Box::new(self), now, ending.into())
    }
}

impl Times {
    /// The phases that took any time.
    pub(super) fn each(&self) -> impl Iterator<Item = (Stage, Duration)> {
        let took = |took: &Duration| !took.is_zero();
        Stage::ALL.into_iter().zip(self.took).filter(move |(_, duration)| took(duration))
    }

    /// How long this phase has taken, as far as it is over.
    pub(super) fn of(&self, stage: Stage) -> Duration {
        self.took.get(stage as usize).copied().unwrap_or_default()
    }

    fn close(&mut self, now: Time) {
        if let Some(took) = self.took.get_mut(self.stage as usize) {
            *took = took.saturating_add(now.saturating_sub(self.since));
        }
        self.since = now;
    }
}

/// Displays as one line (`text`), or becomes a JSON object (`json`).
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) record: Box<Record>,
    /// From the start to the end, frozen time included.
    pub(super) wall: Duration,
    pub(super) ending: Ending,
}

impl Report {
    /// The report of what was recorded until now, the end.
    #[must_use]
    pub(super) fn of(mut record: Box<Record>, now: Time, ending: Ending) -> Report {
        record.times.close(now);
        let wall = now.saturating_add(record.frozen);
        Report { record, wall, ending }
    }

    /// See [`Record::is_warning`].
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.record.is_warning()
    }

    /// How sexton is to end.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Why the command ended, in a word.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        let record = &self.record;
        match record.outcome {
            _ if record.failure.is_some() => "not-started",
            _ if record.oom.is_some() => "oom",
            _ if record.limit.is_some() => "limit",
            _ if record.grace_over => "grace",
            Some(Outcome::Killed { .. }) if record.unexpected => "signal",
            _ if record.overran => "timeout",
            _ if record.stop.is_some() => "stop",
            Some(Outcome::Killed { .. }) => "signal",
            _ => "exit",
        }
    }
}
