//! Sockets that do not block (socket(2), connect(2), send(2)). Their descriptors are above 2.

use super::{Errno, fds};
use nix::libc;
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage};
use std::mem::offset_of;
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

/// Sends a datagram to the socket of this host that has this path, or with `@` in front the abstract name behind that.
///
/// # Errors
/// ENOENT or ECONNREFUSED if nobody receives there; EAGAIN if there is no room; ENAMETOOLONG; others of sendto(2).
#[inline(never)]
pub fn send_to_local(socket: &OwnedFd, bytes: &[u8], name: &[u8]) -> Result<(), Errno> {
    let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as u16, sun_path: [0; 108] };
    let path = address.sun_path.get_mut(..name.len()).ok_or(Errno::ENAMETOOLONG)?;
    for (index, (slot, &byte)) in path.iter_mut().zip(name).enumerate() {
        // The kernel ends a path by its length, and an abstract name begins with zero.
        *slot = if (index, byte) == (0, b'@') { 0 } else { byte as libc::c_char };
    }
    let length = offset_of!(libc::sockaddr_un, sun_path) + name.len();
    // SAFETY: reads no more than the slice, and of the address no more than its length.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            FLAGS.bits(),
            (&raw const address).cast(),
            length as u32,
        )
    };
    Errno::result(sent).map(drop)
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
