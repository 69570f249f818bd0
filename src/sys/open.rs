//! Opening files, and reading what they begin with or hold.

use super::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::Mode;
use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Opens a file. The call is raw: musl's sets close-on-exec a second time, for kernels before 2.6.23.
///
/// # Errors
/// Those of open(2).
pub fn open(path: &CStr, flags: OFlag, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = (flags | OFlag::O_LARGEFILE).bits();
    // SAFETY: reads a string that ends with a null byte, and takes integers.
    let fd = Errno::result(unsafe {
        libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, mode.bits())
    })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Opens a file to read it.
///
/// # Errors
/// Those of open(2).
pub fn for_reading(path: &CStr) -> Result<OwnedFd, Errno> {
    open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
}

/// The next bytes of a file, as many as the kernel gives at once and the buffer holds; none at its end.
///
/// # Errors
/// Those of read(2).
pub fn next<'a>(file: &OwnedFd, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let length = nix::unistd::read(file, buffer)?;
    Ok(buffer.get(..length).unwrap_or_default())
}

/// The beginning of a file: as much of it as the kernel gives at once and the buffer holds.
///
/// # Errors
/// Those of open(2) and read(2).
pub fn beginning<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    next(&for_reading(path)?, buffer)
}

/// Appends all that is still to be read of a file.
///
/// # Errors
/// Those of read(2); EFBIG if it is more than `most` bytes, some of which have been appended then.
pub fn rest(file: &OwnedFd, contents: &mut Vec<u8>, most: usize) -> Result<(), Errno> {
    let before = contents.len();
    let mut chunk = [0; 4096];
    loop {
        let bytes = next(file, &mut chunk)?;
        if bytes.is_empty() {
            return Ok(());
        }
        contents.extend_from_slice(bytes);
        if contents.len() - before > most {
            return Err(Errno::EFBIG);
        }
    }
}
