//! sexton's own command line: `sexton [OPTIONS] [--] COMMAND [ARG...]`.

use super::draft::{Draft, Layer};
use super::flags::{Choice, FLAGS, Flag, Kind, Page, SHORT, help};
use super::{suggest, variables};
use crate::values::error::{Error, printable};
use std::ffi::CStr;

/// Reads the variables, and then the arguments behind the program's name. Returns a text if the arguments ask for one.
///
/// # Errors
/// The first argument that cannot be used; those before it have been read.
pub fn read<'a>(
    arguments: &[&'a CStr],
    own_variables: &[&CStr],
    draft: &mut Draft<'a>,
) -> Result<Option<String>, Error> {
    let words = Words::split(arguments);
    // `sexton --status` is executed in a container with the variables of the container, which are meant for its init.
    if !words.flags.iter().any(|given| given.flag.long == "status") {
        variables::read(own_variables, draft);
    }
    draft.layer = Layer::default();
    for given in &words.flags {
        if let Some(page) = given.read(draft)? {
            return Ok(Some(match page {
                Page::Help => help::text(),
                Page::Version => format!("sexton {}\n", env!("CARGO_PKG_VERSION")),
            }));
        }
    }
    draft.plan.argv = words.command?.to_vec();
    Ok(None)
}

/// The arguments, split into flags and command.
struct Words<'w, 'a> {
    flags: Vec<Given<'a>>,
    /// The command, or the error of the word that ends the flags.
    command: Result<&'w [&'a CStr], Error>,
}

/// A flag on the command line.
struct Given<'a> {
    flag: &'static Flag,
    value: Option<&'a [u8]>,
}

impl<'w, 'a> Words<'w, 'a> {
    fn split(arguments: &'w [&'a CStr]) -> Words<'w, 'a> {
        let mut flags = Vec::new();
        let command = split(arguments, &mut flags);
        Words { flags, command }
    }
}

/// Splits the flags off, and returns the command behind them.
fn split<'w, 'a>(
    arguments: &'w [&'a CStr],
    flags: &mut Vec<Given<'a>>,
) -> Result<&'w [&'a CStr], Error> {
    let mut rest = arguments.iter();
    loop {
        let unread = rest.as_slice();
        match rest.next().map(|argument| argument.to_bytes()) {
            Some(b"--") => return Ok(rest.as_slice()),
            Some([b'-', b'-', b'a', b's'] | [b'-', b'-', b'a', b's', b'=', ..]) => {
                return Err(Error::usage(
                    "--as must come first: sexton --as NAME [ITS OPTIONS] [--] COMMAND [ARG...]",
                ));
            }
            Some([b'-', b'-', long @ ..]) => {
                let (name, inline) = match long.iter().position(|&byte| byte == b'=') {
                    Some(at) => (long.get(..at), long.get(at + 1..)),
                    None => (Some(long), None),
                };
                let flag = find_long(name.unwrap_or_default())?;
                let mut next = || rest.next().map(|argument| argument.to_bytes());
                flags.push(Given::new(flag, inline, &mut next)?);
            }
            Some([b'-', letters @ ..]) if !letters.is_empty() => {
                for &letter in letters {
                    // No flag that takes a value has a short form.
                    flags.push(Given::new(find_short(letter)?, None, &mut || None)?);
                }
            }
            _ => return Ok(unread),
        }
    }
}

impl<'a> Given<'a> {
    /// The flag with the value that is part of its word, or with the `next` word if it needs one.
    fn new(
        flag: &'static Flag,
        inline: Option<&'a [u8]>,
        next: &mut dyn FnMut() -> Option<&'a [u8]>,
    ) -> Result<Given<'a>, Error> {
        let long = flag.long;
        let value = match flag.kind {
            Kind::Value(_) => Some(inline.or_else(next).ok_or_else(|| {
                Error::usage(format!("--{long} needs a value: --{long} {}", help::value(long)))
            })?),
            Kind::Switch(_) | Kind::Count(_) | Kind::Print(_) if inline.is_some() => {
                return Err(Error::usage(format!("--{long} takes no value")));
            }
            _ => inline,
        };
        Ok(Given { flag, value })
    }

    /// Reads the flag into the draft, or returns the text that it asks for.
    fn read(&self, draft: &mut Draft) -> Result<Option<Page>, Error> {
        let value = self.value.unwrap_or_default();
        let result = match self.flag.kind {
            Kind::Value(reader) => reader.read(value, draft),
            Kind::Optional(set) => set(draft, self.value.map_or(Choice::Default, Choice::Value)),
            Kind::Switch(set) => {
                set(draft, true);
                Ok(())
            }
            Kind::Count(add) => {
                add(draft, 1);
                Ok(())
            }
            Kind::Print(page) => return Ok(Some(page)),
        };
        let invalid = |reason| Error::invalid(value, &format!("--{}", self.flag.long), reason);
        result.map(|()| None).map_err(invalid)
    }
}

fn named(long: &[u8]) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long.as_bytes() == long)
}

fn find_long(name: &[u8]) -> Result<&'static Flag, Error> {
    named(name).ok_or_else(|| {
        let name = printable(name);
        let advice = match suggest::flag(&name) {
            Some(long) => format!("did you mean --{long}?"),
            None => "see sexton --help".to_owned(),
        };
        Error::usage(format!("unknown option '--{name}': {advice}"))
    })
}

fn find_short(letter: u8) -> Result<&'static Flag, Error> {
    let long = SHORT.iter().find(|(short, _)| *short == letter);
    long.and_then(|(_, long)| named(long.as_bytes())).ok_or_else(|| {
        let name = printable(&[letter]);
        Error::usage(format!("unknown option '-{name}': see sexton --help"))
    })
}
