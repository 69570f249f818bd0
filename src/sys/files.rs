//! Files that the user names or that say who users are.

use super::fds::open;
use super::{Errno, fds};
use crate::plan::Redirection;
use crate::steps::{OwnedStream, Stream};
use nix::fcntl::{AtFlags, OFlag};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{AccessFlags, Uid, faccessat, fchown, isatty};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};

/// More than any user database in a container; it is read into memory.
const LARGEST: usize = 64 << 20;

/// The contents of a regular file; `None` if there is none of that name.
///
/// # Errors
/// EACCES and others of open(2); EINVAL for what is no regular file, EFBIG for one above 64 MiB.
pub fn contents(path: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    // Not blocking: a FIFO has no writer, perhaps for ever.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let mode = fstat(&file)?.st_mode;
    if SFlag::from_bits_truncate(mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Errno::EINVAL);
    }
    let mut contents = Vec::new();
    fds::rest(&file, &mut contents, LARGEST)?;
    Ok(Some(contents))
}

/// A directory to look up relative paths in.
///
/// # Errors
/// Those of open(2).
pub fn directory(path: &CStr) -> Result<OwnedFd, Errno> {
    open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

/// Whether a file is there, and could be executed by this process (faccessat(2)).
///
/// # Errors
/// It is not there; ENOENT, ENOTDIR and others of open(2).
pub fn is_executable(directory: &OwnedFd, path: &CStr) -> Result<bool, Errno> {
    faccessat(directory, path, AccessFlags::F_OK, AtFlags::empty())?;
    let is_file = |stat: FileStat| SFlag::from_bits_truncate(stat.st_mode).contains(SFlag::S_IFREG);
    Ok(faccessat(directory, path, AccessFlags::X_OK, AtFlags::empty()).is_ok()
        && fstatat(directory, path, AtFlags::empty()).is_ok_and(is_file))
}

/// What a standard stream is, if it is a pipe or a terminal: those can be opened again through /proc.
#[must_use]
pub fn owned_stream(stream: Stream) -> Option<OwnedStream> {
    let descriptor = borrow(stream);
    let stat = fstat(descriptor).ok()?;
    let owned = |terminal| Some(OwnedStream { owner: stat.st_uid, terminal });
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFIFO => owned(false),
        SFlag::S_IFCHR if isatty(descriptor).is_ok_and(|it_is| it_is) => owned(true),
        _ => None,
    }
}

/// Makes a user the owner of what a standard stream is.
///
/// # Errors
/// EPERM without CAP_CHOWN; EINVAL for an ID that the user namespace does not map.
pub fn give_stream(stream: Stream, uid: u32) -> Result<(), Errno> {
    fchown(borrow(stream), Some(Uid::from_raw(uid)), None)
}

fn borrow(stream: Stream) -> BorrowedFd<'static> {
    // SAFETY: a descriptor number that may be closed, which the calls report; it is not kept.
    unsafe { BorrowedFd::borrow_raw(stream as i32) }
}

/// Opens a file in place of a standard stream. Waits for the other end of a FIFO, as a shell does.
///
/// # Errors
/// Those of open(2).
pub fn redirect(stream: Stream, file: &Redirection) -> Result<(), Errno> {
    let how = match (stream, file.append) {
        (Stream::Input, _) => OFlag::O_RDONLY,
        (_, false) => OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC,
        (_, true) => OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND,
    };
    let mode = Mode::from_bits_truncate(0o666);
    put(open(file.path.as_c_str(), how | OFlag::O_NOCTTY, mode)?, stream)
}

/// What becomes of what a file holds already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// It is emptied.
    Replaced,
    /// Something is added at its end.
    Kept,
    /// The same, but the file must be there.
    KeptIfThere,
}

/// Opens a file for writing, at a descriptor above 2. Does not block.
///
/// # Errors
/// Those of open(2); ENXIO for a FIFO that nobody reads.
pub fn open_for_writing(path: &CStr, content: Content) -> Result<OwnedFd, Errno> {
    let how = match content {
        Content::Replaced => OFlag::O_CREAT | OFlag::O_TRUNC,
        Content::Kept => OFlag::O_CREAT | OFlag::O_APPEND,
        Content::KeptIfThere => OFlag::O_APPEND,
    };
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mode = Mode::from_bits_truncate(0o644);
    fds::above_stdio(open(path, flags | how | OFlag::O_CLOEXEC, mode)?)
}

/// How many bytes are in a file; 0 for what is no regular file.
#[must_use]
pub fn size(file: &OwnedFd) -> u64 {
    fstat(file).ok().and_then(|stat| u64::try_from(stat.st_size).ok()).unwrap_or(0)
}

/// Makes standard error the same open file as standard output.
///
/// # Errors
/// EBADF if that is closed.
pub fn share_output() -> Result<(), Errno> {
    duplicate(Stream::Output as i32, Stream::Error as i32)
}

/// Puts an open file where a stream is.
fn put(file: OwnedFd, stream: Stream) -> Result<(), Errno> {
    let target = stream as i32;
    if file.as_raw_fd() == target {
        // It landed there by itself; it stays.
        let _ = file.into_raw_fd();
        return Ok(());
    }
    duplicate(file.as_raw_fd(), target)
}

fn duplicate(from: i32, to: i32) -> Result<(), Errno> {
    // SAFETY: only for the child, which is to have these streams; nothing in it owns 0 to 2.
    Errno::result(unsafe { libc::dup2(from, to) }).map(drop)
}

/// Closes all descriptors but the standard streams, so many after them, and one that exec closes.
pub fn close_others(kept: i32, pipe: &OwnedFd) {
    if let Some(first) = kept.checked_add(fds::STDERR + 1) {
        fds::close_from(first, &[pipe.as_raw_fd()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_whole_or_not_there() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml\0");
        let manifest = CStr::from_bytes_with_nul(manifest.as_bytes()).unwrap();
        let expected =
            std::fs::read(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml").unwrap();
        assert_eq!(contents(manifest), Ok(Some(expected)));
        assert_eq!(contents(c"/no/such"), Ok(None));
        assert_eq!(contents(c"/etc/passwd/x"), Ok(None));
        assert_eq!(contents(c"/"), Err(Errno::EINVAL));
        assert_eq!(contents(c"/dev/null"), Err(Errno::EINVAL));
    }
}
