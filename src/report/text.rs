//! The report as the text of a log line, and parts of it that other lines have in common.

#![forbid(unsafe_code)]

use super::not_stopped::{Explained, NotStopped};
use super::numbers::{Counted, Seconds, Spoken};
use super::record::{Report, Stop};
use crate::kernel::processes::Name;
use crate::supervisor::Stage;
use crate::values::outcome::{Outcome, Shortage, Usage};
use crate::values::signal::Origin;
use std::fmt;
use std::time::Duration;

/// The report as the text of a log line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        match (&record.failure, record.outcome) {
            (Some(failure), _) => return f.write_str(failure),
            (None, Some(outcome)) => write!(f, "command {outcome}")?,
            (None, None) => f.write_str("command could not be killed")?,
        }
        if let Some(shortage) = record.oom {
            write!(f, ": kernel OOM killer{shortage}")?;
        } else if record.grace_over && record.outcome.is_some() {
            f.write_str(": it did not end within the grace period")?;
        }
        if let Some(limit) = record.limit {
            write!(f, ": it hit {}", limit.constant())?;
        }
        if let Some(limit) = record.suspect {
            write!(f, ": perhaps {} is too small to start", limit.constant())?;
        }
        write!(f, "; ran for {}", Spoken(self.wall))?;
        if let Some(at) = record.timed_out {
            write!(f, "; timeout after {}", Spoken(at))?;
        }
        if let Some(Stop { signal, name, at }) = record.stop {
            let sender = Sender(signal.origin, name);
            write!(f, "; {} after {} from {sender}", signal.signal, Spoken(at))?;
        }
        if let (Some(Outcome::Killed { signal, .. }), Some(before)) =
            (record.outcome, record.sent_before)
        {
            write!(f, "; sexton last sent {signal} {} earlier", Spoken(before))?;
        }
        let mut before = "; phases: ";
        for (stage, took) in record.times.each() {
            if stage != Stage::Run && took >= Duration::from_millis(1) {
                write!(f, "{before}{} {}", stage.name(), Spoken(took))?;
                before = ", ";
            }
        }
        let stop = record.times.of(Stage::Stop);
        let throttled = Duration::from_micros(record.throttled);
        if !throttled.is_zero() && throttled.saturating_mul(10) >= stop {
            let throttled = Seconds(throttled);
            write!(
                f,
                "; throttled for {throttled} s (sum of all CPUs) in a stop of {}",
                Spoken(stop)
            )?;
        }
        if !record.frozen.is_zero() {
            write!(f, "; frozen for {}", Spoken(record.frozen))?;
        }
        match record.killed {
            Some(killed) => write!(f, "; {} killed", Counted(killed, "process", "processes"))?,
            None if record.linger_over => f.write_str("; remaining processes killed")?,
            None => {}
        }
        if let Some(NotStopped { search, found }) = record.not_stopped.get()
            && search.before_kill
            && let Some(process) = found.named().next()
        {
            write!(f, "; {}", Explained(process, search.signal))?;
            match found.named().count() as u64 - 1 + found.more {
                0 => {}
                more => write!(f, ", and {}", Counted(more, "other", "others"))?,
            }
        }
        if record.survivors {
            f.write_str("; some processes could not be killed")?;
        }
        if record.oom_kills > u64::from(record.oom.is_some()) {
            write!(f, "; {} in the container", Counted(record.oom_kills, "OOM kill", "OOM kills"))?;
        }
        let failed = !matches!(record.outcome, Some(Outcome::Exited(0))) && record.stop.is_none();
        let hits = record.group.refused;
        if failed && hits > 0 {
            write!(f, "; {} refused by the pids limit", Counted(hits, "fork", "forks"))?;
        }
        if record.orphans > 0 {
            write!(f, "; {} reaped", Counted(record.orphans, "orphan", "orphans"))?;
        }
        if record.oom == Some(Shortage::Own) && record.group.limit > 0 {
            write!(f, "; memory limit {} KiB", record.group.limit / 1024)?;
        }
        let Usage { user, system, peak } = record.usage;
        write!(f, "; CPU {} user, {} system", Spoken(user), Spoken(system))?;
        write!(f, "; peak memory {} KiB; exit status {}", peak / 1024, self.ending.status)
    }
}

/// Who sent a signal.
pub struct Sender(pub Origin, pub Name);

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            origin if origin.is_kernel() => f.write_str("the kernel"),
            Origin { pid: 0, uid, .. } => write!(f, "outside of the PID namespace, uid {uid}"),
            Origin { pid, uid, .. } => write!(f, "pid {pid}{}, uid {uid}", self.1),
        }
    }
}
