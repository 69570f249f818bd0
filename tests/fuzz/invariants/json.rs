//! Reads JSON (RFC 8259), and refuses what is none: no more leniently than any reader.

use std::iter::Peekable;
use std::str::Chars;

/// A value. Numbers are kept as they are written.
#[derive(PartialEq, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Reads a text that is one value and nothing else.
    pub fn read(text: &str) -> Value {
        let mut reader = Reader(text.chars().peekable());
        let value = reader.value().unwrap_or_else(|| panic!("no JSON: {text:?}"));
        assert_eq!(reader.0.next(), None, "behind the value: {text:?}");
        value
    }

    /// A member of an object.
    pub fn member(&self, name: &str) -> Option<&Value> {
        let Value::Object(members) = self else { panic!("no object: {self:?}") };
        members.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// A number, as it is written.
    pub fn number(text: impl ToString) -> Value {
        Value::Number(text.to_string())
    }
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn value(&mut self) -> Option<Value> {
        match self.0.peek()? {
            '"' => Some(Value::Text(self.text()?)),
            '[' => {
                self.0.next();
                let mut items = Vec::new();
                while !self.ends(']', items.is_empty())? {
                    items.push(self.value()?);
                }
                Some(Value::Array(items))
            }
            '{' => {
                self.0.next();
                let mut members: Vec<(String, Value)> = Vec::new();
                while !self.ends('}', members.is_empty())? {
                    let name = self.text()?;
                    assert!(members.iter().all(|(other, _)| *other != name), "{name:?} twice");
                    self.expect(':')?;
                    members.push((name, self.value()?));
                }
                Some(Value::Object(members))
            }
            '-' | '0'..='9' => Some(Value::Number(self.number()?)),
            _ => {
                let word: String =
                    std::iter::from_fn(|| self.0.next_if(char::is_ascii_lowercase)).collect();
                match word.as_str() {
                    "null" => Some(Value::Null),
                    "true" => Some(Value::Bool(true)),
                    "false" => Some(Value::Bool(false)),
                    _ => None,
                }
            }
        }
    }

    fn expect(&mut self, c: char) -> Option<()> {
        self.0.next_if_eq(&c).map(drop)
    }

    /// Whether an array or object ends here; takes the comma if it does not.
    fn ends(&mut self, end: char, first: bool) -> Option<bool> {
        if self.expect(end).is_some() {
            return Some(true);
        }
        if !first {
            self.expect(',')?;
        }
        Some(false)
    }

    fn number(&mut self) -> Option<String> {
        let mut number: String = self.0.next_if_eq(&'-').into_iter().collect();
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        number += &whole;
        if self.expect('.').is_some() {
            number = number + "." + &self.digits()?;
        }
        Some(number) // sexton writes no exponents
    }

    fn digits(&mut self) -> Option<String> {
        let digits: String = std::iter::from_fn(|| self.0.next_if(char::is_ascii_digit)).collect();
        (!digits.is_empty()).then_some(digits)
    }

    fn text(&mut self) -> Option<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.0.next()? {
                '"' => return Some(text),
                '\\' => text.push(match self.0.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    c @ ('"' | '\\' | '/') => c,
                    'u' => {
                        let digits: String = self.0.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    _ => return None,
                }),
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }
}
