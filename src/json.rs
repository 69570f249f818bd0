//! JSON strings. All that sexton writes are flat objects of its own, so there is no more to it than this.

#![forbid(unsafe_code)]

use std::fmt::{self, Write};

/// A text as a JSON string, quotes included (RFC 8259).
pub struct Quoted<T>(pub T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        write!(Escaping(&mut *f), "{}", self.0)?;
        f.write_char('"')
    }
}

/// Escapes what is written through it as the inside of a JSON string needs it. Never splits an escape
/// sequence, so that a text that is cut off where the writer is full stays valid.
pub struct Escaping<W>(pub W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '"' => self.0.write_str("\\\""),
            '\\' => self.0.write_str("\\\\"),
            '\n' => self.0.write_str("\\n"),
            '\t' => self.0.write_str("\\t"),
            c if c.is_ascii_control() => {
                let digit = |shift: u32| {
                    char::from_digit((c as u32 >> shift) & 15, 16).map_or(b'0', |digit| digit as u8)
                };
                let escape = [b'\\', b'u', b'0', b'0', digit(4), digit(0)];
                self.0.write_str(std::str::from_utf8(&escape).unwrap_or_default())
            }
            c => self.0.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_forbids_is_escaped() {
        let text = Quoted("a\"b\\c\nd\te\u{1}f\u{1f}g\u{7f}é\u{10348}").to_string();
        assert_eq!(text, "\"a\\\"b\\\\c\\nd\\te\\u0001f\\u001fg\\u007fé\u{10348}\"");
        assert_eq!(Quoted(format_args!("{}", 5)).to_string(), "\"5\"");
    }
}
