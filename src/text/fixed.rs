//! A text of a fixed size, made without allocating.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt::{self, Write};

/// A short text on the stack, such as a path.
pub struct Fixed {
    bytes: [u8; 48],
    length: usize,
}

impl Fixed {
    /// Text that is formatted.
    ///
    /// # Errors
    /// It does not fit.
    pub fn of(formatted: fmt::Arguments) -> Result<Fixed, fmt::Error> {
        let mut text = Fixed::default();
        text.write_fmt(formatted)?;
        Ok(text)
    }

    /// What was written, up to its null byte; empty if it has none.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// What was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Default for Fixed {
    fn default() -> Fixed {
        Fixed { bytes: [0; 48], length: 0 }
    }
}

impl Write for Fixed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let space = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        for (slot, &byte) in space.iter_mut().zip(text.as_bytes()) {
            *slot = byte; // of the same length, which the compiler does not know
        }
        self.length = end;
        Ok(())
    }
}
