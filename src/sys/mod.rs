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
pub mod open;
pub mod output;
pub mod process;
pub mod scheduling;
pub mod send;
pub mod shared;
pub mod signals;
pub mod socket;
pub mod tty;
pub mod wait;
pub mod watch;

pub use nix::errno::Errno;

use std::fmt::{self, Write};

/// An errno as the end of a message: "no such file or directory". Displays without allocating.
#[must_use]
pub fn reason(errno: Errno) -> Explained {
    Explained(errno)
}

/// See [`reason`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Explained(Errno);

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.desc();
        match text.split_at_checked(1) {
            // An abbreviation stays as it is.
            Some((first, rest)) if !rest.starts_with(|c: char| c.is_ascii_uppercase()) => {
                first.chars().try_for_each(|c| f.write_char(c.to_ascii_lowercase()))?;
                f.write_str(rest)
            }
            _ => f.write_str(text),
        }
    }
}
