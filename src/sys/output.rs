//! Writing to a stream that sexton was started with, without ever blocking.
//!
//! The file behind the descriptor is shared with the command and perhaps others, so it cannot be made
//! non-blocking: that flag is shared too. What works depends on what it is, and on what sexton may do:
//!
//! | the stream | how it is written to |
//! | --- | --- |
//! | a socket | each call is non-blocking (MSG_DONTWAIT, send(2)) |
//! | a pipe or a terminal | opened a second time through /proc: the new open file has flags of its own |
//! | a terminal that cannot be | if it is the controlling terminal, `/dev/tty` is opened, which takes no right to it |
//! | a pipe that cannot be | RWF_NOWAIT of pwritev2(2), since Linux 6.4; else SPLICE_F_NONBLOCK of splice(2) |
//! | a terminal beyond all that | poll(2), then so few bytes that they fit, unless another writer comes between |

use super::fds::{above_stdio, borrow};
use super::open::open;
use super::{Errno, fds, tty};
use crate::text::fixed::Fixed;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::{Mode, SFlag, fstat};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// A stream that sexton was started with, or nothing if it was closed.
pub struct Output {
    fd: RawFd,
    kind: Kind,
    /// The user ID of the owner of what it is.
    owner: u32,
    /// What [`Kind::Pipe`] and [`Kind::Terminal`] were opened as a second time, for as long as sexton runs: the
    /// descriptor, [`NOT_YET`] or [`NOT_POSSIBLE`].
    again: AtomicI32,
}

const NOT_YET: RawFd = -1;
const NOT_POSSIBLE: RawFd = -2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Closed,
    Socket,
    Pipe,
    /// Or another character device.
    Terminal,
    /// A regular file, or `/dev/null`.
    File,
    /// The kernel, or a filter, does not say.
    Unknown,
}

impl Output {
    /// Standard error.
    #[must_use]
    pub fn stderr() -> Output {
        Output::new(fds::STDERR)
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Output {
        Output::new(fds::STDOUT)
    }

    /// A stream that sexton keeps open. Looks at what it is, once: a descriptor that is closed now could be another
    /// file's later.
    #[must_use]
    pub fn new(fd: RawFd) -> Output {
        let (kind, owner) = match fstat(borrow(fd)) {
            Ok(stat) => (Kind::of(stat.st_mode, stat.st_rdev), stat.st_uid),
            Err(Errno::EBADF) => (Kind::Closed, 0),
            Err(_) => (Kind::Unknown, 0),
        };
        Output { fd, kind, owner, again: AtomicI32::new(NOT_YET) }
    }

    /// Opens a pipe or a terminal a second time now, if it is not the first write that is to do it: because later
    /// sexton may not have the right to.
    pub fn secure(&self) {
        self.opened_again();
    }

    /// The stream's own descriptor.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.fd
    }

    /// The user who may open it again without any capability, if that is of interest.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        matches!(self.kind, Kind::Pipe | Kind::Terminal).then_some(self.owner)
    }

    /// The descriptor that this holds besides the stream's own.
    #[must_use]
    pub fn own_descriptor(&self) -> Option<RawFd> {
        Some(self.again.load(Ordering::Relaxed)).filter(|&again| again >= 0)
    }

    /// Writes as much as can be written at once.
    ///
    /// # Errors
    /// EAGAIN if that is nothing; EPIPE if nobody reads (SIGPIPE is blocked, and arrives as a signal
    /// of sexton's own); EBADF if it is closed.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self.kind {
            Kind::Closed => Err(Errno::EBADF),
            Kind::Socket => send(self.fd, bytes),
            Kind::File => write(self.fd, bytes),
            Kind::Unknown => write_to_shared_pipe(self.fd, bytes),
            Kind::Pipe | Kind::Terminal => match self.opened_again() {
                Some(again) => write(again, bytes),
                None if self.kind == Kind::Pipe => write_to_shared_pipe(self.fd, bytes),
                None => write_to_shared_terminal(self.fd, bytes),
            },
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// Those of [`Output::write`]; a part may have been written.
    pub fn write_all(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let written = self.write(bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn opened_again(&self) -> Option<RawFd> {
        let is_due = matches!(self.kind, Kind::Pipe | Kind::Terminal)
            && self.again.load(Ordering::Relaxed) == NOT_YET;
        if is_due {
            let again = open_again(self.fd, self.kind).map_or(NOT_POSSIBLE, OwnedFd::into_raw_fd);
            self.again.store(again, Ordering::Relaxed);
        }
        self.own_descriptor()
    }
}

impl Kind {
    fn of(mode: libc::mode_t, device: libc::dev_t) -> Kind {
        const NULL: libc::dev_t = libc::makedev(1, 3); // the kernel's admin-guide/devices.txt
        match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
            SFlag::S_IFCHR if device == NULL => Kind::File,
            SFlag::S_IFSOCK => Kind::Socket,
            SFlag::S_IFIFO => Kind::Pipe,
            SFlag::S_IFCHR => Kind::Terminal,
            _ => Kind::File,
        }
    }
}

/// Opens a descriptor above 2, with flags of its own.
fn open_again(fd: RawFd, kind: Kind) -> Option<OwnedFd> {
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let path = Fixed::of(format_args!("/proc/self/fd/{fd}\0")).ok()?;
    let again = match open(path.as_c_str(), flags, Mode::empty()) {
        Ok(again) => again,
        Err(_) if kind == Kind::Terminal => tty::open_again(borrow(fd).as_fd())?,
        Err(_) => return None,
    };
    above_stdio(again).ok()
}

/// Writes PIPE_BUF bytes at most, all or nothing, to a pipe whose open file is shared and may block. Another
/// writer may fill it meanwhile, so the write itself has a flag that keeps the kernel from waiting. poll(2) comes last,
/// where a filter or a kernel has neither call for that.
fn write_to_shared_pipe(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    let bytes = bytes.get(..libc::PIPE_BUF).unwrap_or(bytes);
    let result = match write_now(fd, bytes) {
        Err(errno) if is_no_such_call(errno) => splice_now(fd, bytes),
        result => result,
    };
    match result {
        Err(errno) if is_no_such_call(errno) => write_if_writable(fd, bytes),
        result => result,
    }
}

/// What the kernel says of a call or a flag that it does not know, or not for this file (a FIFO that was opened by its
/// name has no RWF_NOWAIT); and what a filter says.
fn is_no_such_call(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EINVAL | Errno::EPERM)
}

/// pwritev2(2) with RWF_NOWAIT.
fn write_now(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    const AT_ITS_OFFSET: libc::c_long = -1; // in two halves
    let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: reads one live entry, and no more than the slice, which it does not write to.
    let written = unsafe {
        libc::syscall(
            libc::SYS_pwritev2,
            fd,
            &raw const part,
            1,
            AT_ITS_OFFSET,
            AT_ITS_OFFSET,
            libc::RWF_NOWAIT,
        )
    };
    Errno::result(written).map(|written| usize::try_from(written).unwrap_or(0))
}

/// Through a pipe of its own, from which the kernel moves the page as a whole (splice(2)). That takes a page that is
/// free altogether: less fits than by write(2).
fn splice_now(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    // Without it there may be no way to write that never blocks: not one of the errors to go on at.
    let (from, to) = fds::pipe().map_err(|_| Errno::EAGAIN)?;
    let length = nix::unistd::write(&to, bytes)?; // it is empty
    let null = std::ptr::null_mut();
    // SAFETY: takes integers, and no offsets.
    let moved =
        unsafe { libc::splice(from.as_raw_fd(), null, fd, null, length, libc::SPLICE_F_NONBLOCK) };
    Errno::result(moved).map(isize::unsigned_abs)
}

/// What poll(2) calls a writable pipe takes PIPE_BUF bytes, unless another writer is quicker: then this blocks.
fn write_if_writable(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    if is_writable(fd) { write(fd, bytes) } else { Err(Errno::EAGAIN) }
}

/// What poll(2) calls a writable terminal takes a few bytes, and then perhaps no more: the room of a
/// pseudo-terminal comes in pieces of 256 bytes, each of which is used up by what is written next, however
/// little, and a line's end is written by itself.
fn write_to_shared_terminal(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
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
