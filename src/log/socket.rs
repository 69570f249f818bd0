//! Sending lines to a syslog daemon without ever blocking (unix(7), udp(7), tcp(7)).
//!
//! Datagrams go out by a socket that is not connected: so a daemon that comes back is found again by itself.
//! For TCP the lines wait in a queue of fixed size until the connection takes them; a connection that
//! breaks is begun again with a later line.

use crate::sys::clock::Clock;
use crate::sys::{Errno, fds};
use crate::values::address::SyslogAddress;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, UnixAddr, connect, send, sendto,
    socket,
};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Where the local daemon listens.
const DEV_LOG: &str = "/dev/log";

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

const FLAGS: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

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
                let address = UnixAddr::new(DEV_LOG)?;
                sendto(self.datagram(AddressFamily::Unix)?, line, &address, FLAGS).map(drop)
            }
            SyslogAddress::Udp(address) => {
                let socket = self.datagram(family(address))?;
                sendto(socket, line, &SockaddrStorage::from(address), FLAGS).map(drop)
            }
        }
    }

    fn datagram(&mut self, family: AddressFamily) -> Result<RawFd, Errno> {
        if self.socket.is_none() {
            self.socket = Some(new_socket(family, SockType::Datagram)?);
        }
        self.descriptor().ok_or(Errno::EBADF)
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
        let Some(socket) = self.descriptor() else { return };
        while !self.stream.queue.is_empty() {
            match send(socket, &self.stream.queue, FLAGS) {
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
        let Ok(socket) = new_socket(family(address), SockType::Stream) else { return };
        match connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
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

fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn new_socket(family: AddressFamily, kind: SockType) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    fds::above_stdio(socket(family, kind, flags, None)?)
}
