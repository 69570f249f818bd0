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
pub struct Escaping<'a>(pub &'a mut dyn Write);

impl Write for Escaping<'_> {
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

/// An object that is being written, member by member. What is begun inside of it, an object or an array, has the
/// members or items that follow, until it is ended.
pub struct Object(String);

impl Object {
    /// One without members.
    #[must_use]
    pub fn new() -> Object {
        Object("{".to_owned())
    }

    /// Adds a member whose value is JSON already: a number, a boolean.
    pub fn raw(&mut self, name: &str, value: impl fmt::Display) {
        self.add(name, &value);
    }

    /// Adds a member whose value is JSON already, or null.
    pub fn optional(&mut self, name: &str, value: Option<impl fmt::Display>) {
        let value: &dyn fmt::Display = match &value {
            Some(value) => value,
            None => &"null",
        };
        self.add(name, value);
    }

    /// Adds a member whose value is a string.
    pub fn text(&mut self, name: &str, value: impl fmt::Display) {
        self.add(name, &Quoted(&value as &dyn fmt::Display));
    }

    /// Adds an item of an array, which is JSON already.
    pub fn item(&mut self, value: impl fmt::Display) {
        self.add("", &value);
    }

    /// Begins a member that is an object, with `{`, or an array, with `[`.
    pub fn begin(&mut self, name: &str, bracket: char) {
        self.add(name, &bracket);
    }

    /// Begins an item that is an object.
    pub fn begin_item(&mut self) {
        self.add("", &'{');
    }

    /// Ends what was begun last.
    pub fn end(&mut self, bracket: char) {
        self.0.push(bracket);
    }

    /// The whole object.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.end('}');
        self.0
    }

    /// Writing to a string never fails.
    fn add(&mut self, name: &str, value: &dyn fmt::Display) {
        let is_first = matches!(self.0.as_bytes().last(), Some(b'{' | b'['));
        if !is_first {
            self.0.push(',');
        }
        if !name.is_empty() {
            write!(self.0, "{}:", Quoted(name)).ok();
        }
        write!(self.0, "{value}").ok();
    }
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
        let mut object = Object::new();
        object.raw("a", 1);
        object.text("b", "x{");
        object.optional("c", None::<i32>);
        object.optional("d", Some(2));
        object.begin("e", '[');
        object.item(Quoted("1["));
        object.item(2);
        object.begin_item();
        object.raw("f", false);
        object.end('}');
        object.end(']');
        object.begin("g", '[');
        object.end(']');
        object.begin("h", '{');
        object.end('}');
        let expected = r#"{"a":1,"b":"x{","c":null,"d":2,"e":["1[",2,{"f":false}],"g":[],"h":{}}"#;
        assert_eq!(object.finish(), expected);
    }
}
