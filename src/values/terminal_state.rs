//! The controlling terminal, as a process group sees it.

#![forbid(unsafe_code)]

/// How a process group stands to the controlling terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TerminalState {
    /// There is none.
    NoTerminal,
    /// It is another group's.
    Background,
    /// It is this group's: the keys' signals go to it, and it may read.
    Foreground,
}
