//! Deaths by the kernel's OOM killer, of which a count is all that the kernel reports.

#![forbid(unsafe_code)]

use crate::kernel::cgroup::{OomCounter, OomEvents};
use crate::values::outcome::Shortage;

/// Watches for processes that the kernel kills when memory runs out.
pub struct OomWatch {
    counter: Option<OomCounter>,
    /// The counts at the start.
    first: OomEvents,
    /// The counts that have been reported.
    reported: OomEvents,
}

impl OomWatch {
    /// Takes the counts; `pid` is sexton's own. To be done before the command is started: it may hit the limit at once.
    #[must_use]
    pub fn start(pid: i32) -> OomWatch {
        let (counter, first) = OomCounter::find(pid).unzip();
        let first = first.unwrap_or_default();
        OomWatch { counter, first, reported: first }
    }

    /// Whether the kernel has killed a process that was not reported yet, and why. One death is one count: if more
    /// have died, the others are still to be reaped.
    pub(super) fn has_struck(&mut self) -> Option<Shortage> {
        let now = self.counts()?;
        // A limit that was hit stands for one kill at most.
        let rose =
            now.limit_hits.zip(self.reported.limit_hits).map(|(now, reported)| now > reported);
        if rose == Some(true) {
            self.reported.limit_hits = self.reported.limit_hits.map(|hits| hits.saturating_add(1));
        }
        self.reported.kills = self.reported.kills.saturating_add(1);
        self.counter.as_ref().map(|counter| counter.shortage(rose))
    }

    pub(super) fn total(&mut self) -> u64 {
        self.reported.kills = self.counts().unwrap_or(self.reported).kills;
        self.reported.kills.saturating_sub(self.first.kills)
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
