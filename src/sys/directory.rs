//! Directories whose entries are numbers, read without allocating (getdents64(2)).

use super::Errno;
use super::open::open;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::{Mode, fstat};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, OwnedFd};

/// The entries of a directory that are numbers, some at a time.
pub struct Numbers(OwnedFd);

impl Numbers {
    /// How many there are.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn count(self) -> Result<u64, Errno> {
        let mut count = 0;
        self.visit_all(&mut |_| count += 1)?;
        Ok(count)
    }

    /// The size that the kernel gives the directory.
    ///
    /// # Errors
    /// None that fstat(2) lists apply.
    pub fn size(&self) -> Result<u64, Errno> {
        fstat(&self.0).map(|stat| stat.st_size.unsigned_abs())
    }

    /// Those in a directory.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn of(directory: &CStr) -> Result<Numbers, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        open(directory, flags, Mode::empty()).map(Numbers)
    }

    /// The descriptor that it is read through.
    #[must_use]
    pub fn descriptor(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Calls `visit` with some twenty of them; whether there may be more.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn visit_some(&mut self, visit: &mut dyn FnMut(i32)) -> Result<bool, Errno> {
        let mut buffer = [0u8; 512];
        let filled = next_entries(&self.0, &mut buffer)?;
        let mut rest = buffer.get(..filled).unwrap_or_default();
        while let Some((name, after)) = split_entry(rest) {
            if let Ok(number) = std::str::from_utf8(name).unwrap_or_default().parse() {
                visit(number);
            }
            rest = after;
        }
        Ok(filled > 0)
    }

    /// Calls `visit` with all that are left.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn visit_all(mut self, visit: &mut dyn FnMut(i32)) -> Result<(), Errno> {
        while self.visit_some(visit)? {}
        Ok(())
    }

    /// Calls `visit` with those that are left as long as it returns true.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn visit_while(mut self, visit: &mut dyn FnMut(i32) -> bool) -> Result<(), Errno> {
        let mut wanted = true;
        while wanted && self.visit_some(&mut |number| wanted = wanted && visit(number))? {}
        Ok(())
    }
}

/// Fills the buffer with directory entries (getdents64(2)); `opendir` would allocate.
fn next_entries(directory: &OwnedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let filled = unsafe {
        libc::syscall(
            libc::SYS_getdents64,
            directory.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    };
    Errno::result(filled).map(|filled| usize::try_from(filled).unwrap_or(0))
}

/// The name of the first `struct linux_dirent64`, and the entries after it.
fn split_entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    const LENGTH_AT: usize = 16; // after the 64-bit inode and offset
    const NAME_AT: usize = 19; // after the 16-bit length and the type
    let length = entries.get(LENGTH_AT..LENGTH_AT + 2)?;
    let length = usize::from(u16::from_ne_bytes(length.try_into().ok()?));
    let (entry, after) = entries.split_at_checked(length)?;
    let name = CStr::from_bytes_until_nul(entry.get(NAME_AT..)?).ok()?;
    Some((name.to_bytes(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        assert_eq!(Numbers::of(c"/no/such").map(drop), Err(Errno::ENOENT));
    }
}
