//! What failed, on what, and why; and the exit status that tells it.

#![forbid(unsafe_code)]

use std::fmt;

/// Exit status when sexton itself could not do its part: bad input, or a step that failed.
pub const STATUS_FATAL: u8 = 125;
/// Exit status for a command that was found but cannot be executed.
pub const STATUS_NOT_EXECUTABLE: u8 = 126;
/// Exit status for a command that was not found.
pub const STATUS_NOT_FOUND: u8 = 127;

/// An error that ends the run before or instead of main. Displays as one line, lower case, with the
/// user's own value in it; a hint may follow on a second line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The exit status: 125, 126 or 127.
    pub status: u8,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// Input that cannot be used.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Error {
        Error { status: STATUS_FATAL, message: message.into(), hint: None }
    }

    /// A value that cannot be used: `invalid value 'VALUE' for --FLAG: REASON`.
    #[must_use]
    pub fn invalid(value: &str, by: &str, reason: impl fmt::Display) -> Error {
        Error::usage(format!("invalid value '{value}' for {by}: {reason}"))
    }

    /// Something sexton was told to do and could not: `unable to ACTION: REASON`.
    #[must_use]
    pub fn unable(action: impl fmt::Display, reason: impl fmt::Display) -> Error {
        Error::usage(format!("unable to {action}: {reason}"))
    }

    /// The same error with another exit status.
    #[must_use]
    pub fn with_status(self, status: u8) -> Error {
        Error { status, ..self }
    }

    /// The same error with a line of advice.
    #[must_use]
    pub fn with_hint(self, hint: Option<impl Into<String>>) -> Error {
        Error { hint: hint.map(Into::into), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sexton: fatal: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nsexton: hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
