//! The system calls: the only unsafe code, thin and typed, without any decision in it.
//!
//! `nix` is used wherever it fits. It does not fit for realtime signals, whose numbers it cannot
//! name: signal masks, waiting, and sending are raw calls here.

#![allow(unsafe_code, reason = "this is the one place for it; each block states why it is sound")]

pub mod fds;
pub mod limits;
pub mod proc;
pub mod process;
pub mod send;
pub mod signals;
pub mod spawn;
pub mod stderr;
pub mod tree;
pub mod tty;
pub mod wait;

pub use nix::errno::Errno;

/// An errno as the end of a message: "no such file or directory".
#[must_use]
pub fn reason(errno: Errno) -> String {
    let text = errno.desc();
    match text.split_at_checked(1) {
        Some((first, rest)) if !rest.starts_with(|c: char| c.is_ascii_uppercase()) => {
            first.to_ascii_lowercase() + rest
        }
        _ => text.to_owned(),
    }
}
