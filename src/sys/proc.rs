//! Reading /proc (proc(5)) without allocating. All of it may be missing; then nothing is read.

use super::Errno;
use super::fds::open;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::Mode;
use std::ffi::CStr;
use std::fmt::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};

/// Whether /proc is there and shows the PID namespace of this process. In a namespace that was
/// entered without mounting its own, the numbers in /proc are those of other processes.
#[must_use]
pub fn is_own() -> bool {
    let mut target = [0u8; 16];
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let length =
        unsafe { libc::readlink(c"/proc/self".as_ptr(), target.as_mut_ptr().cast(), target.len()) };
    let target = usize::try_from(length).ok().and_then(|length| target.get(..length));
    let number = target.and_then(|target| std::str::from_utf8(target).ok()?.parse().ok());
    number == Some(super::process::id())
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// The letter of its state: R, S, D, Z, T, t, ...
    pub state: char,
    /// The parent's process ID; 0 if it is outside of the PID namespace.
    pub parent: i32,
    /// Start time in clock ticks since boot: it tells a process from a later one with the same ID.
    pub started: u64,
}

impl Stat {
    /// A process that has ended and is not reaped.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Reads `/proc/PID/stat`; `None` if the process is gone or hidden.
#[must_use]
pub fn stat(pid: i32) -> Option<Stat> {
    let mut buffer = [0; 512];
    parse_stat(read(format_args!("/proc/{pid}/stat\0"), &mut buffer)?)
}

/// The name is in parentheses and may hold any byte, parentheses too: the last one ends it.
fn parse_stat(stat: &[u8]) -> Option<Stat> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    // State and parent are fields 3 and 4, the starting time is field 22.
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let started = fields.nth(22 - 5)?.parse().ok()?;
    Some(Stat { state, parent, started })
}

/// Calls `visit` with each child of this process.
///
/// `/proc/self/task/TID/children` names hidden ones too (`hidepid`), and for this process the list is
/// exact: a child stays in it until it is reaped, which nobody else can do.
///
/// # Errors
/// /proc cannot be read, is that of another PID namespace, or the kernel has no CONFIG_PROC_CHILDREN.
pub fn for_each_child(mut visit: impl FnMut(i32)) -> Result<(), Errno> {
    if !is_own() {
        return Err(Errno::ENOENT);
    }
    let own = super::process::id();
    let file = open_file(format_args!("/proc/self/task/{own}/children\0")).ok_or(Errno::ENOENT)?;
    let mut buffer = [0; 4096];
    let mut number = 0;
    loop {
        let length = nix::unistd::read(&file, &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        // Each number has a space behind it, the last one too.
        for &byte in buffer.get(..length).unwrap_or_default() {
            if byte.is_ascii_digit() {
                number = number * 10 + i32::from(byte - b'0');
            } else {
                visit(std::mem::take(&mut number));
            }
        }
    }
}

/// The name of a process, for messages: at most 15 bytes, with anything unprintable replaced.
#[derive(Clone, Copy, Debug, Default)]
pub struct Name {
    bytes: [u8; 16],
    length: usize,
}

impl Name {
    /// Reads `/proc/PID/comm`; empty if that cannot be read.
    #[must_use]
    pub fn of(pid: i32) -> Name {
        let mut name = Name::default();
        if !is_own() {
            return name;
        }
        let mut buffer = [0; 16];
        let comm = read(format_args!("/proc/{pid}/comm\0"), &mut buffer).unwrap_or_default();
        for (slot, &byte) in name.bytes.iter_mut().zip(comm.strip_suffix(b"\n").unwrap_or(comm)) {
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

/// ` (name)`, or nothing.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            "" => Ok(()),
            name => write!(f, " ({name})"),
        }
    }
}

/// The entries of a directory that are numbers, some at a time.
pub struct Numbers(OwnedFd);

impl Numbers {
    /// The process IDs in /proc. Every process that lives as long as the reading takes is among them.
    ///
    /// # Errors
    /// /proc cannot be read; ENOENT if it is that of another PID namespace.
    pub fn of_processes() -> Result<Numbers, Errno> {
        if is_own() { Numbers::of(c"/proc") } else { Err(Errno::ENOENT) }
    }

    /// How many there are.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn count(self) -> Result<u64, Errno> {
        let mut count = 0;
        self.visit_all(|_| count += 1)?;
        Ok(count)
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
    pub fn visit_some(&mut self, visit: &mut impl FnMut(i32)) -> Result<bool, Errno> {
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
    pub fn visit_all(mut self, mut visit: impl FnMut(i32)) -> Result<(), Errno> {
        while self.visit_some(&mut visit)? {}
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

/// The beginning of a file, of the path that is formatted with a null byte at its end.
fn read<'a>(path: fmt::Arguments, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = nix::unistd::read(&open_file(path)?, buffer).ok()?;
    buffer.get(..length)
}

fn open_file(path: fmt::Arguments) -> Option<OwnedFd> {
    let mut formatted = Text::default();
    formatted.write_fmt(path).ok()?;
    let path = CStr::from_bytes_until_nul(&formatted.bytes).ok()?;
    open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()
}

/// A short text on the stack, such as a path.
pub(super) struct Text {
    bytes: [u8; 48],
    length: usize,
}

impl Text {
    /// What was written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Default for Text {
    fn default() -> Text {
        Text { bytes: [0; 48], length: 0 }
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_the_last_parenthesis() {
        let fields = (4..=52).map(|n| (n * 10).to_string()).collect::<Vec<_>>().join(" ");
        for name in ["sh", "a b", ") R 7 (", "", "\u{fffd}"] {
            let stat = format!("42 ({name}) S {fields}\n");
            let expected = Stat { state: 'S', parent: 40, started: 220 };
            assert_eq!(parse_stat(stat.as_bytes()), Some(expected), "{name:?}");
        }
        assert_eq!(parse_stat(b"42 (sh) S 1 2 3"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn this_process_is_found_with_its_parent_and_name() {
        let own = std::process::id() as i32;
        let mut found = false;
        Numbers::of_processes().unwrap().visit_all(|pid| found |= pid == own).unwrap();
        assert!(found);
        assert_eq!(stat(own).unwrap().parent, std::os::unix::process::parent_id() as i32);
        assert!(Name::of(own).to_string().starts_with(" ("));
        assert_eq!(stat(i32::MAX), None);
        assert_eq!(Name::of(i32::MAX).to_string(), "");
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        assert_eq!(Numbers::of(c"/no/such").map(drop), Err(Errno::ENOENT));
    }
}
