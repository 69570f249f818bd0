//! Deaths by the kernel's OOM killer, of which a count is all that the kernel reports.

#![forbid(unsafe_code)]

use crate::kernel::cgroup::{OomCounter, OomEvents, Totals};
use crate::kernel::{processes, procfs};
use crate::values::outcome::Shortage;
use crate::values::signal::Signal;

/// Watches for processes that the kernel kills when memory runs out.
///
/// The first count is taken when the command has begun to run, because it would have to wait for it, and it may have
/// hit the limit by then. If the group has never had a kill, that makes no difference. Otherwise a kill before the
/// first count is seen only if it was the command's, and if the command had most of the group's memory. A command that
/// lives when sexton has counted was not killed before, so a kill that follows must be counted again.
pub struct OomWatch {
    /// sexton's own process ID.
    pid: i32,
    /// The command's.
    command: i32,
    /// The first count is still to be taken.
    is_due: bool,
    /// The first count is not zero, and may have a kill of the command in it.
    is_late: bool,
    counter: Option<OomCounter>,
    /// The counts at the start.
    first: OomEvents,
    /// The counts that have been reported.
    reported: OomEvents,
}

impl OomWatch {
    /// Nothing is counted yet; `pid` is sexton's own.
    #[must_use]
    pub fn new(pid: i32, command: i32) -> OomWatch {
        let none = OomEvents::default();
        OomWatch {
            pid,
            command,
            is_due: true,
            is_late: false,
            counter: None,
            first: none,
            reported: none,
        }
    }

    /// Takes the first count, unless that was done; `was_killed` says that the command has died of a SIGKILL.
    pub(super) fn begin(&mut self, was_killed: bool) {
        if std::mem::take(&mut self.is_due) {
            let (counter, first) = OomCounter::find(self.pid).unzip();
            self.counter = counter;
            self.first = first.unwrap_or_default();
            self.reported = self.first;
            self.is_late = self.first.kills > 0 && (was_killed || is_killed(self.command));
        }
    }

    /// Makes the last kill before the first count one that came after it.
    fn count_back(&mut self) {
        let OomEvents { kills, limit_hits } = self.first;
        self.first = OomEvents {
            kills: kills.saturating_sub(1),
            limit_hits: limit_hits.map(|hits| hits.saturating_sub(1)),
        };
        self.reported = self.first;
        self.is_late = false;
    }

    /// Whether the kernel has killed a process that was not reported yet, and why. One death is one count: if more
    /// have died, the others are still to be reaped. `peak` is the most memory that the process has had, if it is the
    /// command.
    pub(super) fn has_struck(&mut self, peak: Option<u64>) -> Option<Shortage> {
        self.begin(peak.is_some());
        if self.is_late
            && self.reported.kills == self.first.kills
            && let (Some(peak), Some(counter)) = (peak, &self.counter)
            && counter.read().is_some_and(|now| now.kills == self.first.kills)
            && counter.is_filled_by(peak)
        {
            self.count_back();
        }
        let now = self.counts()?;
        // A limit that was hit stands for one kill at most, or for that of the whole group.
        let rose =
            now.limit_hits.zip(self.reported.limit_hits).map(|(now, reported)| now > reported);
        if rose == Some(true) && !self.counter.as_ref().is_some_and(OomCounter::kills_all) {
            self.reported.limit_hits = self.reported.limit_hits.map(|hits| hits.saturating_add(1));
        }
        self.reported.kills = self.reported.kills.saturating_add(1);
        self.counter.as_ref().map(|counter| counter.shortage(rose))
    }

    pub(super) fn total(&mut self) -> u64 {
        self.reported.kills = self.counts().unwrap_or(self.reported).kills;
        self.reported.kills.saturating_sub(self.first.kills)
    }

    /// See [`OomCounter::throttled`].
    pub(super) fn throttled(&self) -> u64 {
        self.counter.as_ref().map_or(0, OomCounter::throttled)
    }

    /// See [`OomCounter::totals`].
    pub(super) fn totals(&mut self) -> Totals {
        self.begin(false); // nothing else is asked afterwards
        self.counter.as_ref().map(OomCounter::totals).unwrap_or_default()
    }

    /// The counts, if there have been more kills than were reported, in a group that is sexton's own. That takes some
    /// calls, and is not looked at before something is to be said.
    fn counts(&mut self) -> Option<OomEvents> {
        let counter = self.counter.as_ref()?;
        let now = counter.read().filter(|now| now.kills > self.reported.kills)?;
        if counter.is_own() {
            return Some(now);
        }
        self.counter = None;
        None
    }
}

/// Whether a process is seen to be killed: SIGKILL is pending from when it was sent until the process is reaped. Never
/// inlined: a group without kills needs no room for this.
#[inline(never)]
fn is_killed(pid: i32) -> bool {
    let has_sigkill = |status: procfs::Status| status.pending.contains(Signal::KILL);
    processes::is_own() && processes::status(pid).is_some_and(has_sigkill)
}
