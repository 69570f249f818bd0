//! Text in a buffer of fixed size, where nothing may allocate.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt::{self, Write};

/// A short text, such as a path of /proc.
pub type Fixed = FixedText<48>;

/// A text of at most `SIZE` bytes.
///
/// A text that does not fit is cut between two characters, and writing it is an error. A text that begins with a
/// backslash is an escape sequence, and is not cut but left out.
pub struct FixedText<const SIZE: usize> {
    bytes: [u8; SIZE],
    length: usize,
    /// How far the buffer may be filled.
    limit: usize,
}

impl<const SIZE: usize> FixedText<SIZE> {
    /// An empty text, whose last bytes are reserved until [`FixedText::end`] needs them.
    #[must_use]
    pub fn with_reserve(reserved: usize) -> Self {
        FixedText { bytes: [0; SIZE], length: 0, limit: SIZE.saturating_sub(reserved) }
    }

    /// The formatted text.
    ///
    /// # Errors
    /// It does not fit.
    pub fn of(formatted: fmt::Arguments) -> Result<Self, fmt::Error> {
        let mut text = Self::default();
        text.write_fmt(formatted)?;
        Ok(text)
    }

    /// Writes the end of the text, into the reserved bytes too.
    #[must_use]
    pub fn end(mut self, end: &str) -> Self {
        self.limit = SIZE;
        self.write_str(end).ok();
        self
    }

    /// The text up to its first null byte; empty if there is none.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl<const SIZE: usize> Default for FixedText<SIZE> {
    fn default() -> Self {
        Self::with_reserve(0)
    }
}

impl<const SIZE: usize> Write for FixedText<SIZE> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let limit = self.bytes.get_mut(..self.limit).unwrap_or_default();
        append(limit, &mut self.length, text)
    }
}

/// Appends as much of the text as fits. One function for buffers of all sizes.
fn append(buffer: &mut [u8], length: &mut usize, text: &str) -> fmt::Result {
    let room = buffer.len().saturating_sub(*length);
    let fitting = if text.starts_with('\\') && text.len() > room {
        ""
    } else {
        text.get(..text.floor_char_boundary(room)).unwrap_or(text)
    };
    let end = *length + fitting.len();
    if let Some(space) = buffer.get_mut(*length..end) {
        for (slot, &byte) in space.iter_mut().zip(fitting.as_bytes()) {
            *slot = byte; // copy_from_slice would check the lengths, and panic
        }
        *length = end;
    }
    if fitting.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_does_not_fit_is_cut_between_characters() {
        let mut text = FixedText::<5>::default();
        text.write_str("ab").unwrap();
        text.write_str("\u{e9}\u{e9}").unwrap_err();
        assert_eq!(text.as_bytes(), "ab\u{e9}".as_bytes());
        text.write_str("\\n").unwrap_err();
        text.write_str("c").unwrap();
        assert_eq!(text.as_bytes(), "ab\u{e9}c".as_bytes());
        assert!(FixedText::<3>::of(format_args!("abcd")).is_err());
    }

    #[test]
    fn the_end_has_reserved_bytes() {
        let mut text = FixedText::<4>::with_reserve(2);
        text.write_str("abcd").unwrap_err();
        assert_eq!(text.end("!\n").as_bytes(), b"ab!\n");
    }

    #[test]
    fn a_c_string_ends_at_a_null_byte() {
        assert_eq!(Fixed::of(format_args!("/proc/{}\0", 7)).unwrap().as_c_str(), c"/proc/7");
        assert_eq!(FixedText::<4>::of(format_args!("abcd")).unwrap().as_c_str(), c"");
    }
}
