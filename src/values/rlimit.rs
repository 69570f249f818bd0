//! Resource limits (setrlimit(2)): `NAME=SOFT[:HARD]`.

#![forbid(unsafe_code)]

use crate::text::escape::Shortened;
use crate::values::decimal::decimal;
use crate::values::duration;
use crate::values::error::Reason;
use crate::values::names::Names;
use std::fmt::{self, Write};

/// The sixteen limits of Linux, in the order of the kernel's numbers.
#[expect(missing_docs, reason = "each is RLIMIT_ plus its name, described in setrlimit(2)")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    Cpu,
    Fsize,
    Data,
    Stack,
    Core,
    Rss,
    Nproc,
    Nofile,
    Memlock,
    As,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Rttime,
}

/// The names of the limits.
const NAMES: Names = Names(
    "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime",
);

/// What a limit counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Seconds,
    Microseconds,
    Count,
    /// A number that is not larger than this.
    UpTo(u64),
}

impl Resource {
    /// All limits, in the order of the kernel's numbers.
    pub const ALL: [Resource; 16] = [
        Resource::Cpu,
        Resource::Fsize,
        Resource::Data,
        Resource::Stack,
        Resource::Core,
        Resource::Rss,
        Resource::Nproc,
        Resource::Nofile,
        Resource::Memlock,
        Resource::As,
        Resource::Locks,
        Resource::Sigpending,
        Resource::Msgqueue,
        Resource::Nice,
        Resource::Rtprio,
        Resource::Rttime,
    ];

    const fn unit(self) -> Unit {
        match self {
            Resource::Cpu => Unit::Seconds,
            Resource::Rttime => Unit::Microseconds,
            Resource::Nproc | Resource::Nofile | Resource::Locks | Resource::Sigpending => {
                Unit::Count
            }
            Resource::Nice => Unit::UpTo(40), // 20 - nice value: getrlimit(2)
            Resource::Rtprio => Unit::UpTo(99), // sched(7)
            Resource::Fsize
            | Resource::Data
            | Resource::Stack
            | Resource::Core
            | Resource::Rss
            | Resource::Memlock
            | Resource::As
            | Resource::Msgqueue => Unit::Bytes,
        }
    }

    /// The lower-case name without `RLIMIT_`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(self as usize).unwrap_or_default()
    }

    /// Displays as `RLIMIT_NOFILE`.
    pub fn constant(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            f.write_str("RLIMIT_")?;
            self.name().chars().try_for_each(|c| f.write_char(c.to_ascii_uppercase()))
        })
    }
}

/// A soft and a hard limit in the kernel's units. [`UNLIMITED`] is `RLIM_INFINITY`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The limit that is enforced.
    pub soft: u64,
    /// The limit up to which the soft limit can be raised without privilege.
    pub hard: u64,
}

/// The value for "no limit".
pub const UNLIMITED: u64 = u64::MAX;

/// Displays as `1024:unlimited`, which can be read again.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Side(self.soft), Side(self.hard))
    }
}

/// Displays one side of a limit, which can be read again.
struct Side(u64);

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            UNLIMITED => f.write_str("unlimited"),
            number => write!(f, "{number}"),
        }
    }
}

/// One side of a limit, as the user asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value {
    Number(u64),
    /// The hard limit with which sexton was started.
    Max,
}

/// One `--rlimit`: the limits that are wanted for one resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// The resource.
    pub resource: Resource,
    soft: Value,
    hard: Value,
}

impl Spec {
    /// These limits for a resource.
    ///
    /// # Errors
    /// A soft limit above the hard limit.
    pub fn new(resource: Resource, limits: Limits) -> Result<Spec, Reason> {
        Spec { resource, soft: Value::Number(limits.soft), hard: Value::Number(limits.hard) }
            .checked()
    }

    fn checked(self) -> Result<Spec, Reason> {
        match (self.soft, self.hard) {
            (Value::Number(soft), Value::Number(hard)) if soft > hard => {
                Err("the soft limit is above the hard limit".into())
            }
            _ => Ok(self),
        }
    }

    /// Reads `nofile=1024:max`, `core=0`, `as=2G`, `cpu=30s`, `stack=unlimited`.
    ///
    /// A single value sets both limits, like in `ulimit`, `prlimit` and `docker run --ulimit`. Bare numbers are in the
    /// kernel's unit: bytes, seconds (cpu), microseconds (rttime), or a count.
    ///
    /// # Errors
    /// An unknown name, a value of another unit or out of range, and a soft limit above the hard limit.
    pub fn parse(text: &str) -> Result<Spec, Reason> {
        let (name, values) = text
            .split_once('=')
            .ok_or("expected NAME=SOFT or NAME=SOFT:HARD, such as nofile=1024:4096")?;
        let resource = NAMES.find(name).and_then(|place| Resource::ALL.get(place).copied());
        let resource = resource
            .ok_or_else(|| format!("unknown limit '{}', known are {}", Shortened(name), NAMES.0))?;
        let (soft, hard) = match values.split_once(':') {
            Some((soft, hard)) => (value(resource, soft)?, value(resource, hard)?),
            None => {
                let both = value(resource, values)?;
                (both, both)
            }
        };
        Spec { resource, soft, hard }.checked()
    }

    /// The limits to set, given the current ones.
    ///
    /// # Errors
    /// A soft limit above the hard limit, if one of them is `max`: otherwise that was an error before.
    pub fn resolve(self, current: Limits) -> Result<Limits, Reason> {
        let number = |value| match value {
            Value::Number(number) => number,
            Value::Max => current.hard,
        };
        let limits = Limits { soft: number(self.soft), hard: number(self.hard) };
        let Limits { soft, hard } = limits;
        if soft <= hard {
            return Ok(limits);
        }
        let (soft, hard) = (Side(soft), Side(hard));
        Err(match self.soft {
            Value::Number(_) => {
                format!("the soft limit {soft} is above the current hard limit {hard}").into()
            }
            Value::Max => format!(
                "the soft limit max, the current hard limit {soft}, is above the hard limit {hard}"
            )
            .into(),
        })
    }
}

fn value(resource: Resource, text: &str) -> Result<Value, Reason> {
    let (name, unit) = (resource.name(), resource.unit());
    let parsed = match text {
        "unlimited" | "infinity" => return Ok(Value::Number(UNLIMITED)),
        "max" => return Ok(Value::Max),
        _ => match unit {
            Unit::Bytes => bytes(text.as_bytes()),
            Unit::Seconds => time(text, 1_000_000_000),
            Unit::Microseconds => time(text, 1_000),
            Unit::Count | Unit::UpTo(_) => decimal(text.as_bytes()),
        },
    };
    let allowed = match unit {
        Unit::Bytes => "a size in bytes such as 65536, 64k, 1M or 2G",
        Unit::Seconds => "whole seconds such as 30, 30s or 2m",
        Unit::Microseconds => "a number of microseconds, or a time such as 500ms",
        Unit::Count | Unit::UpTo(_) => "a number",
    };
    match (parsed, unit) {
        (Some(number), Unit::UpTo(largest)) if number > largest => {
            Err(format!("{name} must be from 0 to {largest}, not {number}").into())
        }
        (Some(number), _) if number < UNLIMITED => Ok(Value::Number(number)),
        _ => {
            let text = Shortened(text);
            Err(format!("{name} must be {allowed}, 'max' or 'unlimited', not '{text}'").into())
        }
    }
}

fn bytes(text: &[u8]) -> Option<u64> {
    let (number, shift) = match text {
        [number @ .., b'k' | b'K'] => (number, 10),
        [number @ .., b'm' | b'M'] => (number, 20),
        [number @ .., b'g' | b'G'] => (number, 30),
        [number @ .., b't' | b'T'] => (number, 40),
        number => (number, 0),
    };
    decimal::<u64>(number)?.checked_mul(1 << shift)
}

/// A time as a number of units of that many nanoseconds. A bare number counts units.
fn time(text: &str, unit: u64) -> Option<u64> {
    if let Some(count) = decimal(text.as_bytes()) {
        return Some(count);
    }
    if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let nanoseconds = u64::try_from(duration::parse(text).ok()?.as_nanos()).ok()?;
    (nanoseconds % unit == 0).then(|| nanoseconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Limits = Limits { soft: 1024, hard: 4096 };

    fn resolved(text: &str) -> Limits {
        Spec::parse(text).unwrap().resolve(CURRENT).unwrap()
    }

    fn both(value: u64) -> Limits {
        Limits { soft: value, hard: value }
    }

    #[test]
    fn all_sixteen_limits_are_known_in_the_kernels_order() {
        for (index, resource) in Resource::ALL.into_iter().enumerate() {
            assert_eq!(resource as usize, index);
            assert_eq!(Spec::parse(&format!("{}=1", resource.name())).unwrap().resource, resource);
        }
    }

    #[test]
    fn one_value_sets_both_and_two_set_each() {
        assert_eq!(resolved("nofile=77"), both(77));
        assert_eq!(resolved("nofile=77:99"), Limits { soft: 77, hard: 99 });
    }

    #[test]
    fn max_is_the_current_hard_limit() {
        assert_eq!(resolved("nofile=max"), both(4096));
        assert_eq!(resolved("nofile=5:max"), Limits { soft: 5, hard: 4096 });
        for (text, reason) in [
            ("nofile=5000:max", "the soft limit 5000 is above the current hard limit 4096"),
            ("core=unlimited:max", "the soft limit unlimited is above the current hard limit 4096"),
            (
                "nofile=max:10",
                "the soft limit max, the current hard limit 4096, is above the hard limit 10",
            ),
        ] {
            assert_eq!(Spec::parse(text).unwrap().resolve(CURRENT), Err(reason.into()), "{text}");
        }
    }

    #[test]
    fn sizes_times_and_unlimited() {
        assert_eq!(resolved("as=64k"), both(65536));
        assert_eq!(resolved("as=1M:2G"), Limits { soft: 1 << 20, hard: 2 << 30 });
        assert_eq!(resolved("stack=1T"), both(1 << 40));
        assert_eq!(resolved("cpu=30s"), both(30));
        assert_eq!(resolved("cpu=2m:7200"), Limits { soft: 120, hard: 7200 });
        assert_eq!(resolved("rttime=500ms"), both(500_000));
        assert_eq!(resolved("rttime=9"), both(9));
        assert_eq!(resolved("core=unlimited"), both(UNLIMITED));
        assert_eq!(resolved("core=0:unlimited").to_string(), "0:unlimited");
    }

    #[test]
    fn malformed_limits_are_refused_and_echoed() {
        for (text, part) in [
            ("", "NAME=SOFT"),
            ("nofile", "NAME=SOFT"),
            ("nofiles=1", "'nofiles'"),
            ("=1", "''"),
            ("nofile=", "''"),
            ("nofile=-1", "'-1'"),
            ("nofile=1k", "'1k'"),
            ("as=1KiB", "'1KiB'"),
            ("as=k", "'k'"),
            ("cpu=1.5s", "'1.5s'"),
            ("cpu=1.5", "'1.5'"),
            ("cpu=10ms", "'10ms'"),
            ("nice=41", "0 to 40"),
            ("rtprio=100", "0 to 99"),
            ("nofile=2:1", "above"),
            ("nofile=unlimited:1", "above"),
            ("nofile=1:2:3", "'2:3'"),
            ("as=18446744073709551615", "'18446744073709551615'"),
            ("as=99999999T", "'99999999T'"),
        ] {
            let reason = Spec::parse(text).unwrap_err();
            assert!(reason.contains(part), "{text:?}: {reason}");
        }
    }

    #[test]
    fn every_spelling_of_a_unit_is_known() {
        for (text, bytes) in [
            ("1k", 1 << 10),
            ("1K", 1 << 10),
            ("1m", 1 << 20),
            ("1M", 1 << 20),
            ("1g", 1 << 30),
            ("1G", 1 << 30),
            ("1t", 1 << 40),
            ("1T", 1 << 40),
            ("infinity", UNLIMITED),
        ] {
            assert_eq!(resolved(&format!("as={text}")), both(bytes), "{text}");
        }
    }
}
