//! Words of the user or of a process, made fit for a message: one line, of limited length, without invisible
//! characters.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt::{self, Write};

/// Displays a text on one line, with escape sequences for what would not show or would move a cursor.
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_visible(f, c))
    }
}

/// How many characters of such a text a message shows.
const LONGEST: usize = 100;

/// The part that a message shows of a text that is too long for it; `None` for a text that is not.
#[must_use]
pub fn beginning(text: &str) -> Option<&str> {
    text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end))
}

/// Displays the beginning of a text, so that a long one does not push the rest of a message out of a line of limited
/// length.
pub struct Shortened<'a>(pub &'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match beginning(self.0) {
            Some(beginning) => write!(f, "{beginning}..."),
            None => f.write_str(self.0),
        }
    }
}

/// Displays a text with escape sequences for what does not show, or shows as something else. The same as
/// `escape_debug`, but without the tables of Unicode, which would be part of the binary.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\'' | '"' | '\\' => {
                f.write_char('\\')?;
                f.write_char(c)
            }
            c => write_visible(f, c),
        })
    }
}

/// Writes a character, or an escape sequence for one that does not show.
fn write_visible(to: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\0' => to.write_str("\\0"),
        '\t' => to.write_str("\\t"),
        '\n' => to.write_str("\\n"),
        '\r' => to.write_str("\\r"),
        c if is_hidden(c) => write!(to, "\\u{{{:x}}}", c as u32),
        c => to.write_char(c),
    }
}

/// Control characters, and characters that let a text look like another one: those without a width, and those that
/// change the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Displays a path or word of a message: in quotes, on one line.
pub struct Quoted<'a>(pub &'a CStr);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", Escaped(&self.0.to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_in_part() {
        let long = "é".repeat(101);
        assert_eq!(Shortened(&long).to_string(), "é".repeat(100) + "...");
        assert_eq!(Shortened(&long[2..]).to_string(), "é".repeat(100));
    }

    #[test]
    fn only_what_does_not_show_is_escaped() {
        let shown =
            Escaped("a é\u{10348}\u{fffd} 'b\"\\\0\t\r\n\u{1b}\u{7f}\u{85}\u{202e}").to_string();
        let expected = r#"a é𐍈� \'b\"\\\0\t\r\n\u{1b}\u{7f}\u{85}\u{202e}"#;
        assert_eq!(shown, expected);
        for c in ('\0'..='\u{24f}').chain('\u{2000}'..='\u{206f}') {
            let (own, std) = (Escaped(&c.to_string()).to_string(), c.escape_debug().to_string());
            // Spaces of other widths can be seen, and stay.
            assert!(own == std || c.is_whitespace(), "{own} {std}");
        }
    }
}
