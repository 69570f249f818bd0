//! JSON (RFC 8259), as far as sexton writes it: objects, strings, and arrays of either.

#![forbid(unsafe_code)]

use std::fmt::{self, Write};

/// Displays a value as a JSON string, with its quotes.
pub struct Quoted<T>(pub T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        write!(Escaping(&mut *f), "{}", self.0)?;
        f.write_char('"')
    }
}

/// Passes text on to a writer, escaped for the inside of a JSON string. Each escape sequence is written by one call, so
/// a writer that is full cuts the text between two of them, and the string stays valid.
pub struct Escaping<W>(pub W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '"' => self.0.write_str("\\\""),
            '\\' => self.0.write_str("\\\\"),
            '\n' => self.0.write_str("\\n"),
            '\t' => self.0.write_str("\\t"),
            c if c.is_control() => {
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

/// The members of an object that is being made.
#[derive(Default)]
pub struct Object(String);

impl Object {
    /// Adds a member whose value is JSON already: a number, a boolean, an object.
    pub fn raw(&mut self, name: &str, value: impl fmt::Display) {
        self.add(name, &value);
    }

    fn add(&mut self, name: &str, value: &dyn fmt::Display) {
        let separator = if self.0.is_empty() { "" } else { "," };
        // Writing to a string never fails.
        write!(self.0, "{separator}{}:{value}", Quoted(name)).ok();
    }

    /// Adds a member whose value is JSON already, or null.
    pub fn optional(&mut self, name: &str, value: Option<impl fmt::Display>) {
        match value {
            Some(value) => self.raw(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// Adds a member whose value is a string.
    pub fn text(&mut self, name: &str, value: impl fmt::Display) {
        self.add(name, &Quoted(&value as &dyn fmt::Display));
    }

    /// The object.
    #[must_use]
    pub fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// An array of values that are JSON already.
#[must_use]
pub fn array(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let mut array = "[".to_owned();
    for item in items {
        let separator = if array.len() > 1 { "," } else { "" };
        write!(array, "{separator}{item}").ok();
    }
    array + "]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_forbids_is_escaped() {
        let text = Quoted("a\"b\\c\nd\te\u{1}f\u{1f}g\u{7f}h\u{9b}é\u{10348}").to_string();
        assert_eq!(text, "\"a\\\"b\\\\c\\nd\\te\\u0001f\\u001fg\\u007fh\\u009bé\u{10348}\"");
        assert_eq!(Quoted(format_args!("{}", 5)).to_string(), "\"5\"");
    }

    #[test]
    fn objects_and_arrays_have_commas_between() {
        let mut object = Object::default();
        object.raw("a", 1);
        object.text("b", "x");
        object.optional("c", None::<i32>);
        object.optional("d", Some(2));
        object.raw("e", array([Quoted(1), Quoted(2)].into_iter()));
        object.raw("f", array([0; 0].into_iter()));
        let expected = r#"{"a":1,"b":"x","c":null,"d":2,"e":["1","2"],"f":[]}"#;
        assert_eq!(object.end(), expected);
    }
}
