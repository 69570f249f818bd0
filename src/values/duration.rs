//! Durations in the form in which users write them: `5s`, `500ms`, `2m`, `1h` or bare seconds, also with fractions.

#![forbid(unsafe_code)]

use crate::values::decimal::decimal;
use crate::values::error::Reason;
use std::fmt;
use std::time::Duration;

/// The longest duration that is accepted, about 31 years. Sums of such durations and points in time do not overflow.
pub const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// Reads a duration, to the nanosecond.
///
/// # Errors
/// Anything else, and more than 1,000,000,000 seconds.
pub fn parse(text: &str) -> Result<Duration, Reason> {
    let parsed =
        lookup(text).ok_or("expected a duration such as 5s, 500ms, 2m, 1h or bare seconds")?;
    if parsed > LONGEST {
        return Err("too long: at most 1000000000s".into());
    }
    Ok(parsed)
}

fn lookup(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(unit_at)?;
    let nanoseconds: u64 = match unit {
        "ms" => 1_000_000,
        "" | "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // A number of more than 64 bits is too long, too.
    let whole: u64 = decimal(digits(whole)?.as_bytes()).unwrap_or(u64::MAX);
    // The fraction is counted in billionths, because 0.1 is not exact as a floating-point number.
    let fraction = digits(fraction)?.bytes().chain(std::iter::repeat(b'0')).take(9);
    let billionths = fraction.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    // Both factors are divided by a thousand, so that no product is larger than 64 bits.
    let fraction = billionths * (nanoseconds / 1000) / 1_000_000;
    Some(Duration::from_nanos(whole.saturating_mul(nanoseconds).saturating_add(fraction)))
}

/// The text, if it is one digit or more and nothing else.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// Displays a duration to the millisecond, in a form that can be read again: `5s`, `0.250s`.
pub struct Shown(pub Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.as_secs(), self.0.subsec_millis());
        match milliseconds {
            0 => write!(f, "{seconds}s"),
            _ => write!(f, "{seconds}.{milliseconds:03}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_fractions() {
        for (text, milliseconds) in [
            ("5s", 5000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("7", 7000),
            ("0", 0),
            ("0.25", 250),
            ("1.5m", 90_000),
            ("0.1s", 100),
            ("000001s", 1000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(parse("0.0000000019s"), Ok(Duration::from_nanos(1)));
        assert_eq!(parse("1000000000"), Ok(LONGEST));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "s", "-1s", "+1", "1 s", " 1", "1d", "1.s", ".5", "1.2.3", "1e3", "5S", "inf",
            "ms", "0x1",
        ] {
            assert!(parse(text).unwrap_err().contains("expected"), "{text:?}");
        }
    }

    #[test]
    fn too_long_a_duration_is_refused_with_the_limit() {
        for text in
            ["1000000000.1", "1000000001", "99999999999999999999999h", "18446744073709551615h"]
        {
            assert!(parse(text).unwrap_err().contains("at most"), "{text:?}");
        }
    }
}
