//! Log lines for a syslog daemon: the `syslog` crate's logger, with a format that does not allocate and a
//! socket that does not block.

use crate::log::socket::Socket;
use crate::sys::Errno;
use crate::sys::clock::Now;
use crate::sys::process;
use crate::values::address::SyslogAddress;
use log::Level;
use std::fmt::{self, Write};
use std::io;
use std::os::fd::RawFd;
use std::sync::Mutex;
use syslog::{Facility, LogFormat, Logger, Severity};

/// Where syslog lines go. The lock is never waited for: there is one thread.
pub struct Syslog(Mutex<Channel>);

struct Channel {
    logger: Logger<Packet, Format>,
    socket: Socket,
}

impl Syslog {
    /// Begins a connection, if the address needs one.
    pub fn new(address: SyslogAddress, pid: i32) -> Syslog {
        let host = match address {
            SyslogAddress::Local => None,
            SyslogAddress::Udp(_) | SyslogAddress::Tcp(_) => Some(process::host_name()),
        };
        Syslog(Mutex::new(Channel { logger: logger(pid, host), socket: Socket::new(address) }))
    }

    /// Sends a line, or what fits into one packet of it.
    ///
    /// # Errors
    /// It could not be sent at once.
    pub fn send(&self, level: Level, text: &dyn fmt::Display) -> Result<(), Errno> {
        let mut channel = self.0.try_lock().map_err(|_| Errno::EDEADLK)?;
        let Channel { logger, socket } = &mut *channel;
        socket.send(write(logger, level, text))
    }

    /// Sends what waits for a connection, as far as it can be sent at once.
    pub fn flush(&self) {
        if let Ok(mut channel) = self.0.try_lock() {
            channel.socket.flush();
        }
    }

    /// The descriptor that this holds.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.0.try_lock().ok()?.socket.descriptor()
    }
}

fn logger(pid: i32, host: Option<String>) -> Logger<Packet, Format> {
    Logger::new(Packet { bytes: [0; Packet::CAPACITY], length: 0 }, Format { pid, host })
}

/// Makes a line, or what fits into one packet of it.
fn write<'a>(
    logger: &'a mut Logger<Packet, Format>,
    level: Level,
    text: &dyn fmt::Display,
) -> &'a [u8] {
    logger.backend.length = 0;
    // It fails if the text is cut off, and then the beginning is what counts.
    match level {
        Level::Error => logger.err(text),
        Level::Warn => logger.warning(text),
        Level::Info => logger.info(text),
        Level::Debug | Level::Trace => logger.debug(text),
    }
    .ok();
    logger.backend.bytes.get(..logger.backend.length).unwrap_or_default()
}

/// A line as [`Syslog::send`] sends it, for tests: to a far daemon if this host has a name for it, or to the local
/// one.
#[must_use]
pub fn packet(pid: i32, host: Option<String>, level: Level, text: &dyn fmt::Display) -> Vec<u8> {
    write(&mut logger(pid, host), level, text).to_vec()
}

/// How a line looks. A local daemon adds time and host itself (RFC 3164 without them); for a remote one they
/// are in the line (RFC 5424).
struct Format {
    pid: i32,
    host: Option<String>,
}

impl LogFormat<&dyn fmt::Display> for Format {
    fn format<W: io::Write>(
        &self,
        to: &mut W,
        severity: Severity,
        text: &dyn fmt::Display,
    ) -> syslog::Result<()> {
        let priority = Facility::LOG_DAEMON as u8 | severity as u8;
        let pid = self.pid;
        let mut to = Through(to);
        match &self.host {
            None => write!(to, "<{priority}>sexton[{pid}]: {text}"),
            Some(host) => write!(to, "<{priority}>1 {Now} {host} sexton {pid} - - {text}"),
        }
        .map_err(|_| syslog::Error::Write(io::ErrorKind::WriteZero.into())) // it is cut off
    }
}

/// Formats to a writer of bytes without std's adapter, which is larger.
struct Through<'a, W>(&'a mut W);

impl<W: io::Write> fmt::Write for Through<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.0.write(text.as_bytes()) {
            Ok(length) if length == text.len() => Ok(()),
            _ => Err(fmt::Error),
        }
    }
}

/// One line on its way.
struct Packet {
    bytes: [u8; Packet::CAPACITY],
    length: usize,
}

impl Packet {
    /// What every receiver takes (RFC 3164).
    const CAPACITY: usize = 1024;
}

impl io::Write for Packet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = self.bytes.get_mut(self.length..).unwrap_or_default();
        // Texts come here: a character that does not fit is left out as a whole.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let length = text.floor_char_boundary(rest.len());
        for (slot, &byte) in rest.iter_mut().zip(bytes) {
            // A control character would end the line for some receivers.
            *slot = if byte.is_ascii_control() { b' ' } else { byte };
        }
        self.length += length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_cut_is_still_utf8() {
        for filler in 0..4 {
            let text = "x".repeat(filler) + &"\u{10348}".repeat(300);
            for host in [None, Some("host".to_owned())] {
                let packet = packet(1, host, Level::Warn, &text);
                assert!((1021..=1024).contains(&packet.len()), "{}", packet.len());
                assert!(std::str::from_utf8(&packet).unwrap().ends_with('\u{10348}'));
            }
        }
    }

    #[test]
    fn control_characters_become_blanks() {
        let packet = packet(7, None, Level::Warn, &"a\nb\0c\x7f");
        assert_eq!(packet, b"<28>sexton[7]: a b c ");
    }
}
