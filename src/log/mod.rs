//! The backend of the `log` facade: lines that never block, allocate or kill.

#![forbid(unsafe_code)]

#[doc(hidden)] // open for tests/fuzz, as is `syslog`
pub mod line;
#[doc(hidden)]
pub mod syslog;

use self::line::Line;
use self::syslog::Syslog;
use crate::error::Error;
use crate::plan::{LogFormat, LogTo, Logging, Style};
use crate::sys::Errno;
use crate::sys::clock::Now;
use crate::sys::output::Output;
use log::{Level, Log, Metadata, Record};
use std::fmt;
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static LOGGER: Logger = Logger {
    looks: OnceLock::new(),
    syslog: OnceLock::new(),
    stderr: OnceLock::new(),
    stdout: OnceLock::new(),
    lost: AtomicU64::new(0),
    instead: OnceLock::new(),
};

/// Sends what is logged to where it is to go. `pid` is sexton's process ID. If that is far away, a connection is begun here.
#[inline(never)] // what it builds would take up the stack as long as main runs
pub fn start(logging: &Logging, pid: i32) {
    // It fails if there is a logger already, that of a program which is its own init: then that one and its
    // level are kept.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(match logging.to {
            LogTo::None => log::LevelFilter::Off,
            LogTo::Stderr | LogTo::Syslog(_) => logging.level,
        });
    }
    LOGGER.looks.set(Looks { format: logging.format, style: logging.style, pid }).ok();
    if logging.uses_stdout() {
        // Now: a descriptor 1 that is closed could be another file's later.
        LOGGER.stdout.set(Output::stdout()).ok();
    }
    if let LogTo::Syslog(address) = logging.to {
        LOGGER.syslog.set(Syslog::new(address, pid)).ok();
    }
}

/// Sets how the lines of a run look that ends before [`start`].
pub fn set_format(format: LogFormat, pid: i32) {
    LOGGER.looks.set(Looks { format, style: Style::default(), pid }).ok();
}

/// Leaves it to the program's own logger, if there is one, to tell an error that ends the run.
pub fn give_way() {
    if !std::ptr::addr_eq(log::logger(), &LOGGER) {
        LOGGER.instead.set(|error| log::error!("{}", error.message())).ok();
    }
}

/// Tells an error that ends the run, whatever the level: always on standard error, where whoever started
/// sexton looks first, and in the log if that is elsewhere.
pub fn fatal(error: &Error) {
    if let Some(tell) = LOGGER.instead.get() {
        return tell(error);
    }
    match LOGGER.syslog.get() {
        None => LOGGER.counting(|| LOGGER.error_to_stderr(error)),
        Some(syslog) => {
            LOGGER.counting(|| syslog.send(Level::Error, &error.message()));
            // Whatever became of the lines for the daemon is no matter here.
            LOGGER.error_to_stderr(error).ok();
        }
    }
}

/// Sends what could not be sent yet, if that can be done at once.
pub fn finish() {
    if let Some(syslog) = LOGGER.syslog.get() {
        syslog.flush();
    }
}

/// The descriptors that logging holds besides standard error.
pub fn own_descriptors() -> impl Iterator<Item = RawFd> {
    let stderr = LOGGER.stderr.get().and_then(Output::own_descriptor);
    let stdout = LOGGER.stdout.get().and_then(Output::own_descriptor);
    let syslog = LOGGER.syslog.get().and_then(Syslog::descriptor);
    [stderr, stdout, syslog].into_iter().flatten()
}

struct Logger {
    /// Not set before the command line is read.
    looks: OnceLock<Looks>,
    /// In place of standard error.
    syslog: OnceLock<Syslog>,
    /// Opened when the first line is written: a quiet run never does.
    stderr: OnceLock<Output>,
    /// For what is less than a warning, if that goes elsewhere.
    stdout: OnceLock<Output>,
    /// Lines that could not be written since the last one that could.
    lost: AtomicU64,
    /// Who is told of an error instead.
    instead: OnceLock<fn(&Error)>,
}

/// How lines look.
#[derive(Clone, Copy, Default)]
struct Looks {
    format: LogFormat,
    style: Style,
    pid: i32,
}

impl Logger {
    fn looks(&self) -> Looks {
        self.looks.get().copied().unwrap_or_default()
    }

    fn write(&self, level: Level, text: &dyn fmt::Display) {
        self.counting(|| self.send(level, text));
    }

    /// Writes a line, after a note on those that were lost before it, if there are any.
    fn counting(&self, write: impl FnOnce() -> Result<(), Errno>) {
        let lost = self.lost.load(Ordering::Relaxed);
        let note = format_args!("{lost} log lines were lost here");
        if lost > 0 && self.send(Level::Warn, &note).is_err() {
            self.lost.store(lost + 1, Ordering::Relaxed);
            return;
        }
        self.lost.store(0, Ordering::Relaxed);
        if write().is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn send(&self, level: Level, text: &dyn fmt::Display) -> Result<(), Errno> {
        match self.syslog.get() {
            Some(syslog) => syslog.send(level, text),
            None => self.to_stream(level, text),
        }
    }

    fn to_stream(&self, level: Level, text: &dyn fmt::Display) -> Result<(), Errno> {
        let Looks { format, style, pid } = self.looks();
        let line = match format {
            LogFormat::Json => Line::json(Now, level, text),
            LogFormat::Text => Line::text(&style, pid, level, text),
        };
        match self.stdout.get() {
            Some(stdout) if level > Level::Warn => put(stdout, &line),
            _ => put(self.stderr.get_or_init(Output::stderr), &line),
        }
    }

    fn error_to_stderr(&self, error: &Error) -> Result<(), Errno> {
        let Looks { format, style, pid } = self.looks();
        let line = match format {
            LogFormat::Json => Line::json(Now, Level::Error, error.message()),
            LogFormat::Text => Line::fatal(&style, pid, error),
        };
        put(self.stderr.get_or_init(Output::stderr), &line)
    }
}

fn put(stream: &Output, line: &Line) -> Result<(), Errno> {
    let line = line.as_bytes();
    match stream.write(line) {
        Ok(written) if written == line.len() => Ok(()),
        Ok(_) => Err(Errno::EAGAIN),
        Err(errno) => Err(errno),
    }
}

impl Log for Logger {
    fn enabled(&self, _: &Metadata) -> bool {
        true // the facade has compared the level already
    }

    fn log(&self, record: &Record) {
        self.write(record.level(), record.args());
    }

    fn flush(&self) {}
}
