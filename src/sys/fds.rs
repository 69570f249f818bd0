//! Descriptors: sexton's own stay away from 0 to 2, and of the inherited ones only 0 to 2 stay.

use super::Errno;
use crate::values::stream_name::Unfit;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::pipe2;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Standard output.
pub const STDOUT: RawFd = libc::STDOUT_FILENO;

/// Standard error.
pub const STDERR: RawFd = libc::STDERR_FILENO;

/// A descriptor by its number, for calls that report it if it is closed.
pub(super) fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: no call closes what it borrows, and sexton closes none of those that it knows by their numbers alone as
    // long as it uses them.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Whether a descriptor that sexton was started with can be used; sexton's own, which an exec closes, cannot.
///
/// # Errors
/// Why not.
pub fn check(fd: RawFd, writing: bool) -> Result<(), Unfit> {
    let file = borrow(fd);
    let flags = fcntl(file, FcntlArg::F_GETFD).map_err(|_| Unfit::Closed)?;
    if FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC) {
        return Err(Unfit::Closed);
    }
    let status = fcntl(file, FcntlArg::F_GETFL).map_err(|_| Unfit::Closed)?;
    match OFlag::from_bits_truncate(status) & OFlag::O_ACCMODE {
        OFlag::O_RDONLY if writing => Err(Unfit::NotWritable),
        OFlag::O_WRONLY if !writing => Err(Unfit::NotReadable),
        _ => Ok(()),
    }
}

/// Whether a descriptor is one end of a pipe.
#[must_use]
pub fn is_pipe(fd: RawFd) -> bool {
    fstat(borrow(fd))
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}

/// Writes all of it. std's own hides that standard output is closed.
///
/// # Errors
/// EBADF, ENOSPC, EPIPE (SIGPIPE is blocked), EAGAIN for a full pipe that does not block, and others of
/// write(2).
pub fn write_all(fd: RawFd, mut bytes: &[u8]) -> Result<(), Errno> {
    let file = borrow(fd);
    while !bytes.is_empty() {
        let written = nix::unistd::write(file, bytes)?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// A close-on-exec pipe, read end first, both of whose ends are above 2.
///
/// # Errors
/// EMFILE, ENFILE.
pub fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((above_stdio(read)?, above_stdio(write)?))
}

/// A number that processes share by a descriptor above 2 (eventfd(2)): zero, and read without waiting. Where a pipe
/// would do, it takes one descriptor instead of two. Close-on-exec.
///
/// # Errors
/// EMFILE, ENFILE, ENOMEM.
pub fn shared_number() -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers only. The call is raw: `nix` has it in a feature of its own.
    let fd = Errno::result(unsafe {
        libc::syscall(libc::SYS_eventfd2, 0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)
    })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Adds to a [`shared_number`].
///
/// # Errors
/// EAGAIN if the sum would be too large; what a seccomp filter gives.
pub fn add(number: &OwnedFd, value: u64) -> Result<(), Errno> {
    nix::unistd::write(number, &value.to_ne_bytes()).map(drop)
}

/// Takes what was added to a [`shared_number`], which is zero afterwards.
///
/// # Errors
/// What a seccomp filter gives.
pub fn take(number: &OwnedFd) -> Result<u64, Errno> {
    let mut bytes = [0; size_of::<u64>()];
    match nix::unistd::read(number, &mut bytes) {
        Ok(_) => Ok(u64::from_ne_bytes(bytes)),
        Err(Errno::EAGAIN) => Ok(0), // it is zero already
        Err(errno) => Err(errno),
    }
}

/// The same open file at a descriptor above 2. If sexton was started with one of 0 to 2 closed, the command
/// must find it closed.
pub fn above_stdio(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() > STDERR {
        return Ok(fd);
    }
    duplicate_above_stdio(fd.as_raw_fd())
}

/// A descriptor above 2 of the same open file.
pub(super) fn duplicate_above_stdio(fd: RawFd) -> Result<OwnedFd, Errno> {
    let new = fcntl(borrow(fd), FcntlArg::F_DUPFD_CLOEXEC(STDERR + 1))?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// Closes every descriptor but the standard streams and those of `keep`, which are above 2.
pub fn close_inherited(keep: impl Iterator<Item = RawFd> + Clone) {
    close_from(STDERR + 1, keep);
}

/// Closes every descriptor from `first` on but those of `keep`, which are not below it.
///
/// Linux 5.9 does it with one call per gap; before that, what `/proc/self/fd` lists is closed, and
/// without /proc whatever the limit allows to be open.
pub fn close_from(mut first: RawFd, keep: impl Iterator<Item = RawFd> + Clone) {
    while let Some(kept) = keep.clone().filter(|&kept| kept >= first).min() {
        close_from_to(first, kept - 1);
        first = kept + 1;
    }
    close_from_to(first, RawFd::MAX);
}

fn close_from_to(first: RawFd, last: RawFd) {
    if first <= last && close_range(first, last).is_err() {
        close_one_by_one(first, last);
    }
}

fn close_range(first: RawFd, last: RawFd) -> Result<(), Errno> {
    // SAFETY: takes integers only. Nothing owns a descriptor in the range: it is called right after the
    // fork, in sexton with all of its own to keep, in the child with all that it still needs.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

fn close_one_by_one(first: RawFd, last: RawFd) {
    let close = |fd| {
        // SAFETY: as for close_range.
        unsafe { libc::close(fd) };
    };
    let read = super::directory::Numbers::of(c"/proc/self/fd").and_then(|numbers| {
        let own = numbers.descriptor();
        numbers.visit_all(&mut |fd| {
            if (first..=last).contains(&fd) && fd != own {
                close(fd);
            }
        })
    });
    if read.is_err() {
        // Past a million descriptors this would take longer than it is worth.
        const MOST: u64 = 1 << 20;
        let limit = super::limits::get(crate::values::rlimit::Resource::Nofile)
            .map_or(MOST, |l| l.hard.min(MOST));
        (first..=last).take_while(|&fd| (fd as u64) < limit).for_each(close);
    }
}
