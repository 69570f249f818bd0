//! Errors that end a run, with their exit status.

#![forbid(unsafe_code)]

use crate::text::escape::{Escaped, Visible, beginning};
use std::borrow::Cow;
use std::fmt;

/// The exit status if an option or variable cannot be used, or a step of sexton's own failed.
pub const STATUS_FATAL: u8 = 125;

/// Why a value cannot be used: what is wrong with it, or what is allowed instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason(Box<Cow<'static, str>>);

impl From<&'static str> for Reason {
    #[inline(never)]
    fn from(text: &'static str) -> Reason {
        Reason(Box::new(Cow::Borrowed(text)))
    }
}

impl From<String> for Reason {
    #[inline(never)]
    fn from(text: String) -> Reason {
        Reason(Box::new(Cow::Owned(text)))
    }
}

impl std::ops::Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for Reason {
    fn eq(&self, text: &&str) -> bool {
        **self == **text
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// An error because of which the command is not run. Displays as one line in lower case, with the user's own value in
/// it; a hint may follow on a second line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error(Box<Parts>); // one word: many functions return it

#[derive(Clone, PartialEq, Eq, Debug)]
struct Parts {
    status: u8,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// Input cannot be used.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Error {
        Error(Box::new(Parts { status: STATUS_FATAL, message: message.into(), hint: None }))
    }

    /// A value cannot be used: `invalid value 'VALUE' for --FLAG: REASON`.
    #[must_use]
    pub fn invalid(value: &[u8], by: &str, reason: impl fmt::Display) -> Error {
        Error::usage(format!("invalid value '{}' for {by}: {reason}", printable(value)))
    }

    /// An action failed: `unable to ACTION: REASON`.
    #[must_use]
    pub fn unable(action: impl fmt::Display, reason: impl fmt::Display) -> Error {
        Error::usage(format!("unable to {action}: {reason}"))
    }

    /// The same error with another exit status.
    #[must_use]
    pub fn with_status(mut self, status: u8) -> Error {
        self.0.status = status;
        self
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<impl Into<String>>) -> Error {
        self.0.hint = hint.map(Into::into);
        self
    }

    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.0.status
    }
}

/// The user's words for a message: on one line, and shortened if they are long.
#[must_use]
pub fn printable(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    match beginning(&text) {
        Some(beginning) => format!("{}...", Escaped(beginning)),
        None => Escaped(&text).to_string(),
    }
}

impl Error {
    /// The hint.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The error without its prefix and its hint, for other places than a line on standard error.
    pub fn message(&self) -> impl fmt::Display {
        Visible(&self.0.message) // words of the user that it contains must not break the line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sexton: fatal: {}", self.message())?;
        match &self.0.hint {
            Some(hint) => write!(f, "\nsexton: hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_it_contains() {
        let error = Error::invalid(b"a\nb", "--x", "'a\nb' \u{1b}[1m is not é");
        assert_eq!(
            error.to_string(),
            "sexton: fatal: invalid value 'a\\nb' for --x: 'a\\nb' \\u{1b}[1m is not é"
        );
        assert_eq!(error.with_hint(Some("h")).to_string().lines().count(), 2);
    }

    #[test]
    fn long_words_are_shortened() {
        assert_eq!(printable(b"caf\xc3\xa9 \xff"), "café \u{fffd}");
        assert_eq!(printable(&[b'x'; 101]), "x".repeat(100) + "...");
        assert_eq!(printable(&[b'x'; 100]), "x".repeat(100));
    }
}
