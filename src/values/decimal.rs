//! Decimal numbers.

#![forbid(unsafe_code)]

/// Reads a number that is made of digits alone. `None` for a sign, for any other text, and for a number that is too
/// large.
pub fn decimal<T: TryFrom<u64>>(digits: &[u8]) -> Option<T> {
    T::try_from(whole(digits)?).ok()
}

fn whole(digits: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for &digit in digits {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    (!digits.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_number() {
        assert_eq!(decimal(b"0"), Some(0_u8));
        assert_eq!(decimal(b"00255"), Some(255_u8));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for text in ["", "-1", "+1", " 1", "1 ", "1x", "256"] {
            assert_eq!(decimal::<u8>(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decimal::<u64>(b"18446744073709551616"), None);
    }
}
