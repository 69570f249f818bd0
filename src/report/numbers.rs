//! Numbers and times, as the texts of a report have them.

#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

/// A number with its noun.
pub(super) struct Counted(pub u64, pub &'static str, pub &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { self.1 } else { self.2 })
    }
}

/// `1.234 s`
pub(super) struct Spoken(pub Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", Seconds(self.0))
    }
}

/// Seconds with three digits behind the point.
pub(super) struct Seconds(pub Duration);

impl Seconds {
    pub(super) fn of_micros(micros: u64) -> Seconds {
        Seconds(Duration::from_micros(micros))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}
