//! Standard streams, and files that replace them.

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

    /// The descriptor that `-` stands for where this stream is replaced: standard output for an output, as in other
    /// programs.
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

/// A standard stream that can be opened again by a name such as `/dev/stdout`, if its owner allows that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnedStream {
    /// The user ID of the owner.
    pub owner: u32,
    /// Whether it is a terminal, and not a pipe.
    pub terminal: bool,
}

/// A file that replaces a standard stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirection {
    /// The file. A file to write is created if it does not exist.
    pub path: CString,
    /// Append to the file, and do not empty it first.
    pub append: bool,
}
