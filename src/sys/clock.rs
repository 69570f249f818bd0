//! Time: one clock that only goes forward, for what sexton decides; and the time of day, for what it logs.

use nix::libc;
use std::ffi::c_int;
use std::fmt;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A monotonic clock that starts at zero, and can leave out a time in which nothing could run.
#[derive(Clone, Copy)]
pub struct Clock {
    /// In nanoseconds of the kernel's clock: the start of this one, moved on by what was left out.
    zero: u64,
    left_out: Duration,
}

impl Clock {
    /// Starts it.
    #[must_use]
    pub fn start() -> Clock {
        Clock { zero: read(libc::CLOCK_MONOTONIC), left_out: Duration::ZERO }
    }

    /// How long it has been running, without the time that was left out.
    #[must_use]
    pub fn now(self) -> Duration {
        Duration::from_nanos(read(libc::CLOCK_MONOTONIC).saturating_sub(self.zero))
    }

    /// From now on this clock shows `time` less.
    pub fn leave_out(&mut self, time: Duration) {
        self.zero = self.zero.saturating_add(time.as_nanos() as u64);
        self.left_out = self.left_out.saturating_add(time);
    }

    /// How much time was left out so far.
    #[must_use]
    pub fn left_out(self) -> Duration {
        self.left_out
    }
}

/// How long ago this machine, or the time namespace, was booted, time in suspension included: what start times in
/// /proc are counted from.
#[must_use]
pub fn since_boot() -> Duration {
    Duration::from_nanos(read(libc::CLOCK_BOOTTIME))
}

/// In nanoseconds, of which there is room for 584 years.
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    gettime(clock, time.as_mut_ptr());
    // SAFETY: zeroed memory is a valid timespec, whether it was written or not.
    let time = unsafe { time.assume_init() };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// clock_gettime(2).
type Gettime = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int;

/// Reads a clock; nothing, if neither the vDSO nor a seccomp filter allows it. A use of the vDSO (vdso(7)) takes a
/// tenth of a call, but the first one as much as twenty, because its pages are touched then. So the first readings, of
/// which a short run has no more, are calls.
fn gettime(clock: libc::clockid_t, time: *mut libc::timespec) {
    const BY_CALL: u32 = 16;
    static READINGS: AtomicU32 = AtomicU32::new(0);
    let readings = READINGS.load(Ordering::Relaxed);
    if readings < BY_CALL {
        READINGS.store(readings + 1, Ordering::Relaxed);
        // SAFETY: writes one live structure.
        if unsafe { by_call(clock, time) } == 0 {
            return;
        }
    }
    let gettime = by_vdso();
    // SAFETY: writes one live structure.
    if unsafe { gettime(clock, time) } != 0 {
        // SAFETY: as above.
        unsafe { by_call(clock, time) };
    }
}

unsafe extern "C" fn by_call(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    if cfg!(target_pointer_width = "64") {
        // SAFETY: writes one live structure, which has the kernel's layout on 64-bit machines.
        unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as c_int }
    } else {
        // SAFETY: writes one live structure.
        unsafe { libc::clock_gettime(clock, time) }
    }
}

/// The vDSO's function, which is looked up once. musl's own clock_gettime has the address in data that the file would
/// have to hold.
#[cfg(all(target_env = "musl", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn by_vdso() -> Gettime {
    use std::ffi::{CStr, c_char, c_void};
    use std::ptr;
    use std::sync::atomic::AtomicPtr;
    const NAMES: [&CStr; 2] = if cfg!(target_arch = "x86_64") {
        [c"LINUX_2.6", c"__vdso_clock_gettime"]
    } else {
        [c"LINUX_2.6.39", c"__kernel_clock_gettime"]
    };
    static FOUND: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    unsafe extern "C" {
        /// How the C library looks a function up. Null if there is none.
        fn __vdsosym(version: *const c_char, name: *const c_char) -> *mut c_void;
    }
    let mut found = FOUND.load(Ordering::Relaxed);
    if found.is_null() {
        let [version, name] = NAMES.map(CStr::as_ptr);
        // SAFETY: two strings.
        found = unsafe { __vdsosym(version, name) };
        if found.is_null() {
            found = by_call as *mut c_void;
        }
        FOUND.store(found, Ordering::Relaxed);
    }
    // SAFETY: the address of a function of this type.
    unsafe { std::mem::transmute::<*mut c_void, Gettime>(found) }
}

/// By the C library.
#[cfg(not(all(target_env = "musl", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn by_vdso() -> Gettime {
    libc::clock_gettime
}

/// Displays as the time of day: `2026-11-21T14:03:55.123Z` (RFC 3339, UTC).
#[derive(Clone, Copy)]
pub struct Now;

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_time(Duration::from_nanos(read(libc::CLOCK_REALTIME)), f)
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
