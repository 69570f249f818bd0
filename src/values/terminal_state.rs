//! A process group and its controlling terminal.

#![forbid(unsafe_code)]

/// Whether a process group has a controlling terminal, and whether it is the foreground process group there
/// (credentials(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TerminalState {
    /// There is no controlling terminal.
    NoTerminal,
    /// Another process group is in the foreground.
    Background,
    /// This process group is in the foreground: it may read, and the signals of the terminal's keys go to it.
    Foreground,
}
