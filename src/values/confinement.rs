//! What the command is kept from, and what it may do nevertheless: confinement by Landlock (landlock(7)).

#![forbid(unsafe_code)]

use std::ffi::CString;

/// Access rights. The lower half has the kernel's bits for files, above it are those for TCP ports, then the scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rights(pub u32);

impl Rights {
    /// None at all.
    pub const NONE: Rights = Rights(0);
    /// Execute a file.
    pub const EXECUTE: Rights = Rights(1);
    /// Read a file, or list a directory.
    pub const READ: Rights = Rights(1 << 2 | 1 << 3);
    /// Link or move a file to another directory. The kernel takes this away with any right for files.
    pub const MOVE: Rights = Rights(1 << 13);
    /// Make a file shorter.
    pub const TRUNCATE: Rights = Rights(1 << 14);
    /// Give a device commands (ioctl(2)).
    pub const CONTROL: Rights = Rights(1 << 15);
    /// All that changes files and directories: write to a file, make and remove files of all kinds, and the three
    /// above.
    pub const WRITE: Rights = Rights(1 << 1 | 0b1_1111_1111 << 4 | 0b111 << 13);
    /// What of all that there is for a file that is no directory.
    pub const OF_FILE: Rights = Rights(0b111 | 0b11 << 14);
    /// Bind a TCP port.
    pub const BIND: Rights = Rights(1 << 16);
    /// Connect to a TCP port.
    pub const CONNECT: Rights = Rights(1 << 17);
    /// All for TCP ports.
    pub const OF_PORT: Rights = Rights::BIND.with(Rights::CONNECT);
    /// Connect to an abstract Unix socket of a process outside.
    pub const UNIX: Rights = Rights(1 << 18);
    /// Send a signal to a process outside.
    pub const SIGNAL: Rights = Rights(1 << 19);
    /// Both scopes.
    pub const OUTSIDE: Rights = Rights::UNIX.with(Rights::SIGNAL);

    /// Those of both.
    #[must_use]
    pub const fn with(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// Those of this one that are in the other.
    #[must_use]
    pub const fn and(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    /// Those of this one that are not in the other.
    #[must_use]
    pub const fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What a flag keeps the command from, but for the objects that it lists.
#[cfg(feature = "landlock")]
pub struct Kind {
    /// The flag's name.
    pub flag: &'static str,
    /// What the command is kept from. For a scope the list says it.
    pub taken: Rights,
    /// What is given with an object.
    pub given: Rights,
}

#[cfg(feature = "landlock")]
impl Kind {
    /// `--fs-read`
    pub const FS_READ: Kind =
        Kind { flag: "fs-read", taken: Rights::READ.with(Rights::MOVE), given: Rights::READ };
    /// `--fs-write`
    pub const FS_WRITE: Kind =
        Kind { flag: "fs-write", taken: Rights::WRITE, given: Rights::WRITE };
    /// `--fs-exec`. The kernel executes no file that it may not read for the process.
    pub const FS_EXEC: Kind = Kind {
        flag: "fs-exec",
        taken: Rights::EXECUTE.with(Rights::MOVE),
        given: Rights::EXECUTE.with(Rights::READ),
    };
    /// `--tcp-bind`
    pub const TCP_BIND: Kind = Kind { flag: "tcp-bind", taken: Rights::BIND, given: Rights::BIND };
    /// `--tcp-connect`
    pub const TCP_CONNECT: Kind =
        Kind { flag: "tcp-connect", taken: Rights::CONNECT, given: Rights::CONNECT };
    /// `--scope`
    pub const SCOPE: Kind = Kind { flag: "scope", taken: Rights::NONE, given: Rights::NONE };
}

/// `--fs-read` and the like, and `--confine`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Confinement {
    /// What the command is kept from.
    pub taken: Rights,
    /// What it may do nevertheless.
    pub rules: Vec<Rule>,
    /// The flags that say so, each with a blank before it.
    pub text: String,
    /// If the kernel cannot do all of that, go on without what it cannot.
    pub best_effort: bool,
}

impl Confinement {
    /// None.
    pub const NONE: Confinement = Confinement {
        taken: Rights::NONE,
        rules: Vec::new(),
        text: String::new(),
        best_effort: false,
    };
}

/// An item of a list: an exception, or a scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// What may be done with it.
    pub given: Rights,
    /// The file, or the directory with all that is below it; otherwise the word that was given.
    pub path: CString,
    /// The TCP port, if `given` is about ports.
    pub port: u16,
}
