//! Writing to standard error, or standard output, without ever blocking.
//!
//! The file behind the descriptor is shared with main and perhaps others, so it cannot be made
//! non-blocking: that flag is shared too. What works depends on what it is.

use super::fds::open;
use super::{Errno, fds};
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::{Mode, SFlag, fstat};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// A standard stream, or nothing if it was closed when sexton was started.
pub struct Output {
    fd: RawFd,
    kind: Kind,
}

enum Kind {
    Closed,
    /// A socket: each call can be non-blocking.
    Socket,
    /// A pipe or terminal, opened a second time: the new open file has flags of its own.
    Reopened(OwnedFd),
    /// A pipe that cannot be opened again (no /proc, or no permission).
    SharedPipe,
    /// A terminal of which that is true.
    SharedTerminal,
    /// A regular file, or a device that does not block.
    File,
}

impl Output {
    /// Standard error.
    #[must_use]
    pub fn stderr() -> Output {
        Output::new(fds::STDERR, c"/proc/self/fd/2")
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Output {
        Output::new(fds::STDOUT, c"/proc/self/fd/1")
    }

    /// Looks at what it is. Opens a descriptor above 2 for a pipe or a terminal.
    fn new(fd: RawFd, path: &CStr) -> Output {
        if !fds::is_open(fd) {
            return Output { fd, kind: Kind::Closed };
        }
        // SAFETY: sexton does not close it as long as it writes to it.
        let stream = unsafe { BorrowedFd::borrow_raw(fd) };
        let mode = fstat(stream).map_or(0, |stat| stat.st_mode);
        let kind = match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
            SFlag::S_IFSOCK => Kind::Socket,
            kind @ (SFlag::S_IFIFO | SFlag::S_IFCHR) => {
                let flags =
                    OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
                let again = open(path, flags, Mode::empty()).map(fds::above_stdio);
                match again {
                    Ok(Ok(fd)) => Kind::Reopened(fd),
                    _ if kind == SFlag::S_IFIFO => Kind::SharedPipe,
                    _ => Kind::SharedTerminal,
                }
            }
            _ => Kind::File,
        };
        Output { fd, kind }
    }

    /// The descriptor that this holds besides its own.
    #[must_use]
    pub fn own_descriptor(&self) -> Option<RawFd> {
        match &self.kind {
            Kind::Reopened(fd) => Some(fd.as_raw_fd()),
            _ => None,
        }
    }

    /// Writes as much as can be written at once.
    ///
    /// # Errors
    /// EAGAIN if that is nothing; EPIPE if nobody reads (SIGPIPE is blocked, and arrives as a signal
    /// of sexton's own); EBADF if it is closed.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match &self.kind {
            Kind::Closed => Err(Errno::EBADF),
            Kind::Socket => send(self.fd, bytes),
            Kind::Reopened(fd) => write(fd.as_raw_fd(), bytes),
            Kind::SharedPipe => {
                write_if_writable(self.fd, bytes.get(..libc::PIPE_BUF).unwrap_or(bytes))
            }
            Kind::SharedTerminal => write_to_terminal(self.fd, bytes),
            Kind::File => write(self.fd, bytes),
        }
    }
}

/// What poll(2) calls a writable pipe takes PIPE_BUF bytes, unless another writer is quicker. Only then, and
/// only where it cannot be opened again, can this block.
fn write_if_writable(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    if is_writable(fd) { write(fd, bytes) } else { Err(Errno::EAGAIN) }
}

/// What poll(2) calls a writable terminal takes a few bytes, and then perhaps no more: the room of a
/// pseudo-terminal comes in pieces of 256 bytes, each of which is used up by what is written next, however
/// little, and a line's end is written by itself.
fn write_to_terminal(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    const PIECE: usize = 128;
    let is_inner = |a: &u8, b: &u8| *a != b'\n' && *b != b'\n';
    let mut written = 0;
    for piece in bytes.chunk_by(is_inner).flat_map(|line| line.chunks(PIECE)) {
        match write_if_writable(fd, piece) {
            Ok(length) => written += length,
            Err(errno) if written == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(written)
}

fn write(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: reads no more than the slice.
    let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    Errno::result(written).map(isize::unsigned_abs)
}

fn send(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: reads no more than the slice.
    let sent = unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) };
    Errno::result(sent).map(isize::unsigned_abs)
}

fn is_writable(fd: RawFd) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one live entry, and no waiting.
    unsafe { libc::poll(&raw mut poll, 1, 0) > 0 }
}
