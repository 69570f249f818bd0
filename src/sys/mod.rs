//! The system calls: the only unsafe code, thin and typed, without any decision in it.
//!
//! `nix` is used wherever it fits. It does not fit for realtime signals, whose numbers it cannot
//! name: signal masks, waiting, and sending are raw calls here.

#![allow(unsafe_code, reason = "this is the one place for it; each block states why it is sound")]

pub mod clock;
pub mod credentials;
pub mod directory;
pub mod exec;
pub mod fds;
pub mod files;
pub mod heap;
pub mod itself;
#[cfg(feature = "landlock")]
pub mod landlock;
pub mod limits;
pub mod once;
pub mod open;
pub mod output;
pub mod process;
pub mod scheduling;
pub mod send;
pub mod shared;
pub mod siginfo;
pub mod signals;
pub mod socket;
pub mod tty;
pub mod wait;
pub mod watch;

pub use nix::errno::Errno;

use nix::libc;
use std::ffi::CStr;
use std::fmt::{self, Write};

/// An errno as the end of a message: "no such file or directory", as the C library
/// has it (strerror(3)). Displays without allocating.
#[must_use]
pub fn reason(errno: Errno) -> Explained {
    Explained(errno)
}

/// See [`reason`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Explained(Errno);

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: takes an integer.
        let text = unsafe { libc::strerror(self.0 as i32) };
        // SAFETY: a string of the C library, which stays as it is until this thread's next call.
        let text = unsafe { CStr::from_ptr(text) };
        match text.to_bytes() {
            b"No error information" => write!(f, "error {}", self.0 as i32), // musl's, of a few
            // An abbreviation stays as it is.
            [first, second, ..] if !second.is_ascii_uppercase() => {
                f.write_char(first.to_ascii_lowercase().into())?;
                f.write_str(text.to_str().ok().and_then(|text| text.get(1..)).unwrap_or_default())
            }
            _ => f.write_str(text.to_str().unwrap_or_default()),
        }
    }
}
