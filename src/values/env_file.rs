//! The format of `--env-file`: that of `docker run --env-file`, with quotes where Docker and Compose agree on them.
//!
//! Each line is `NAME=VALUE`. White space before a name, a byte order mark and a carriage return before an end of line
//! do not count; lines that are empty or begin with `#` are skipped. A name alone is a variable that is passed on,
//! which the command has anyway. The value is the whole rest of the line, ` # text` and blanks at its end included.
//!
//! Quotes around a whole value are removed, as by Compose; `docker run` up to version 28 keeps them. What Compose would
//! replace inside of them, and Docker would not, is an error: a backslash or `$` between double quotes, and the same
//! quote.

#![forbid(unsafe_code)]

use crate::values::environment::Edit;
use crate::values::error::Reason;

/// The variables that a file sets, in its order.
///
/// # Errors
/// A line that cannot be read, by its number: the line itself may be a secret.
pub fn parse(contents: &[u8]) -> Result<Vec<Edit>, Reason> {
    let contents = contents.strip_prefix(b"\xef\xbb\xbf").unwrap_or(contents);
    let mut edits = Vec::new();
    for (index, line) in contents.split(|&byte| byte == b'\n').enumerate() {
        let edit = variable(line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start());
        edits.extend(edit.map_err(|reason| format!("line {}: {reason}", index + 1))?);
    }
    Ok(edits)
}

fn variable(line: &[u8]) -> Result<Option<Edit>, Reason> {
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let mut parts = line.splitn(2, |&byte| byte == b'=');
    let name = parts.next().unwrap_or_default();
    if name.is_empty() {
        return Err("no name before '='".into());
    }
    if name.iter().any(u8::is_ascii_whitespace) {
        return Err("blanks in the name".into());
    }
    parts.next().map(|value| Edit::set_to(name, without_quotes(value)?)).transpose()
}

fn without_quotes(value: &[u8]) -> Result<&[u8], Reason> {
    const AMBIGUOUS: &str = "Docker and Compose read these quotes differently: enclose the whole value, \
                             without \\, $ or \" in double quotes, without ' in single quotes";
    let (quote, rest) = match value {
        [quote @ (b'\'' | b'"'), rest @ ..] => (*quote, rest),
        _ => return Ok(value),
    };
    let inside = rest.strip_suffix(&[quote]).ok_or(AMBIGUOUS)?;
    let is_ambiguous = match quote {
        b'"' => inside.iter().any(|byte| matches!(byte, b'\\' | b'$' | b'"')),
        _ => inside.contains(&b'\'') || inside.ends_with(b"\\"),
    };
    if is_ambiguous { Err(AMBIGUOUS.into()) } else { Ok(inside) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(variables: &[&[u8]]) -> Vec<Edit> {
        variables.iter().map(|text| Edit::set(text).unwrap()).collect()
    }

    #[test]
    fn lines_are_read_as_docker_reads_them() {
        let contents = b"\xef\xbb\xbfA=1\n\n# comment\n  # too\n \tB= x # no comment \r\nC=\nNAME\nD=a=b\xff\nD=it's";
        let expected: [&[u8]; 5] = [b"A=1", b"B= x # no comment ", b"C=", b"D=a=b\xff", b"D=it's"];
        assert_eq!(parse(contents).unwrap(), edits(&expected));
        for nothing in ["", "\n", "#", "\r\n", "NAME"] {
            assert_eq!(parse(nothing.as_bytes()), Ok(Vec::new()), "{nothing:?}");
        }
    }

    #[test]
    fn quotes_around_a_value_are_removed() {
        let contents = br#"A="x y"
B='$x \n "y"'
C=""
D=''
E="it's"
F=say "x"
"#;
        let expected: [&[u8]; 6] =
            [b"A=x y", br#"B=$x \n "y""#, b"C=", b"D=", b"E=it's", br#"F=say "x""#];
        assert_eq!(parse(contents).unwrap(), edits(&expected));
    }

    #[test]
    fn lines_that_cannot_be_read_are_named_by_their_number_alone() {
        for (line, reason) in [
            ("=secret", "no name before '='"),
            ("se cret=x", "blanks in the name"),
            ("export SECRET=x", "blanks in the name"),
            ("SECRET=\0", "a variable cannot contain a zero byte"),
        ] {
            let error = parse(format!("A=1\n{line}\nB=1").as_bytes()).unwrap_err();
            assert_eq!(*error, *format!("line 2: {reason}"));
        }
        for value in [
            "\"", "'", "\"a", "'a", "\"a\"b", "'a' # b", "\"a\" ", "\"a\\n\"", "\"$A\"", "\"a\"\"",
            "'a\\'", "'a'b'",
        ] {
            let error = parse(format!("A={value}").as_bytes()).unwrap_err();
            assert!(error.starts_with("line 1: Docker and Compose"), "{value}: {error}");
        }
    }
}
