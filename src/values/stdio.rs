//! Standard streams, and files in their place.

#![forbid(unsafe_code)]

use super::stream_name::Descriptor;
use std::ffi::CString;
use std::fmt;

/// A standard stream; the value is its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    Input = 0,
    Output = 1,
    Error = 2,
}

impl Stream {
    /// All three, in the order of their descriptors.
    pub const ALL: [Stream; 3] = [Stream::Input, Stream::Output, Stream::Error];

    /// What `-` stands for in its place, as it does for other programs.
    #[must_use]
    pub fn dash(self) -> i32 {
        if self == Stream::Input { Stream::Input as i32 } else { Stream::Output as i32 }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Descriptor(*self as i32).fmt(f)
    }
}

/// A standard stream that can be opened again by its name (`/dev/stdout`), by whom its owner allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnedStream {
    /// The user ID of the owner.
    pub owner: u32,
    /// A terminal, not a pipe.
    pub terminal: bool,
}

/// A file in place of a standard stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirection {
    /// The file; created if it is to be written and not there.
    pub path: CString,
    /// Written at its end, instead of from its beginning after emptying it.
    pub append: bool,
}
