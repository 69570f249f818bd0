//! What a flag is.

use crate::cli::draft::Draft;
use crate::values::error::Reason;
use std::ffi::CStr;

/// A flag. How it is written in `--help`, and what it is for, is said there: `texts/help.txt`.
pub struct Flag {
    /// Its name without the dashes.
    pub long: &'static str,
    /// The value it takes, and what it sets.
    pub kind: Kind,
}

/// The value that a flag takes, and what it sets.
pub enum Kind {
    /// `--name VALUE`.
    Value(Reader),
    /// `--name` or `--name=VALUE`. The variable takes yes, no or a value.
    Optional(fn(&mut Draft, Choice) -> Result<(), Reason>),
    /// `--name`. The variable takes yes or no.
    Switch(fn(&mut Draft, bool)),
    /// `-n`, `-nn` and so on. The variable takes the number of times.
    Count(fn(&mut Draft, usize)),
    /// A text to print instead of running anything. There is no variable.
    Print(Page),
}

/// The value of a flag whose value may be left out.
#[derive(Clone, Copy)]
pub enum Choice<'a> {
    /// No value.
    Default,
    /// The variable says no.
    Off,
    /// This value.
    Value(&'a [u8]),
}

/// What reads a value: valid UTF-8 only, or any bytes, as for paths and for variables of the command. A list is added
/// to; its variable takes several values with commas between them.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Reader {
    Text(fn(&mut Draft, &str) -> Result<(), Reason>),
    TextList(fn(&mut Draft, &str) -> Result<(), Reason>),
    Bytes(fn(&mut Draft, &[u8]) -> Result<(), Reason>),
    BytesList(fn(&mut Draft, &[u8]) -> Result<(), Reason>),
}

/// A text to print.
#[derive(Clone, Copy)]
pub enum Page {
    /// `--help`
    Help,
    /// `--version`
    Version,
}

impl Reader {
    /// Reads a value into the draft.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn read(self, value: &[u8], draft: &mut Draft) -> Result<(), Reason> {
        match self {
            Reader::Text(read) | Reader::TextList(read) => {
                let text = std::str::from_utf8(value).map_err(|_| "it is not valid UTF-8")?;
                read(draft, text)
            }
            Reader::Bytes(read) | Reader::BytesList(read) => read(draft, value),
        }
    }
}

impl Kind {
    /// Whether the flag adds to a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Kind::Value(Reader::TextList(_) | Reader::BytesList(_)))
    }
}

/// The beginning of the names of all variables.
pub const PREFIX: &str = "SEXTON_";

/// A byte of a flag's name, as the name of its variable has it.
const fn in_variable(byte: u8) -> u8 {
    if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() }
}

/// The name of the variable for a flag of this name.
pub fn variable(long: &str) -> String {
    let mut name = PREFIX.to_owned();
    name.extend(long.bytes().map(in_variable).map(char::from));
    name
}

impl Flag {
    /// Whether a variable does the same.
    fn has_variable(&self) -> bool {
        !matches!(self.kind, Kind::Print(_))
    }

    /// The name of the variable that does the same.
    pub fn variable(&self) -> Option<String> {
        self.has_variable().then(|| variable(self.long))
    }

    /// Whether this is the name of that variable.
    pub fn is_set_by(&self, name: &[u8]) -> bool {
        let own = name.strip_prefix(PREFIX.as_bytes()).filter(|_| self.has_variable());
        own.is_some_and(|own| own.iter().copied().eq(self.long.bytes().map(in_variable)))
    }

    /// The value of that variable, if this entry of the environment is that variable.
    pub fn value_in<'a>(&self, entry: &'a CStr) -> Option<&'a [u8]> {
        let length = PREFIX.len() + self.long.len();
        let (name, value) = entry.to_bytes().split_at_checked(length)?;
        value.strip_prefix(b"=").filter(|_| self.is_set_by(name))
    }
}
