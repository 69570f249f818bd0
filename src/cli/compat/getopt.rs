//! Options in the syntax of getopt(3), which the other inits use. Short options stand alone or in groups, with a value
//! behind them or in the next word. Long options may be abbreviated. The options end at `--`, or at the first word that
//! is not an option.

use crate::values::error::printable;
use std::ffi::CStr;

/// A long option: its name, whether it takes a value, and the short option that it stands for.
pub type Long = (&'static str, bool, u8);

/// An iterator over the options.
pub struct Getopt<'a, 'w> {
    /// The letters. A letter that takes a value has a colon behind it.
    short: &'static str,
    long: &'static [Long],
    rest: &'w [&'a CStr],
    /// The rest of a group of letters.
    group: &'a [u8],
    dashes: bool,
}

/// An option on the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    /// The letter, and the value.
    Option(u8, Option<&'a [u8]>),
    /// An unknown or malformed option: the message of getopt(3), without the program's name.
    Wrong(String),
}

impl<'a, 'w> Getopt<'a, 'w> {
    /// The options among the words after the program's name.
    pub fn new(
        short: &'static str,
        long: &'static [Long],
        words: &'w [&'a CStr],
    ) -> Getopt<'a, 'w> {
        Getopt { short, long, rest: words, group: &[], dashes: false }
    }

    /// The words behind the options, once the iterator has ended.
    pub fn rest(&self) -> &'w [&'a CStr] {
        self.rest
    }

    /// Whether `--` has ended the options.
    pub fn ended_by_dashes(&self) -> bool {
        self.dashes
    }

    fn next_word(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first.to_bytes())
    }

    fn letter(&mut self, letter: u8) -> Item<'a> {
        let known = letter.is_ascii_alphanumeric();
        let at = self.short.bytes().position(|other| known && other == letter);
        let Some(at) = at else {
            return Item::Wrong(format!("invalid option -- '{}'", printable(&[letter])));
        };
        if self.short.as_bytes().get(at + 1) != Some(&b':') {
            return Item::Option(letter, None);
        }
        let inline = std::mem::take(&mut self.group);
        let value = if inline.is_empty() { self.next_word() } else { Some(inline) };
        match value {
            Some(value) => Item::Option(letter, Some(value)),
            None => {
                let letter = char::from(letter);
                Item::Wrong(format!("option requires an argument -- '{letter}'"))
            }
        }
    }

    fn long_option(&mut self, text: &'a [u8]) -> Item<'a> {
        let mut parts = text.splitn(2, |&byte| byte == b'=');
        let (typed, inline) = (parts.next().unwrap_or_default(), parts.next());
        let exact = self.long.iter().find(|(name, ..)| name.as_bytes() == typed);
        let is_near = |option: &&Long| option.0.as_bytes().starts_with(typed);
        let mut near = self.long.iter().filter(is_near);
        let &(name, takes_value, letter) = match (exact, near.next(), near.next()) {
            (Some(option), ..) | (None, Some(option), None) => option,
            (None, None, _) => {
                return Item::Wrong(format!("unrecognized option '--{}'", printable(text)));
            }
            (None, Some(_), Some(_)) => {
                let shown = printable(typed);
                let mut text = format!("option '--{shown}' is ambiguous; possibilities:");
                for (name, ..) in self.long.iter().filter(is_near) {
                    text += &format!(" '--{name}'");
                }
                return Item::Wrong(text);
            }
        };
        match (takes_value, inline) {
            (false, Some(_)) => Item::Wrong(format!("option '--{name}' doesn't allow an argument")),
            (false, None) => Item::Option(letter, None),
            (true, _) => match inline.or_else(|| self.next_word()) {
                Some(value) => Item::Option(letter, Some(value)),
                None => Item::Wrong(format!("option '--{name}' requires an argument")),
            },
        }
    }
}

impl<'a> Iterator for Getopt<'a, '_> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.group.is_empty() {
            let word = self.rest.first()?.to_bytes();
            match word {
                b"--" => {
                    self.next_word();
                    self.dashes = true;
                    return None;
                }
                [b'-', b'-', long @ ..] if !self.long.is_empty() => {
                    self.next_word();
                    return Some(self.long_option(long));
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    self.next_word();
                    self.group = letters;
                }
                _ => return None,
            }
        }
        let (&letter, rest) = self.group.split_first()?;
        self.group = rest;
        Some(self.letter(letter))
    }
}

/// A decimal number in the syntax of strtol(3), and the text behind it. `None` if the text does not begin with a
/// number.
pub fn integer(text: &[u8]) -> Option<(i64, &[u8])> {
    let space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = text.iter().position(|byte| !space(byte)).unwrap_or(text.len());
    let text = text.get(start..)?;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(count).filter(|_| count > 0)?;
    let value = digits.iter().fold(0i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Some((if negative { -value } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    const LONG: &[Long] =
        &[("verbose", false, b'v'), ("version", false, b'V'), ("rewrite", true, b'r')];

    /// The options as text, and the words behind them.
    fn read(long: &'static [Long], words: &[&str]) -> (Vec<String>, Vec<String>) {
        let owned: Vec<CString> = words.iter().map(|word| CString::new(*word).unwrap()).collect();
        let words: Vec<&CStr> = owned.iter().map(CString::as_c_str).collect();
        let mut getopt = Getopt::new("hvVr:", long, &words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = getopt.by_ref().map(|item| match item {
            Item::Option(letter, None) => char::from(letter).to_string(),
            Item::Option(letter, Some(value)) => format!("{}={}", char::from(letter), text(value)),
            Item::Wrong(message) => message,
        });
        let found = found.collect();
        (found, getopt.rest().iter().map(|word| text(word.to_bytes())).collect())
    }

    #[test]
    fn letters_stand_alone_or_together_and_values_behind_them_or_in_the_next_word() {
        for (words, found, rest) in [
            (&["-v", "-h", "x", "-v"][..], &["v", "h"][..], &["x", "-v"][..]),
            (&["-vh", "x"], &["v", "h"], &["x"]),
            (&["-vr1:2", "x"], &["v", "r=1:2"], &["x"]),
            (&["-r", "1:2", "x"], &["r=1:2"], &["x"]),
            (&["-r", "--", "--", "--"], &["r=--"], &["--"]),
            (&["-r", ""], &["r="], &[]),
            (&["-", "-v"], &[], &["-", "-v"]),
            (&["", "-v"], &[], &["", "-v"]),
            (&["--", "-v"], &[], &["-v"]),
            (&["-vr"], &["v", "option requires an argument -- 'r'"], &[]),
            (&["-x:", "y"], &["invalid option -- 'x'", "invalid option -- ':'"], &["y"]),
        ] {
            let (got, left) = read(LONG, words);
            assert_eq!(
                (&got[..], &left[..]),
                (&found.map_to()[..], &rest.map_to()[..]),
                "{words:?}"
            );
        }
    }

    #[test]
    fn long_options_may_be_abbreviated_unless_that_is_ambiguous() {
        for (word, found) in [
            ("--verbose", "v"),
            ("--verb", "v"),
            ("--rew=1:2", "r=1:2"),
            ("--rewrite=", "r="),
            ("--rewrite", "option '--rewrite' requires an argument"),
            ("--ver", "option '--ver' is ambiguous; possibilities: '--verbose' '--version'"),
            ("--verb=x", "option '--verbose' doesn't allow an argument"),
            ("--foo=x", "unrecognized option '--foo=x'"),
        ] {
            assert_eq!(read(LONG, &[word]).0, [found], "{word}");
        }
        assert_eq!(read(LONG, &["--rewrite", "-v"]).0, ["r=-v"]);
    }

    #[test]
    fn without_long_options_a_second_dash_is_a_letter() {
        assert_eq!(read(&[], &["--v"]).0, ["invalid option -- '-'", "v"]);
    }

    #[test]
    fn a_number_ends_at_the_first_other_character() {
        let read = |text: &'static str| {
            integer(text.as_bytes()).map(|(n, rest)| (n, std::str::from_utf8(rest).unwrap()))
        };
        assert_eq!(read("15:3"), Some((15, ":3")));
        assert_eq!(read(" \t+7x"), Some((7, "x")));
        assert_eq!(read("-1"), Some((-1, "")));
        assert_eq!(read("99999999999999999999"), Some((i64::MAX, "")));
        for none in ["", " ", "x", "+", "- 1", "+-1"] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    trait Owned {
        fn map_to(&self) -> Vec<String>;
    }

    impl Owned for &[&str] {
        fn map_to(&self) -> Vec<String> {
            self.iter().map(|&text| text.to_owned()).collect()
        }
    }
}
