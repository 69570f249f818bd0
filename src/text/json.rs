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

/// An object, member by member.
#[derive(Default)]
pub struct Object(String);

impl Object {
    /// Adds a member whose value is JSON already: a number, a boolean, an object.
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

    fn add(&mut self, name: &str, value: &dyn fmt::Display) {
        append(&mut self.0, format_args!("{}:{value}", Quoted(name)));
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.0)
    }
}

/// An array, item by item.
#[derive(Default)]
pub struct Array(String);

impl Array {
    /// Adds an item that is JSON already.
    pub fn push(&mut self, item: &dyn fmt::Display) {
        append(&mut self.0, format_args!("{item}"));
    }
}

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

fn append(list: &mut String, item: fmt::Arguments) {
    let separator = if list.is_empty() { "" } else { "," };
    // Writing to a string never fails.
    write!(list, "{separator}{item}").ok();
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
        let mut array = Array::default();
        array.push(&Quoted("1"));
        array.push(&2);
        object.raw("e", array);
        object.raw("f", Array::default());
        let expected = r#"{"a":1,"b":"x","c":null,"d":2,"e":["1",2],"f":[]}"#;
        assert_eq!(object.to_string(), expected);
    }
}
