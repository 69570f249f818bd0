//! Sockets that do not block (socket(2), connect(2), send(2)). Their descriptors are above 2.

use super::{Errno, fds};
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, UnixAddr,
};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

const FLAGS: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

/// A socket for datagrams to this host (unix(7)).
///
/// # Errors
/// Those of socket(2).
pub fn local_datagram() -> Result<OwnedFd, Errno> {
    new(AddressFamily::Unix, SockType::Datagram)
}

/// A socket for datagrams to such an address (udp(7)).
///
/// # Errors
/// Those of socket(2).
pub fn datagram(address: SocketAddr) -> Result<OwnedFd, Errno> {
    new(family(address), SockType::Datagram)
}

/// A socket for a connection to such an address (tcp(7)).
///
/// # Errors
/// Those of socket(2).
pub fn stream(address: SocketAddr) -> Result<OwnedFd, Errno> {
    new(family(address), SockType::Stream)
}

/// Begins a connection.
///
/// # Errors
/// EINPROGRESS if it takes time; others of connect(2).
pub fn connect(socket: &OwnedFd, address: SocketAddr) -> Result<(), Errno> {
    socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(address))
}

/// Sends what can be sent at once to where the socket is connected; how many bytes that was.
///
/// # Errors
/// EAGAIN if there is no room; ENOTCONN; others of send(2).
pub fn send(socket: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    socket::send(socket.as_raw_fd(), bytes, FLAGS)
}

/// Sends a datagram to the socket that has this path.
///
/// # Errors
/// ENOENT or ECONNREFUSED if nobody receives there; EAGAIN if there is no room; others of sendto(2).
pub fn send_to_path(socket: &OwnedFd, bytes: &[u8], path: &str) -> Result<(), Errno> {
    let address = UnixAddr::new(path)?;
    socket::sendto(socket.as_raw_fd(), bytes, &address, FLAGS).map(drop)
}

/// Sends a datagram.
///
/// # Errors
/// EAGAIN if there is no room; others of sendto(2).
pub fn send_to(socket: &OwnedFd, bytes: &[u8], address: SocketAddr) -> Result<(), Errno> {
    socket::sendto(socket.as_raw_fd(), bytes, &SockaddrStorage::from(address), FLAGS).map(drop)
}

fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn new(family: AddressFamily, kind: SockType) -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    fds::above_stdio(socket::socket(family, kind, flags, None)?)
}
