//! Names of descriptors: `-`, `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`.
//!
//! These descriptors are duplicated. Opening the name instead would make a second open file description, whose offset
//! is its own, so that one writer would overwrite the other; it would empty a regular file; and it would fail for a
//! socket, for a stream of another user, and without /proc.

#![forbid(unsafe_code)]

use crate::values::decimal::decimal;
use std::ffi::CStr;
use std::fmt;

/// The kind of thing that a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Name {
    /// A descriptor of this process, which may be closed.
    Own(i32),
    /// A descriptor of another process, or of a thread.
    Foreign,
    /// Any other file.
    File,
}

/// Reads a path. `dash` is the descriptor that `-` stands for, and `pid` is this process's ID.
#[must_use]
pub fn name(path: &CStr, dash: i32, pid: i32) -> Name {
    let path = path.to_bytes();
    if path == b"-" {
        return Name::Own(dash);
    }
    if !path.starts_with(b"/") {
        return Name::File;
    }
    let mut parts = [&b""[..]; 7];
    let named = path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let mut count = 0;
    for (slot, part) in parts.iter_mut().zip(named) {
        *slot = part;
        count += 1;
    }
    let [first, second, third, fourth, fifth, ..] = parts;
    let own = |fd| number(fd).map_or(Name::File, Name::Own);
    match (first, count) {
        (b"dev", 2) => match second {
            b"stdin" => Name::Own(0),
            b"stdout" => Name::Own(1),
            b"stderr" => Name::Own(2),
            _ => Name::File,
        },
        (b"dev", 3) if second == b"fd" => own(third),
        (b"proc", 4) if third == b"fd" => {
            let is_own = matches!(second, b"self" | b"thread-self") || number(second) == Some(pid);
            if is_own { own(fourth) } else { Name::Foreign }
        }
        (b"proc", 6) if third == b"task" && fifth == b"fd" => Name::Foreign,
        _ => Name::File,
    }
}

/// A number as the kernel writes it.
fn number(digits: &[u8]) -> Option<i32> {
    decimal(digits).filter(|_| digits == b"0" || !digits.starts_with(b"0"))
}

/// A descriptor for a message: "standard output", "descriptor 7".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor(pub i32);

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("standard input"),
            1 => f.write_str("standard output"),
            2 => f.write_str("standard error"),
            other => write!(f, "descriptor {other}"),
        }
    }
}

/// Why a descriptor cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It was closed when sexton was started.
    Closed,
    /// It is open for writing only.
    NotReadable,
    /// It is open for reading only.
    NotWritable,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unfit::Closed => "is closed",
            Unfit::NotReadable => "is not open for reading",
            Unfit::NotWritable => "is not open for writing",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &CStr) -> Name {
        name(path, 1, 42)
    }

    #[test]
    fn descriptors_have_several_names() {
        for (path, fd) in [
            (c"-", 1),
            (c"/dev/stdin", 0),
            (c"/dev/stdout", 1),
            (c"//dev/./stderr", 2),
            (c"/dev/fd/0", 0),
            (c"/dev/fd/17", 17),
            (c"/proc/self/fd/2", 2),
            (c"/proc/thread-self/fd/2147483647", i32::MAX),
            (c"/proc/42/fd/1", 1),
        ] {
            assert_eq!(names(path), Name::Own(fd), "{path:?}");
        }
        assert_eq!(name(c"-", 0, 42), Name::Own(0));
    }

    #[test]
    fn names_of_foreign_descriptors_are_recognized() {
        for path in [c"/proc/1/fd/1", c"/proc/420/fd/1", c"/proc/42/task/42/fd/1"] {
            assert_eq!(names(path), Name::Foreign, "{path:?}");
        }
    }

    #[test]
    fn any_other_name_is_a_file() {
        for path in [
            c"",
            c"./-",
            c"dev/stdout",
            c"/dev/stdout/x",
            c"/dev/fd",
            c"/dev/fd/01",
            c"/dev/fd/+1",
            c"/dev/fd/-1",
            c"/dev/fd/2147483648",
            c"/dev/fd/x",
            c"/proc/self/fd",
            c"/proc/self/fd/1/x",
            c"/x/dev/stdout",
            c"/dev/null",
        ] {
            assert_eq!(names(path), Name::File, "{path:?}");
        }
    }

    #[test]
    fn messages_name_descriptors() {
        let named = [0, 1, 2, 3].map(|fd| Descriptor(fd).to_string());
        assert_eq!(named, ["standard input", "standard output", "standard error", "descriptor 3"]);
    }
}
