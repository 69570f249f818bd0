//! `--expand-env`: variables in the command's arguments.

#![forbid(unsafe_code)]

use crate::values::error::Reason;
use crate::values::error::printable;

/// The word with the values of variables in the place of `${NAME}`, `${NAME:-DEFAULT}` and `${NAME:?MESSAGE}`, and `$`
/// in that of `$$`. Nothing else is special: not `$NAME`, no quotes, and nothing inside of DEFAULT, MESSAGE or a value.
///
/// # Errors
/// A variable that is not set where there is no default, or that is not set or empty where there is a message; other
/// text between the braces; braces that are not closed. No reason has a value in it.
pub fn expand<'a>(
    word: &'a [u8],
    value: &dyn Fn(&[u8]) -> Option<&'a [u8]>,
) -> Result<Vec<u8>, Reason> {
    let mut expanded = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = split_at(rest, b'$') {
        expanded.extend_from_slice(before);
        rest = match after {
            [b'$', after @ ..] => {
                expanded.push(b'$');
                after
            }
            [b'{', after @ ..] => {
                let (inside, after) = split_at(after, b'}').ok_or("${ is not closed by }")?;
                expanded.extend_from_slice(substitute(inside, value)?);
                after
            }
            after => {
                expanded.push(b'$');
                after
            }
        };
    }
    expanded.extend_from_slice(rest);
    Ok(expanded)
}

/// The bytes before the first one of this kind, and those behind it.
fn split_at(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// What stands for the text between two braces.
fn substitute<'a>(
    inside: &'a [u8],
    value: &dyn Fn(&[u8]) -> Option<&'a [u8]>,
) -> Result<&'a [u8], Reason> {
    const EXPECTED: &str =
        "expected ${NAME}, ${NAME:-DEFAULT} or ${NAME:?MESSAGE}; $$ stands for a dollar sign";
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = inside.iter().take_while(|byte| in_name(byte)).count();
    let (name, operation) = inside.split_at_checked(length).ok_or(EXPECTED)?;
    if name.first().is_none_or(u8::is_ascii_digit) {
        return Err(EXPECTED.into());
    }
    let set = value(name);
    let filled = set.filter(|value| !value.is_empty());
    let missing = |what: &str| Reason::from(format!("variable '{}' {what}", printable(name)));
    match operation {
        [] => set.ok_or_else(|| missing("is not set")),
        [b':', b'-', default @ ..] => Ok(filled.unwrap_or(default)),
        [b':', b'?'] => filled.ok_or_else(|| missing("is not set, or empty")),
        [b':', b'?', message @ ..] => {
            filled.ok_or_else(|| missing(&format!("is not set, or empty: {}", printable(message))))
        }
        _ => Err(EXPECTED.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(word: &str) -> Result<String, Reason> {
        let value = |name: &[u8]| match name {
            b"HOST" => Some(&b"db"[..]),
            b"_1" => Some(&b"${HOST}$$"[..]),
            b"EMPTY" => Some(&b""[..]),
            _ => None,
        };
        Ok(String::from_utf8(expand(word.as_bytes(), &value)?).unwrap())
    }

    #[test]
    fn variables_and_dollar_signs_are_replaced_and_nothing_else() {
        for (word, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("--host=${HOST}:1", "--host=db:1"),
            ("${HOST}${HOST}", "dbdb"),
            ("${_1}", "${HOST}$$"),
            ("[${EMPTY}]", "[]"),
            ("${HOST:-x}${EMPTY:-x}${NONE:-x}", "dbxx"),
            ("${NONE:-}", ""),
            ("${NONE:-a $b ${HOST}", "a $b ${HOST"),
            ("${HOST:?must be set}", "db"),
            ("$$", "$"),
            ("$$$$${HOST}", "$$db"),
            ("$${HOST}", "${HOST}"),
            ("$HOST $ $1 $( $", "$HOST $ $1 $( $"),
            ("}{", "}{"),
        ] {
            assert_eq!(expanded(word).as_deref(), Ok(expected), "{word}");
        }
    }

    #[test]
    fn bytes_pass_through() {
        let value = |_: &[u8]| Some(&b"\xfe"[..]);
        assert_eq!(expand(b"\xff${A}\xfd", &value), Ok(b"\xff\xfe\xfd".to_vec()));
        assert_eq!(expand(b"${A\xff}", &value).unwrap_err()[..8], *"expected");
    }

    #[test]
    fn what_cannot_be_replaced_is_named() {
        for (word, reason) in [
            ("${NONE}", "variable 'NONE' is not set"),
            ("${NONE:?}", "variable 'NONE' is not set, or empty"),
            ("${EMPTY:?say where\n}", "variable 'EMPTY' is not set, or empty: say where\\n"),
            ("a${HOST", "${ is not closed by }"),
            ("${", "${ is not closed by }"),
        ] {
            assert_eq!(expanded(word).unwrap_err(), reason, "{word}");
        }
        let malformed =
            ["${}", "${1}", "${A B}", "${HOST-x}", "${HOST:+x}", "${HOST:}", "${#HOST}", "${-x}"];
        for word in malformed {
            assert!(expanded(word).unwrap_err().starts_with("expected ${NAME}"), "{word}");
        }
    }
}
