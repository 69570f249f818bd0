//! `--install`: a copy of this program at another path, for images that have no `cp`.

#![forbid(unsafe_code)]

use crate::sys::{Errno, clock, fds, files, itself, open, reason};
use crate::text::escape::Quoted;
use crate::values::error::Error;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};

/// Everybody may execute the copy.
const MODE: u32 = 0o755;

/// Copies this program to a path. The copy is written beside that, and then takes the place of what is there: so nobody
/// ever executes half a program, an older one may be running, and a link is replaced, wherever it leads.
///
/// # Errors
/// The directory is not there or cannot be written, or is full; the path is a directory.
#[inline(never)] // its buffer would be on the stack of every other run
pub fn run(path: &CStr) -> Result<(), Error> {
    let result = beside(path).and_then(|beside| {
        let installed = copy(&program()?, &beside).and_then(|()| files::rename(&beside, path));
        installed.inspect_err(|_| files::remove(&beside).unwrap_or_default())
    });
    result.map_err(|errno| {
        Error::unable(format_args!("install sexton as {}", Quoted(path)), reason(errno))
    })
}

/// A name in the same directory that nobody else uses.
fn beside(path: &CStr) -> Result<CString, Errno> {
    let now = clock::since_boot();
    let end = format!(".{}.{}", now.as_secs(), now.subsec_nanos());
    CString::new([path.to_bytes(), end.as_bytes()].concat()).map_err(|_| Errno::EINVAL)
}

/// This program's file.
fn program() -> Result<OwnedFd, Errno> {
    let opened = itself::files().into_iter().find_map(|path| open::for_reading(&path).ok());
    opened.ok_or(Errno::ENOENT)
}

fn copy(program: &OwnedFd, to: &CStr) -> Result<(), Errno> {
    let file = files::create(to)?;
    let mut buffer = [0; 4096];
    loop {
        let bytes = open::next(program, &mut buffer)?;
        if bytes.is_empty() {
            return files::set_mode(&file, MODE); // whatever the umask takes from a new file
        }
        fds::write_all(file.as_raw_fd(), bytes)?;
    }
}
