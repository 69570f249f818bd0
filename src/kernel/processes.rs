//! Reading /proc (proc(5)) without allocating. All of it may be missing; then nothing is read.

#![forbid(unsafe_code)]

use crate::kernel::procfs::{self, Stat, Status};
use crate::sys::directory::Numbers;
use crate::sys::{Errno, files, open, process, signals};
use crate::text::fixed::Fixed;
use std::fmt;
use std::os::fd::OwnedFd;

/// More than any file of /proc that is read as a whole.
const LARGEST: usize = 1 << 20;

/// Whether /proc is there and shows the PID namespace of this process. In a namespace that was
/// entered without mounting its own, the numbers in /proc are those of other processes.
#[must_use]
pub fn is_own() -> bool {
    let mut target = [0u8; 16];
    let target = files::link(c"/proc/self", &mut target).ok();
    let number = target.and_then(|target| std::str::from_utf8(target).ok()?.parse().ok());
    number == Some(process::id())
}

/// Whether this is the initial PID namespace, that of the kernel's own threads. Its number is always the same, from
/// Linux 3.8 on (PROC_PID_INIT_INO).
#[must_use]
pub fn is_in_initial_namespace() -> bool {
    let mut target = [0u8; 32];
    files::link(c"/proc/self/ns/pid", &mut target) == Ok(b"pid:[4026531836]")
}

/// Reads `/proc/PID/stat`; `None` if the process is gone or hidden.
#[must_use]
pub fn stat(pid: i32) -> Option<Stat> {
    let mut buffer = [0; 512];
    Stat::parse(read(pid, "stat", &mut buffer)?)
}

/// The same of a process that has not ended.
#[must_use]
pub fn living(pid: i32) -> Option<Stat> {
    stat(pid).filter(|stat| !stat.is_zombie())
}

/// Reads `/proc/PID/status`; `None` if the process is gone or hidden.
#[must_use]
pub fn status(pid: i32) -> Option<Status> {
    let mut buffer = [0; 4096];
    Some(Status::parse(read(pid, "status", &mut buffer)?))
}

/// Reads a whole file of `/proc/PID` in place of what a buffer holds.
///
/// # Errors
/// ENOENT or ESRCH: the process is gone; EACCES, EPERM: it is somebody else's; EFBIG for one above a mebibyte. What is
/// in the buffer then is unspecified.
pub fn file(pid: i32, name: &str, contents: &mut Vec<u8>) -> Result<(), Errno> {
    contents.clear();
    open::rest(&open_file(pid, name)?, contents, LARGEST)
}

/// The first `MOST` bytes of a process's arguments, each with a null byte behind it.
#[must_use]
pub fn command_line<const MOST: usize>(pid: i32) -> Vec<u8> {
    let mut buffer = [0; MOST];
    read(pid, "cmdline", &mut buffer).unwrap_or_default().to_vec()
}

/// How many descriptors a process has open; `None` if it is gone or somebody else's.
#[must_use]
pub fn open_files(pid: i32) -> Option<u64> {
    let path = path(pid, "fd").ok()?;
    let directory = Numbers::of(path.as_c_str()).ok()?;
    // Linux 6.2 shows the number as the size.
    let size = directory.size().ok()?;
    if size > 0 { Some(size) } else { directory.count().ok() }
}

/// Whether a process waits for a signal in sigtimedwait(2), with its first thread; `None` if it is gone or somebody
/// else's.
#[must_use]
pub fn awaits_signals(pid: i32) -> Option<bool> {
    let mut buffer = [0; 24];
    if let Some(call) = read(pid, "syscall", &mut buffer) {
        let number = std::str::from_utf8(call).ok()?.split_ascii_whitespace().next()?;
        return Some(number.parse() == Ok(signals::WAIT_CALL)); // or "running"
    }
    // That takes the right to trace it, which Yama may deny. This takes less, and shows 0 to those without it.
    let place = read(pid, "wchan", &mut buffer)?;
    (place != b"0").then(|| place.starts_with(b"do_sigtimedwait"))
}

/// Counts the TCP connections of the network namespace of a process (`/proc/PID/net/tcp`, proc(5)). `None` if they
/// cannot be seen.
#[must_use]
pub fn connections(pid: i32) -> Option<u64> {
    /// So much of a table is read: some 1,700 connections.
    const MOST: usize = 256 << 10;
    let mut table = procfs::Connections::default();
    let mut is_seen = false;
    for name in ["net/tcp", "net/tcp6"] {
        let Ok(file) = open_file(pid, name) else { continue };
        is_seen = true;
        let mut buffer = [0; 4096];
        let mut length = 0;
        while length < MOST
            && let Ok(bytes @ [_, ..]) = open::next(&file, &mut buffer)
        {
            length += bytes.len();
            table.read(bytes);
        }
    }
    is_seen.then_some(table.count)
}

/// Device and inode of the file that a process executes; `None` if it is gone or somebody else's.
#[must_use]
pub fn executable(pid: i32) -> Option<(u64, u64)> {
    let path = path(pid, "exe").ok()?;
    files::identity(path.as_c_str()).ok()
}

/// The process IDs in /proc. Every process that lives as long as the reading takes is among them.
///
/// # Errors
/// /proc cannot be read; ENOENT if it is that of another PID namespace.
pub fn numbers() -> Result<Numbers, Errno> {
    if is_own() { Numbers::of(c"/proc") } else { Err(Errno::ENOENT) }
}

/// Calls `visit` with each child of this process.
///
/// `/proc/self/task/TID/children` names hidden ones too (`hidepid`), and for this process the list is
/// exact: a child stays in it until it is reaped, which nobody else can do.
///
/// # Errors
/// /proc cannot be read, is that of another PID namespace, or the kernel has no CONFIG_PROC_CHILDREN.
pub fn for_each_child(visit: &mut dyn FnMut(i32)) -> Result<(), Errno> {
    if !is_own() {
        return Err(Errno::ENOENT);
    }
    let own = process::id();
    children_of_thread(own, own, visit).map_err(|_| Errno::ENOENT)
}

/// Calls `visit` with the children of another process. Each of its threads has a list; no more than `lists` are read,
/// which is what is left afterwards. A child may be missing if others end at the same time.
///
/// # Errors
/// /proc cannot be read, or the kernel has no CONFIG_PROC_CHILDREN; ENOENT: the process is gone.
pub fn visit_children(
    pid: i32,
    threads: u64,
    lists: &mut usize,
    visit: &mut dyn FnMut(i32),
) -> Result<(), Errno> {
    if threads == 1 {
        *lists = lists.saturating_sub(1);
        return children_of_thread(pid, pid, visit);
    }
    let folder = path(pid, "task")?;
    Numbers::of(folder.as_c_str())?.visit_while(&mut |thread| {
        *lists = lists.saturating_sub(1);
        children_of_thread(pid, thread, visit).ok();
        *lists > 0
    })
}

fn children_of_thread(pid: i32, thread: i32, visit: &mut dyn FnMut(i32)) -> Result<(), Errno> {
    let path = formatted(format_args!("/proc/{pid}/task/{thread}/children\0"))?;
    for_each_number(&open::for_reading(path.as_c_str())?, visit)
}

/// Calls `visit` with each number of a file that has a space or an end of line behind each, the last one too.
pub(super) fn for_each_number(file: &OwnedFd, visit: &mut dyn FnMut(i32)) -> Result<(), Errno> {
    let mut buffer = [0; 4096];
    let mut number: i32 = 0;
    loop {
        let bytes = open::next(file, &mut buffer)?;
        if bytes.is_empty() {
            return Ok(());
        }
        for &byte in bytes {
            if byte.is_ascii_digit() {
                number = number.wrapping_mul(10).wrapping_add(i32::from(byte - b'0'));
            } else {
                visit(std::mem::take(&mut number));
            }
        }
    }
}

/// The name of a process, which has at most 15 bytes, or of a kernel's function, for messages: at most 32 bytes, with
/// anything unprintable replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Name {
    bytes: [u8; 32],
    length: usize,
}

impl Name {
    /// Reads `/proc/PID/comm`; empty if that cannot be read.
    #[must_use]
    pub fn of(pid: i32) -> Name {
        if !is_own() {
            return Name::default();
        }
        let mut buffer = [0; 16];
        Name::parse(read(pid, "comm", &mut buffer).unwrap_or_default())
    }

    /// Reads `/proc/PID/wchan`: the function of the kernel in which a process sleeps. Empty if it does not sleep, or if
    /// this process may not see it.
    #[must_use]
    pub fn of_wait(pid: i32) -> Name {
        let mut buffer = [0; 32];
        let name = read(pid, "wchan", &mut buffer).unwrap_or_default();
        if name == b"0" { Name::default() } else { Name::parse(name) }
    }

    /// What that file says.
    #[must_use]
    pub fn parse(comm: &[u8]) -> Name {
        let mut name = Name::default();
        let comm = if let [text @ .., b'\n'] = comm { text } else { comm };
        for (slot, &byte) in name.bytes.iter_mut().zip(comm) {
            *slot = if byte.is_ascii_graphic() || byte == b' ' { byte } else { b'?' };
            name.length += 1;
        }
        name
    }
}

impl Name {
    /// The name; empty if it could not be read.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("")
    }
}

/// Whether a process of this name is a shell.
#[must_use]
#[inline(never)]
pub fn is_shell(name: &str) -> bool {
    ["sh", "bash", "dash", "ash", "busybox"].contains(&name)
}

/// ` (name)`, or nothing.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            "" => Ok(()),
            name => write!(f, " ({name})"),
        }
    }
}

/// The beginning of a file of a process.
fn read<'a>(pid: i32, name: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    open::beginning(path(pid, name).ok()?.as_c_str(), buffer).ok()
}

fn open_file(pid: i32, name: &str) -> Result<OwnedFd, Errno> {
    open::for_reading(path(pid, name)?.as_c_str())
}

fn path(pid: i32, name: &str) -> Result<Fixed, Errno> {
    formatted(format_args!("/proc/{pid}/{name}\0"))
}

/// A path that has a null byte at its end.
fn formatted(path: fmt::Arguments) -> Result<Fixed, Errno> {
    Fixed::of(path).map_err(|fmt::Error| Errno::ENAMETOOLONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_with_its_parent_and_name() {
        let own = std::process::id() as i32;
        let mut found = false;
        numbers().unwrap().visit_all(&mut |pid| found |= pid == own).unwrap();
        assert!(found);
        assert_eq!(stat(own).unwrap().parent, std::os::unix::process::parent_id() as i32);
        assert!(Name::of(own).to_string().starts_with(" ("));
        assert_eq!(stat(i32::MAX), None);
        assert_eq!(Name::of(i32::MAX).to_string(), "");
    }
}
