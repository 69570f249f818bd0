//! Scheduling: niceness, CPUs, scheduling policy and I/O scheduling class; and `oom_score_adj`.

#![forbid(unsafe_code)]

use crate::text::escape::Shortened;
use crate::values::decimal::decimal;
use crate::values::error::Reason;
use std::fmt;
use std::ops::RangeInclusive;

/// Reads a whole number of a range.
///
/// # Errors
/// Anything else; the reason has the range.
pub fn integer(text: &str, range: RangeInclusive<i32>) -> Result<i32, Reason> {
    let number = match text.strip_prefix('-') {
        Some(digits) => decimal(digits.as_bytes()).map(|number: i32| -number),
        None => decimal(text.as_bytes()),
    };
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        format!("expected a whole number from {} to {}", range.start(), range.end()).into()
    })
}

/// The range of the niceness (setpriority(2)).
pub const NICENESS: RangeInclusive<i32> = -20..=19;

/// The range of `oom_score_adj` (proc(5)), in thousandths of the memory that the process is allowed.
pub const OOM_SCORE_ADJ: RangeInclusive<i32> = -1000..=1000;

/// A set of CPUs. Their numbers, 0 to 1023, are those of sched_setaffinity(2) and `taskset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cpus([u64; Cpus::WORDS]);

impl Cpus {
    const WORDS: usize = 16;
    /// The number of CPUs that a set can have, which is that of the C libraries' `cpu_set_t`.
    pub const COUNT: usize = Cpus::WORDS * 64;

    /// Reads `0-3,6`, or `0-15:2` for every second CPU of a range.
    ///
    /// # Errors
    /// Anything else, and a CPU above 1023.
    pub fn parse(text: &str) -> Result<Cpus, Reason> {
        let mut cpus = Cpus::default();
        for part in text.split(',') {
            for cpu in range(part).ok_or_else(|| {
                format!(
                    "expected CPUs from 0 to {} such as 0-3,6 or 0-6:2, not '{}'",
                    Cpus::COUNT - 1,
                    Shortened(part)
                )
            })? {
                if let Some(word) = cpus.0.get_mut(cpu / 64) {
                    *word |= 1 << (cpu % 64);
                }
            }
        }
        Ok(cpus)
    }

    /// The numbers of the CPUs.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..Cpus::COUNT)
            .filter(|cpu| self.0.get(cpu / 64).is_some_and(|word| word >> (cpu % 64) & 1 == 1))
    }
}

/// Reads `3`, `0-3` or `0-6:2`.
fn range(part: &str) -> Option<impl Iterator<Item = usize>> {
    let number = |text: &str| decimal::<usize>(text.as_bytes());
    let (range, step) = match part.split_once(':') {
        Some((range, step)) if range.contains('-') => (range, number(step)?),
        Some(_) => return None,
        None => (part, 1),
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last && last < Cpus::COUNT && step > 0).then(|| (first..=last).step_by(step))
}

/// Displays as `0-3,6`, like /proc.
impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.numbers();
        let mut separator = "";
        let mut next = numbers.next();
        while let Some(first) = next {
            let mut last = first;
            next = numbers.next();
            while next == Some(last + 1) {
                last += 1;
                next = numbers.next();
            }
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

/// A scheduling policy (sched(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheduler {
    /// SCHED_OTHER, the default.
    Other,
    /// SCHED_BATCH, for long computations.
    Batch,
    /// SCHED_IDLE: runs only when no other process wants to.
    Idle,
    /// SCHED_FIFO with a priority of 1 to 99: runs until it blocks.
    Fifo(i32),
    /// SCHED_RR with a priority of 1 to 99: takes turns with others of the same priority.
    RoundRobin(i32),
}

impl Scheduler {
    /// Reads `other`, `batch`, `idle`, `fifo:PRIORITY` or `rr:PRIORITY`.
    ///
    /// # Errors
    /// Anything else, and a missing priority or one out of range.
    pub fn parse(text: &str) -> Result<Scheduler, Reason> {
        let (policy, priority) = match text.split_once(':') {
            Some((policy, priority)) => (policy, Some(priority)),
            None => (text, None),
        };
        match (policy, priority) {
            ("other", None) => Ok(Scheduler::Other),
            ("batch", None) => Ok(Scheduler::Batch),
            ("idle", None) => Ok(Scheduler::Idle),
            ("fifo", Some(priority)) => realtime(priority).map(Scheduler::Fifo),
            ("rr", Some(priority)) => realtime(priority).map(Scheduler::RoundRobin),
            _ => Err("expected other, batch, idle, fifo:PRIORITY or rr:PRIORITY".into()),
        }
    }
}

fn realtime(priority: &str) -> Result<i32, Reason> {
    level("priority", priority, 1..=99)
}

fn level(what: &str, text: &str, range: RangeInclusive<i32>) -> Result<i32, Reason> {
    integer(text, range).map_err(|reason| format!("{what} '{}': {reason}", Shortened(text)).into())
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scheduler::Other => f.write_str("other"),
            Scheduler::Batch => f.write_str("batch"),
            Scheduler::Idle => f.write_str("idle"),
            Scheduler::Fifo(priority) => write!(f, "fifo:{priority}"),
            Scheduler::RoundRobin(priority) => write!(f, "rr:{priority}"),
        }
    }
}

/// An I/O scheduling class (ioprio_set(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IoPriority {
    /// Before all others, at a level of 0 (the highest) to 7.
    Realtime(i32),
    /// The default class, at a level of 0 (the highest) to 7.
    BestEffort(i32),
    /// When no other process uses the disk.
    Idle,
}

/// The default level, which is that of `ionice` too.
const DEFAULT_LEVEL: i32 = 4;

impl IoPriority {
    /// Reads `realtime[:LEVEL]`, `best-effort[:LEVEL]` or `idle`.
    ///
    /// # Errors
    /// Anything else, and a level out of range.
    pub fn parse(text: &str) -> Result<IoPriority, Reason> {
        let (class, level) = match text.split_once(':') {
            Some((class, level)) => (class, Some(level)),
            None => (text, None),
        };
        let level_or_default =
            || level.map_or(Ok(DEFAULT_LEVEL), |text| self::level("level", text, 0..=7));
        match (class, level) {
            ("realtime", _) => Ok(IoPriority::Realtime(level_or_default()?)),
            ("best-effort", _) => Ok(IoPriority::BestEffort(level_or_default()?)),
            ("idle", None) => Ok(IoPriority::Idle),
            _ => Err("expected realtime[:LEVEL], best-effort[:LEVEL] or idle".into()),
        }
    }
}

impl fmt::Display for IoPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IoPriority::Realtime(level) => write!(f, "realtime:{level}"),
            IoPriority::BestEffort(level) => write!(f, "best-effort:{level}"),
            IoPriority::Idle => f.write_str("idle"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_range_are_read() {
        assert_eq!(integer("-20", NICENESS), Ok(-20));
        assert_eq!(integer("19", NICENESS), Ok(19));
        assert_eq!(integer("0", OOM_SCORE_ADJ), Ok(0));
        for text in ["-21", "20", "", "-", "+5", "1.5", "5 ", "ten", "--5", "99999999999"] {
            let reason = integer(text, NICENESS).unwrap_err();
            assert!(reason.contains("-20 to 19"), "{text:?}: {reason}");
        }
    }

    #[test]
    fn cpus_are_read_and_shown_as_ranges() {
        for (text, shown) in [
            ("0", "0"),
            ("0-3,6", "0-3,6"),
            ("6,0,1,3,2", "0-3,6"),
            ("0-6:2", "0,2,4,6"),
            ("0-7:3,1", "0-1,3,6"),
            ("63-64,1023", "63-64,1023"),
            ("5-5", "5"),
        ] {
            assert_eq!(Cpus::parse(text).unwrap().to_string(), shown);
        }
        assert_eq!(Cpus::parse("2,70").unwrap().numbers().collect::<Vec<_>>(), [2, 70]);
    }

    #[test]
    fn malformed_lists_of_cpus_are_refused_and_echoed() {
        for (text, part) in [
            ("", "''"),
            ("0,", "''"),
            ("3-1", "'3-1'"),
            ("1024", "'1024'"),
            ("0-1024", "'0-1024'"),
            ("0-3:0", "'0-3:0'"),
            ("3:2", "'3:2'"),
            ("0,a", "'a'"),
            ("-1", "'-1'"),
            ("+1", "'+1'"),
            ("1-", "'1-'"),
        ] {
            let reason = Cpus::parse(text).unwrap_err();
            assert!(reason.contains(part) && reason.contains("1023"), "{text:?}: {reason}");
        }
    }

    #[test]
    fn policies_and_classes_are_read_and_shown_alike() {
        for text in ["other", "batch", "idle", "fifo:1", "rr:99"] {
            assert_eq!(Scheduler::parse(text).unwrap().to_string(), text);
        }
        for text in ["realtime:0", "best-effort:7", "idle"] {
            assert_eq!(IoPriority::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(IoPriority::parse("realtime"), Ok(IoPriority::Realtime(4)));
        assert_eq!(IoPriority::parse("best-effort"), Ok(IoPriority::BestEffort(4)));
    }

    #[test]
    fn levels_and_priorities_out_of_range_are_refused() {
        for (text, part) in [
            ("fifo:0", "1 to 99"),
            ("rr:100", "'100'"),
            ("fifo", "PRIORITY"),
            ("other:1", "other"),
            ("deadline", "expected"),
            ("", "expected"),
        ] {
            let reason = Scheduler::parse(text).unwrap_err();
            assert!(reason.contains(part), "{text:?}: {reason}");
        }
        for (text, part) in
            [("realtime:8", "0 to 7"), ("idle:1", "LEVEL"), ("none", "expected"), ("", "expected")]
        {
            let reason = IoPriority::parse(text).unwrap_err();
            assert!(reason.contains(part), "{text:?}: {reason}");
        }
    }
}
