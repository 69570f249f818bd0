//! The backend of the `log` facade: lines on standard error that never block, allocate or kill.

#![forbid(unsafe_code)]

use crate::sys::Errno;
use crate::sys::stderr::Stderr;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::fmt::{self, Write};
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static LOGGER: Logger = Logger { stderr: OnceLock::new(), lost: AtomicU64::new(0) };

/// Sends what is logged at this level or above to standard error.
pub fn start(level: LevelFilter) {
    // It fails if there is a logger already: then that one is kept.
    log::set_logger(&LOGGER).ok();
    log::set_max_level(level);
}

/// Writes an error that ends the run, whatever the level.
pub fn fatal(error: &crate::error::Error) {
    LOGGER.write_line(format_args!("{error}"));
}

/// The descriptor that logging holds besides standard error.
#[must_use]
pub fn own_descriptor() -> Option<RawFd> {
    LOGGER.stderr.get()?.own_descriptor()
}

struct Logger {
    /// Opened when the first line is written: a quiet run never does.
    stderr: OnceLock<Stderr>,
    /// Lines that could not be written since the last one that could.
    lost: AtomicU64,
}

impl Logger {
    fn write_line(&self, text: fmt::Arguments) {
        let stderr = self.stderr.get_or_init(Stderr::new);
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let note = Line::new(format_args!("sexton: warning: {lost} log lines were lost here"));
            if note.write_to(stderr).is_err() {
                self.lost.store(lost + 1, Ordering::Relaxed);
                return;
            }
            self.lost.store(0, Ordering::Relaxed);
        }
        if Line::new(text).write_to(stderr).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Log for Logger {
    fn enabled(&self, _: &Metadata) -> bool {
        true // the facade has compared the level already
    }

    fn log(&self, record: &Record) {
        let level = match record.level() {
            Level::Error => "error",
            Level::Warn => "warning",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        self.write_line(format_args!("sexton: {level}: {}", record.args()));
    }

    fn flush(&self) {}
}

/// A line on the stack. What does not fit is cut off: a write of up to PIPE_BUF bytes (4096) does not
/// mix with those of others (pipe(7)).
struct Line {
    bytes: [u8; 1024],
    length: usize,
}

impl Line {
    fn new(text: fmt::Arguments) -> Line {
        let mut line = Line { bytes: [0; 1024], length: 0 };
        // It fails if the text is cut off, and then the beginning is what counts.
        line.write_fmt(text).ok();
        if let Some(end) = line.bytes.get_mut(line.length) {
            *end = b'\n';
        }
        line.length += 1;
        line
    }

    fn write_to(&self, stderr: &Stderr) -> Result<(), Errno> {
        match stderr.write(self.bytes.get(..self.length).unwrap_or_default()) {
            Ok(written) if written == self.length => Ok(()),
            Ok(_) => Err(Errno::EAGAIN),
            Err(errno) => Err(errno),
        }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - 1 - self.length; // one byte is for the end of the line
        let fitting = text.get(..text.floor_char_boundary(room)).unwrap_or(text);
        let end = self.length + fitting.len();
        if let Some(space) = self.bytes.get_mut(self.length..end) {
            space.copy_from_slice(fitting.as_bytes());
            self.length = end;
        }
        if fitting.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let line = Line::new(format_args!("{text}"));
        String::from_utf8(line.bytes[..line.length].to_vec()).unwrap()
    }

    #[test]
    fn a_line_ends_once() {
        assert_eq!(line("hello"), "hello\n");
        assert_eq!(line(""), "\n");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(line(&"x".repeat(2000)).len(), 1024);
        let cut = line(&"é".repeat(2000));
        assert!(cut.len() >= 1023 && cut.ends_with("é\n"));
    }
}
