//! Sending lines to a syslog daemon without ever blocking (unix(7), udp(7), tcp(7)).
//!
//! Datagrams go out by a socket that is not connected: so a daemon that comes back is found again by itself.
//! For TCP the lines wait in a queue of fixed size until the connection takes them; a connection that
//! breaks is begun again with a later line.

use crate::sys::clock::Clock;
use crate::sys::{Errno, socket};
use crate::values::address::SyslogAddress;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Where the local daemon listens.
const DEV_LOG: &[u8] = b"/dev/log";

/// A way to a daemon.
pub struct Socket {
    address: SyslogAddress,
    /// `None` if there is no connection, or the socket could not be made.
    socket: Option<OwnedFd>,
    stream: Stream,
}

/// What TCP needs besides.
struct Stream {
    /// Whole lines, each with its end, but for the first, of which a part may have been sent.
    queue: Vec<u8>,
    /// Something of the first line has been sent.
    partly: bool,
    /// When the last connection was begun.
    begun: Option<Clock>,
}

impl Stream {
    /// Takes so many bytes off the front of the queue.
    fn drop_first(&mut self, count: usize) {
        let mut index = 0;
        self.queue.retain(|_| {
            index += 1;
            index > count
        });
    }
}

/// How many bytes of lines wait for a connection.
const QUEUE: usize = 16 * 1024;

/// How long to wait before a connection is begun again.
const PAUSE: Duration = Duration::from_secs(1);

impl Socket {
    /// Makes the socket, and begins a connection if there is to be one.
    #[must_use]
    pub fn new(address: SyslogAddress) -> Socket {
        let queue = match address {
            SyslogAddress::Tcp(_) => Vec::with_capacity(QUEUE),
            SyslogAddress::Local | SyslogAddress::Udp(_) => Vec::new(),
        };
        let stream = Stream { queue, partly: false, begun: None };
        let mut this = Socket { address, socket: None, stream };
        this.flush();
        this
    }

    /// The descriptor, which is above 2.
    #[must_use]
    pub fn descriptor(&self) -> Option<RawFd> {
        self.socket.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Sends a line.
    ///
    /// # Errors
    /// It could not be sent at once: ENOENT or ECONNREFUSED without a daemon, EAGAIN if it is stuck.
    pub fn send(&mut self, line: &[u8]) -> Result<(), Errno> {
        match self.address {
            SyslogAddress::Tcp(_) => self.enqueue(line),
            SyslogAddress::Local => {
                socket::send_to_local(self.made(socket::local_datagram)?, line, DEV_LOG)
            }
            SyslogAddress::Udp(address) => {
                socket::send_to(self.made(|| socket::datagram(address))?, line, address)
            }
        }
    }

    /// The socket, made with the first line or once that can be done.
    fn made(&mut self, make: impl FnOnce() -> Result<OwnedFd, Errno>) -> Result<&OwnedFd, Errno> {
        if self.socket.is_none() {
            self.socket = Some(make()?);
        }
        self.socket.as_ref().ok_or(Errno::EBADF)
    }

    fn enqueue(&mut self, line: &[u8]) -> Result<(), Errno> {
        self.flush();
        let queue = &mut self.stream.queue;
        if queue.len() + line.len() + 1 > QUEUE {
            return Err(Errno::EAGAIN);
        }
        queue.extend_from_slice(line);
        queue.push(b'\n');
        self.flush();
        Ok(())
    }

    /// Sends what waits in the queue, as far as that can be done at once.
    pub fn flush(&mut self) {
        let SyslogAddress::Tcp(address) = self.address else { return };
        if self.socket.is_none() {
            self.begin(address);
        }
        let Some(socket) = &self.socket else { return };
        while !self.stream.queue.is_empty() {
            match socket::send(socket, &self.stream.queue) {
                Ok(sent) => {
                    let last = self.stream.queue.get(sent.wrapping_sub(1));
                    self.stream.partly = last.is_some_and(|&byte| byte != b'\n');
                    self.stream.drop_first(sent);
                }
                Err(Errno::EAGAIN | Errno::ENOTCONN | Errno::EINPROGRESS | Errno::EINTR) => return,
                Err(_) => return self.give_up(),
            }
        }
    }

    /// Begins a connection, unless that was done just now.
    fn begin(&mut self, address: SocketAddr) {
        if self.stream.begun.is_some_and(|begun| begun.now() < PAUSE) {
            return;
        }
        self.stream.begun = Some(Clock::start());
        let Ok(socket) = socket::stream(address) else { return };
        match socket::connect(&socket, address) {
            Ok(()) | Err(Errno::EINPROGRESS) => self.socket = Some(socket),
            Err(_) => {}
        }
    }

    /// The connection is broken. A line of which a part was sent would be no line on the next one.
    fn give_up(&mut self) {
        self.socket = None;
        if std::mem::take(&mut self.stream.partly) {
            let end = self.stream.queue.iter().position(|&byte| byte == b'\n');
            self.stream.drop_first(end.map_or(0, |end| end + 1));
        }
    }
}
