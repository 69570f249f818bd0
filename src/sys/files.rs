//! Files that the user names or that say who users are.

use super::fds::borrow;
use super::open::{self, open};
use super::{Errno, fds};
use crate::values::stdio::{OwnedStream, Redirection, Stream};
use nix::fcntl::{AT_FDCWD, FcntlArg, OFlag, fcntl, renameat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, stat};
use nix::unistd::{
    AccessFlags, Uid, Whence, access, fchown, ftruncate, isatty, lseek, read, unlink,
};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

/// More than any user database in a container; it is read into memory.
const LARGEST: usize = 64 << 20;

/// The contents of a regular file; `None` if there is none of that name.
///
/// # Errors
/// EACCES and others of open(2); EINVAL for what is no regular file, EFBIG for one above 64 MiB.
pub fn contents(path: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    contents_up_to(path, LARGEST)
}

/// The same with another limit, in bytes.
///
/// # Errors
/// As for [`contents`], but EFBIG is for more than `most` bytes.
pub fn contents_up_to(path: &CStr, most: usize) -> Result<Option<Vec<u8>>, Errno> {
    let file = match open_regular(path) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let mut contents = Vec::new();
    open::rest(&file, &mut contents, most)?;
    Ok(Some(contents))
}

/// Opens a regular file for reading.
///
/// # Errors
/// Those of open(2); EINVAL for what is no regular file.
pub fn open_regular(path: &CStr) -> Result<OwnedFd, Errno> {
    // Not blocking: a FIFO has no writer, perhaps for ever.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    let mode = fstat(&file)?.st_mode;
    if SFlag::from_bits_truncate(mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Errno::EINVAL);
    }
    Ok(file)
}

/// The bytes of a file from this place on: as many as the buffer holds, or the file has.
///
/// # Errors
/// Those of lseek(2) and read(2).
pub fn read_at<'a>(file: &OwnedFd, at: u64, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let at = i64::try_from(at).map_err(|_| Errno::EINVAL)?;
    lseek(file, at, Whence::SeekSet)?;
    let length = read(file, buffer)?;
    Ok(buffer.get(..length).unwrap_or_default())
}

/// What a file is, and who may do what with it.
pub struct Status {
    /// It is a directory.
    pub is_directory: bool,
    /// Nine bits: read, write and execute for the owner, the group, and others.
    pub permissions: u32,
}

/// What a file is, or what the link leads to (stat(2)).
///
/// # Errors
/// ENOENT, ENOTDIR, EACCES and others of stat(2).
pub fn status(path: &CStr) -> Result<Status, Errno> {
    let stat = stat(path)?;
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    Ok(Status { is_directory: kind == SFlag::S_IFDIR, permissions: stat.st_mode & 0o777 })
}

/// A file by its place, and whether it is a directory. It need not be readable (O_PATH, open(2)).
///
/// # Errors
/// ENOENT, ENOTDIR, EACCES and others of open(2).
#[cfg(feature = "landlock")]
pub fn located(path: &CStr) -> Result<(OwnedFd, bool), Errno> {
    let file = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let mode = fstat(&file)?.st_mode;
    let kind = SFlag::from_bits_truncate(mode) & SFlag::S_IFMT;
    Ok((file, kind == SFlag::S_IFDIR))
}

/// Whether a file is on a file system on which nothing can be executed (statfs(2)).
#[must_use]
pub fn is_on_noexec(path: &CStr) -> bool {
    // The fields of the structure are as wide as a register, but not on all machines.
    const FLAGS: usize = 10;
    let mut fields = [0usize; 32];
    if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")) {
        return false;
    }
    // SAFETY: reads a string, and writes a structure of 120 bytes to a buffer that is larger.
    let result = unsafe { libc::syscall(libc::SYS_statfs, path.as_ptr(), fields.as_mut_ptr()) };
    let noexec = libc::ST_NOEXEC as usize;
    result == 0 && fields.get(FLAGS).is_some_and(|flags| flags & noexec != 0)
}

/// The working directory; none if it has been deleted, or is outside of the root directory (getcwd(2)). Never inlined:
/// its buffer would keep a page of the stack between a caller and what that calls.
#[inline(never)]
#[must_use]
pub fn working_directory() -> Option<CString> {
    let mut buffer = [0u8; libc::PATH_MAX as usize];
    // SAFETY: the kernel writes at most as many bytes as the buffer has, the last of which is zero.
    let result = unsafe { libc::syscall(libc::SYS_getcwd, buffer.as_mut_ptr(), buffer.len()) };
    Errno::result(result).ok()?;
    let path = CStr::from_bytes_until_nul(&buffer).ok()?;
    path.to_bytes().starts_with(b"/").then(|| path.to_owned())
}

/// Whether this process may execute a file, or search a directory (access(2)).
///
/// # Errors
/// It may not: EACCES; there is none: ENOENT, ENOTDIR and others of access(2).
pub fn check_executable(path: &CStr) -> Result<(), Errno> {
    access(path, AccessFlags::X_OK)
}

/// Whether there is a file of this name, or what a link of this name leads to.
#[must_use]
pub fn exists(path: &CStr) -> bool {
    access(path, AccessFlags::F_OK).is_ok()
}

/// What a standard stream is, if it is a pipe or a terminal: those can be opened again through /proc.
#[must_use]
pub fn owned_stream(stream: Stream) -> Option<OwnedStream> {
    let descriptor = borrow(stream as i32);
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
    fchown(borrow(stream as i32), Some(Uid::from_raw(uid)), None)
}

/// Opens a file in place of a standard stream. Waits for the other end of a FIFO, as a shell does.
///
/// If it turns out to be the file that an output is already, by whatever name, there is no second open file of it:
/// that would empty it, and overwrite what the other writes.
///
/// # Errors
/// Those of open(2) and ftruncate(2).
pub fn redirect(stream: Stream, file: &Redirection) -> Result<(), Errno> {
    let writing = stream != Stream::Input;
    let how = match (writing, file.append) {
        (false, _) => OFlag::O_RDONLY,
        (true, false) => OFlag::O_WRONLY | OFlag::O_CREAT,
        (true, true) => OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND,
    };
    let mode = Mode::from_bits_truncate(0o666);
    let opened = open(file.path.as_c_str(), how | OFlag::O_NOCTTY, mode)?;
    if writing && !file.append && is_regular(&opened) {
        if let Some(same) = same_output(&opened) {
            drop(opened); // it may have landed where the stream belongs
            return duplicate(same, stream as i32);
        }
        empty(&opened)?;
    }
    put(opened, stream)
}

/// Makes standard streams of descriptors, all at once, because one of them may be what another is to be.
///
/// # Errors
/// EBADF if one is closed; EMFILE.
pub fn duplicate_all(from: &[Option<i32>; 3]) -> Result<(), Errno> {
    let mut held = [None, None, None];
    for (slot, from) in held.iter_mut().zip(from) {
        *slot = from.map(fds::duplicate_above_stdio).transpose()?;
    }
    for (stream, from) in Stream::ALL.into_iter().zip(held) {
        if let Some(from) = from {
            duplicate(from.as_raw_fd(), stream as i32)?;
        }
    }
    Ok(())
}

/// What becomes of what a file holds already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Something is added at its end. If the file is not there, it is made.
    Kept,
    /// The same, but the file must be there.
    KeptIfThere,
}

/// Opens a file for writing at its end, at a descriptor above 2. Does not block.
///
/// # Errors
/// Those of open(2); ENXIO for a FIFO that nobody reads.
pub fn open_for_writing(path: &CStr, content: Content) -> Result<OwnedFd, Errno> {
    let create = match content {
        Content::Kept => OFlag::O_CREAT,
        Content::KeptIfThere => OFlag::empty(),
    };
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mode = Mode::from_bits_truncate(0o644);
    fds::above_stdio(open(path, flags | create | OFlag::O_CLOEXEC, mode)?)
}

/// Creates a file that its owner alone can use. It must not be there, not even as a link.
///
/// # Errors
/// Those of open(2): EEXIST, ENOSPC.
pub fn create(path: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    open(path, flags, Mode::from_bits_truncate(0o600))
}

/// Sets a file's mode (fchmod(2)).
///
/// # Errors
/// Those of fchmod(2).
pub fn set_mode(file: &OwnedFd, mode: u32) -> Result<(), Errno> {
    fchmod(file, Mode::from_bits_truncate(mode))
}

/// Renames a file, over what has the other name (rename(2)).
///
/// # Errors
/// EISDIR, and others of rename(2).
pub fn rename(from: &CStr, to: &CStr) -> Result<(), Errno> {
    renameat(AT_FDCWD, from, AT_FDCWD, to)
}

/// Removes a file (unlink(2)).
///
/// # Errors
/// Those of unlink(2).
pub fn remove(path: &CStr) -> Result<(), Errno> {
    unlink(path)
}

/// Whether it is a regular file.
#[must_use]
pub fn is_regular(file: &OwnedFd) -> bool {
    let kind = |stat: FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    fstat(file).is_ok_and(|stat| kind(stat) == SFlag::S_IFREG)
}

/// The descriptor of standard output or standard error, if that is this very file and open for writing.
#[must_use]
pub fn same_output(file: &OwnedFd) -> Option<i32> {
    let of = |stat: FileStat| (stat.st_dev, stat.st_ino);
    let this = of(fstat(file).ok()?);
    let is_same = |fd: &i32| {
        *fd != file.as_raw_fd() // it may have landed there
            && fstat(borrow(*fd)).is_ok_and(|stat| of(stat) == this)
            && fds::check(*fd, true).is_ok()
    };
    [fds::STDOUT, fds::STDERR].into_iter().find(is_same)
}

/// Empties a file, if there is anything in it.
///
/// # Errors
/// Those of ftruncate(2).
pub fn empty(file: &OwnedFd) -> Result<(), Errno> {
    if size(file) > 0 { ftruncate(file, 0) } else { Ok(()) }
}

/// Keeps others from doing the same to the file, as long as it is open here; does not wait for them (F_OFD_SETLK,
/// fcntl(2)).
///
/// # Errors
/// EAGAIN or EACCES if another has it; others where a file system has no locks.
pub fn lock(file: &OwnedFd) -> Result<(), Errno> {
    let whole = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&whole)).map(drop)
}

/// Where a symbolic link leads, as much of it as the buffer holds (readlink(2)).
///
/// # Errors
/// Those of readlink(2): ENOENT, EINVAL for what is no link.
pub fn link<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let length = unsafe { libc::readlink(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let length = Errno::result(length)?.unsigned_abs();
    Ok(buffer.get(..length).unwrap_or_default())
}

/// Device and inode of the file that a path leads to (stat(2)).
///
/// # Errors
/// Those of stat(2).
pub fn identity(path: &CStr) -> Result<(u64, u64), Errno> {
    nix::sys::stat::stat(path).map(|stat| (stat.st_dev, stat.st_ino))
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
pub fn close_others(kept: i32, own: Option<&OwnedFd>) {
    if let Some(first) = kept.checked_add(fds::STDERR + 1) {
        fds::close_from(first, own.map(AsRawFd::as_raw_fd).into_iter());
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
