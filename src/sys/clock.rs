//! Time: one clock that only goes forward, for what sexton decides; and the time of day, for what it tells.

use nix::libc;
use std::fmt;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A monotonic clock that starts at zero.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts it.
    #[must_use]
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    /// How long it has been running.
    #[must_use]
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long ago this machine, or the time namespace, was booted, time in suspension included: what start times in
/// /proc are counted from.
#[must_use]
pub fn since_boot() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .map_or(Duration::ZERO, Duration::from)
}

/// Displays as the time of day: `2026-11-21T14:03:55.123Z` (RFC 3339, UTC).
#[derive(Clone, Copy)]
pub struct Now;

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        write_time(since, f)
    }
}

fn write_time(since_epoch: Duration, f: &mut impl fmt::Write) -> fmt::Result {
    let seconds = since_epoch.as_secs() as _; // time_t, whose size differs
    let mut time = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: reads one live integer and writes one live structure; UTC needs no time zone.
    unsafe { libc::gmtime_r(&raw const seconds, time.as_mut_ptr()) };
    // SAFETY: zeroed memory is a valid tm, whether it was written or not.
    let time = unsafe { time.assume_init() };
    write!(
        f,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.tm_year + 1900,
        time.tm_mon + 1,
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec,
        since_epoch.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc() {
        let shown = |seconds: u64, milliseconds: u64| {
            let mut text = String::new();
            write_time(Duration::from_millis(seconds * 1000 + milliseconds), &mut text).unwrap();
            text
        };
        assert_eq!(shown(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(shown(951_782_399, 7), "2000-02-28T23:59:59.007Z");
        assert_eq!(shown(951_782_400, 0), "2000-02-29T00:00:00.000Z");
        assert_eq!(shown(4_102_444_799, 999), "2099-12-31T23:59:59.999Z");
    }
}
