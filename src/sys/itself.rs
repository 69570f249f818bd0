//! This program as it was started, and what it takes to start it once more.

use super::directory::Numbers;
use super::open;
use nix::libc;
use nix::sys::stat::stat;
use std::ffi::{CStr, CString, OsString, c_char};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;

unsafe extern "C" {
    /// The environment, each variable with its name (environ(7)).
    static environ: *const *const c_char;
}

/// The argument vector, byte for byte.
#[must_use]
pub fn arguments() -> Vec<CString> {
    let arguments = std::env::args_os();
    arguments.filter_map(|argument| CString::new(argument.into_vec()).ok()).collect()
}

/// The environment, byte for byte and in its order, with what is no variable: std would leave that out. Only as
/// long as there is one thread.
#[must_use]
pub fn environment() -> Vec<CString> {
    // SAFETY: reading a pointer that only this thread, the only one, could change.
    let environment = unsafe { environ };
    // SAFETY: an array of strings that ends with a null pointer, or null itself. The strings are copied before
    // anything could change them.
    let environment = unsafe { strings(environment, usize::MAX) };
    environment.into_iter().map(CStr::to_owned).collect()
}

/// Takes a variable out of the environment; its value. Only as long as there is one thread.
#[must_use]
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    // SAFETY: there is no other thread that could read the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    Some(value)
}

/// The strings of a vector, up to a null pointer or so many.
///
/// # Safety
/// `vector` is null, or has that many strings or a null pointer before, and they are not changed as long as the
/// result is in use.
#[must_use]
pub unsafe fn strings(vector: *const *const c_char, count: usize) -> Vec<&'static CStr> {
    let mut strings = Vec::new();
    if vector.is_null() {
        return strings;
    }
    for index in 0..count {
        // SAFETY: within the vector, because no null pointer was seen so far.
        let slot = unsafe { vector.add(index) };
        // SAFETY: as above.
        let pointer = unsafe { *slot };
        if pointer.is_null() {
            break;
        }
        // SAFETY: a string of the vector, which stays as the caller has promised.
        strings.push(unsafe { CStr::from_ptr(pointer) });
    }
    strings
}

/// How many threads there are; `None` without /proc.
#[must_use]
pub fn threads() -> Option<u64> {
    Numbers::of(c"/proc/self/task").and_then(Numbers::count).ok()
}

/// The files to execute for this program once more, in the order in which to try them; none if they are not known.
///
/// The path comes first, because the process has its name from that. It is the same file or not taken: the program may
/// have been replaced meanwhile. The link leads to a file that is gone or out of reach, too. Without /proc there is
/// what was executed, which is the program unless that is the interpreter of a script.
#[must_use]
pub fn files() -> Vec<CString> {
    const LINK: &CStr = c"/proc/self/exe";
    let Ok(path) = nix::fcntl::readlink(LINK) else {
        return executed().filter(|path| is_program(path)).into_iter().collect();
    };
    let identity = |path: &CStr| stat(path).map(|file| (file.st_dev, file.st_ino)).ok();
    let path = CString::new(path.into_vec()).ok();
    let path = path.filter(|path| identity(path).is_some() && identity(path) == identity(LINK));
    path.into_iter().chain([LINK.to_owned()]).collect()
}

/// The path that execve(2) was given (getauxval(3)).
fn executed() -> Option<CString> {
    // SAFETY: takes an integer.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let path: *const c_char = std::ptr::with_exposed_provenance(address as usize);
    // SAFETY: if there is one, it is a string that the kernel has put above the stack, and that nobody changes.
    (!path.is_null()).then(|| unsafe { CStr::from_ptr(path) }.to_owned())
}

/// The IDs that this program was executed with (getauxval(3)): the real and the effective user ID, then the groups'.
#[must_use]
pub fn ids() -> [[u32; 2]; 2] {
    // SAFETY: takes an integer.
    let id = |key| unsafe { libc::getauxval(key) } as u32;
    [[libc::AT_UID, libc::AT_EUID], [libc::AT_GID, libc::AT_EGID]].map(|keys| keys.map(id))
}

/// Whether a file is in the format of programs (elf(5)).
fn is_program(path: &CStr) -> bool {
    open::beginning(path, &mut [0; 4]).is_ok_and(|magic| magic == b"\x7fELF")
}

/// Writes what std still has of this program's output: the next program would not know of it.
pub fn flush_output() {
    std::io::stdout().flush().ok(); // a standard output that is broken is the program's own business
}
