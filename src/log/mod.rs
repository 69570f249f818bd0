//! The backend of the `log` facade: lines that never block, allocate or kill.

#![forbid(unsafe_code)]

#[doc(hidden)] // public for tests/fuzz, like `syslog`
pub mod line;
mod socket;
#[doc(hidden)]
pub mod syslog;

use self::line::Line;
use self::syslog::Syslog;
use crate::plan::{LogFormat, LogTo, Logging, Style};
use crate::sys::Errno;
use crate::sys::clock::Now;
use crate::sys::once::Once;
use crate::sys::output::Output;
use crate::values::address::SyslogAddress;
use crate::values::error::Error;
use log::{Level, Log, Metadata, Record};
use std::fmt;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

static LOGGER: Logger = Logger {
    looks: Once::new(),
    syslog: Once::new(),
    lost_for_syslog: Lost::new(),
    stderr: Stream::new(),
    stdout: Stream::new(),
    instead: Once::new(),
};

/// Sends what is logged to where it is to go. `pid` is sexton's process ID. If that is far away, a connection is begun
/// here.
#[inline(never)] // what it builds would take up the stack as long as the command runs
pub fn start(logging: &Logging, pid: i32) {
    // It fails if there is a logger already, that of a program which is its own init: then that one and its
    // level are kept.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(match logging.to {
            LogTo::None => log::LevelFilter::Off,
            LogTo::Stderr | LogTo::Syslog(_) => logging.level,
        });
    }
    let Logging { format, time, style, .. } = *logging;
    LOGGER.looks.get_or_set(|| Looks { format, time, style, pid });
    LOGGER.stderr.output.get_or_set(Output::stderr);
    if logging.uses_stdout() {
        LOGGER.stdout.output.get_or_set(Output::stdout);
    }
    if let LogTo::Syslog(address) = logging.to {
        open_syslog(address, pid);
    }
}

/// Never inlined: it takes up much of the stack.
#[inline(never)]
fn open_syslog(address: SyslogAddress, pid: i32) {
    LOGGER.syslog.get_or_set(|| Syslog::new(address, pid));
}

/// Sets how the lines of a run look that ends before [`start`], besides their style.
pub fn set_looks(Logging { format, time, .. }: Logging, pid: i32) {
    LOGGER.looks.get_or_set(|| Looks { format, time, style: &Style::SEXTON, pid });
}

/// To be called before sexton's rights or a stream's owner change: to write without blocking later, a stream may have
/// to be opened a second time now. `user` is sexton's user, and stays. `certain` says that not only capabilities are
/// given up: a user who owns a stream, and goes on owning it, can open it at any time.
pub fn secure(user: u32, certain: bool) {
    for stream in [&LOGGER.stderr, &LOGGER.stdout] {
        if let Some(output) = stream.output.get()
            && output.owner().is_some_and(|owner| certain || owner != user)
        {
            output.secure();
        }
    }
}

/// Has the program's own logger, if there is one, report an error that ends the run.
pub fn give_way() {
    if !std::ptr::addr_eq(log::logger(), &LOGGER) {
        LOGGER.instead.get_or_set(|| |error| log::error!("{}", error.message()));
    }
}

/// Reports an error that ends the run, whatever the level: always on standard error, where a user looks first, and in
/// the log if that is elsewhere.
pub fn fatal(error: &Error) {
    if let Some(report) = LOGGER.instead.get() {
        return report(error);
    }
    if LOGGER.syslog.get().is_some() {
        LOGGER.write(Level::Error, &error.message());
    }
    LOGGER.put(&LOGGER.stderr, &LOGGER.fatal_line(error));
}

/// Sends what could not be sent yet, if that can be done at once.
pub fn finish() {
    if let Some(syslog) = LOGGER.syslog.get() {
        syslog.flush();
    }
}

/// The descriptors that logging holds besides the standard streams.
pub fn own_descriptors() -> impl Iterator<Item = RawFd> + Clone {
    let own = |stream: &'static Stream| stream.output.get().and_then(Output::own_descriptor);
    let syslog = LOGGER.syslog.get().and_then(|syslog| syslog.descriptor());
    [own(&LOGGER.stderr), own(&LOGGER.stdout), syslog].into_iter().flatten()
}

struct Logger {
    /// Not set before the command line is read.
    looks: Once<Looks>,
    /// In place of standard error.
    syslog: Once<Syslog>,
    lost_for_syslog: Lost,
    stderr: Stream,
    /// For what is less than a warning, if that goes elsewhere.
    stdout: Stream,
    /// Reports an error in place of this logger.
    instead: Once<fn(&Error)>,
}

/// A stream that lines go to. Each counts its own lost lines: one that is closed does not concern the other.
struct Stream {
    output: Once<Output>,
    lost: Lost,
}

/// How many lines could not be written since the last one that could.
struct Lost(AtomicU64);

/// How lines look.
#[derive(Clone, Copy, Default)]
struct Looks {
    format: LogFormat,
    /// Whether a text line begins with the time.
    time: bool,
    style: &'static Style,
    pid: i32,
}

/// Displays as the time and a blank, or as nothing.
struct Stamp(bool);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 { write!(f, "{Now} ") } else { Ok(()) }
    }
}

impl Lost {
    const fn new() -> Lost {
        Lost(AtomicU64::new(0))
    }

    /// Writes a line, after a note on those that were lost before it, if there are any.
    fn counting(
        &self,
        note: impl FnOnce(&dyn fmt::Display) -> Result<(), Errno>,
        line: impl FnOnce() -> Result<(), Errno>,
    ) {
        let lost = self.0.load(Ordering::Relaxed);
        if lost > 0 && note(&format_args!("{lost} log lines lost")).is_err() {
            self.0.store(lost + 1, Ordering::Relaxed);
            return;
        }
        self.0.store(0, Ordering::Relaxed);
        if line().is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Stream {
    const fn new() -> Stream {
        Stream { output: Once::new(), lost: Lost::new() }
    }

    fn put(&self, line: &Line) -> Result<(), Errno> {
        let line = line.as_bytes();
        // Standard error, if the command line has not been read yet.
        match self.output.get_or_set(Output::stderr).write(line) {
            Ok(written) if written == line.len() => Ok(()),
            Ok(_) => Err(Errno::EAGAIN),
            Err(errno) => Err(errno),
        }
    }
}

impl Logger {
    fn looks(&self) -> Looks {
        self.looks.get().copied().unwrap_or_default()
    }

    fn write(&self, level: Level, text: &dyn fmt::Display) {
        match self.syslog.get() {
            Some(syslog) => self
                .lost_for_syslog
                .counting(|note| syslog.send(Level::Warn, note), || syslog.send(level, text)),
            None => self.put(self.stream(level), &self.line(level, text)),
        }
    }

    fn stream(&self, level: Level) -> &Stream {
        let to_stdout = level > Level::Warn && self.stdout.output.get().is_some();
        if to_stdout { &self.stdout } else { &self.stderr }
    }

    fn line(&self, level: Level, text: &dyn fmt::Display) -> Line {
        let Looks { format, time, style, pid } = self.looks();
        match format {
            LogFormat::Json => Line::json(Now, level, text),
            LogFormat::Text => Line::text(Stamp(time), style, pid, level, text),
        }
    }

    fn fatal_line(&self, error: &Error) -> Line {
        let Looks { format, time, style, pid } = self.looks();
        match format {
            LogFormat::Json => Line::json(Now, Level::Error, error.message()),
            LogFormat::Text => Line::fatal(Stamp(time), style, pid, error),
        }
    }

    fn put(&self, stream: &Stream, line: &Line) {
        stream.lost.counting(|note| stream.put(&self.line(Level::Warn, note)), || stream.put(line));
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
