//! Why a file cannot be executed, by what the file is: looked at after an exec has failed, and by `--dry-run`.
//!
//! Only regular files are opened, without blocking, and few bytes of them are read.

#![forbid(unsafe_code)]

use crate::child::program::SHELL;
use crate::sys::{Errno, files};
use crate::text::escape::Quoted;
use crate::values::executable::{Elf, Kind, LOOKED_AT};
use std::env::consts::ARCH;
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::fd::OwnedFd;

/// What keeps a file from being executed.
pub struct Obstacle {
    /// The error of an exec.
    pub errno: Errno,
    /// What can be done.
    pub hint: Option<&'static str>,
    /// The file that it is about, if that is not the command itself: its role and path.
    file: Option<(&'static str, CString)>,
    fault: &'static str,
    /// For a program of another machine: that machine.
    elf: Option<Elf>,
}

/// The cause: `it is a directory`, `its interpreter '/bin/bash' is missing`.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some((role, path)) => write!(f, "its {role} {}", Quoted(path))?,
            None => f.write_str("it")?,
        }
        f.write_str(self.fault)?;
        match self.elf {
            Some(elf) => write!(f, "{elf}, and this machine is {ARCH}"),
            None => Ok(()),
        }
    }
}

/// What a look at a file gives.
enum Finding {
    /// An obstacle: the error, the fault, what can be done, and the machine of a program for another one.
    Fault(Errno, &'static str, Option<&'static str>, Option<Elf>),
    /// The kernel needs another file: its role and path, and what can be done if it is missing.
    Needs(&'static str, CString, &'static str),
}

/// What keeps this file, which is there, from being executed; `None` if nothing is found.
#[must_use]
pub fn obstacle(path: &CStr) -> Option<Obstacle> {
    /// How many interpreters of interpreters are looked at; the kernel takes no more.
    const DEEPEST: usize = 5;
    let mut file: Option<(&str, CString)> = None;
    for _ in 0..DEEPEST {
        let path = file.as_ref().map_or(path, |(_, path)| path);
        let (errno, fault, hint, elf) = match look(path)? {
            Finding::Fault(errno, fault, hint, elf) => (errno, fault, hint, elf),
            Finding::Needs(role, path, hint) => {
                let exists = files::exists(&path);
                file = Some((role, path));
                if exists {
                    continue;
                }
                (Errno::ENOENT, " is missing", Some(hint), None)
            }
        };
        return Some(Obstacle { errno, hint, file, fault, elf });
    }
    None
}

fn look(path: &CStr) -> Option<Finding> {
    use Finding::{Fault, Needs};
    let denied = |fault, hint| Some(Fault(Errno::EACCES, fault, hint, None));
    let invalid = |fault, hint| Some(Fault(Errno::ENOEXEC, fault, hint, None));
    let status = files::status(path).ok()?;
    if status.is_directory {
        return denied(" is a directory", None);
    }
    if status.permissions & 0o111 == 0 {
        const HINT: &str = "chmod +x makes it executable, or COPY --chmod=755 in the Dockerfile";
        return denied(" is not executable", Some(HINT));
    }
    if files::is_on_noexec(path) {
        const HINT: &str = "mount it with the option exec, or move the program";
        return denied(" is on a file system mounted noexec", Some(HINT));
    }
    let file = files::open_regular(path).ok()?;
    let mut buffer = [0; LOOKED_AT];
    match Kind::of(files::read_at(&file, 0, &mut buffer).ok()?) {
        Kind::Script(interpreter) => {
            let hint = if interpreter.ends_with(b"\r") {
                "the script has Windows line endings: run dos2unix, and set eol=lf in .gitattributes"
            } else {
                "install it in the image, or change the first line of the script"
            };
            Some(Needs("interpreter", CString::new(interpreter).ok()?, hint))
        }
        Kind::MarkedScript => invalid(
            " has a byte order mark before its #!",
            Some("save it as UTF-8 without a byte order mark"),
        ),
        Kind::Elf(elf) if !elf.is_for_this_machine() => {
            const HINT: &str =
                "use an image for this machine: see --platform of docker build and run";
            let fault = Fault(Errno::ENOEXEC, " is built for ", Some(HINT), Some(elf));
            (!is_emulated(elf.machine())).then_some(fault)
        }
        Kind::Elf(elf) => match loader(&file, elf) {
            Ok(loader) => {
                const HINT: &str = "the image lacks that C library: \
                                    use one that has it, or link the program statically";
                Some(Needs("dynamic loader", loader?, HINT))
            }
            Err(_) => invalid(" is an ELF file, but not a program", None),
        },
        Kind::Binary => invalid(" is neither an ELF file nor a script", None),
        Kind::Text if files::exists(SHELL) => None,
        Kind::Text => invalid(" has no #! line, and there is no /bin/sh to run it", None),
    }
}

/// The name of the dynamic loader that a program asks for.
///
/// # Errors
/// It is no program, or cut off before its program headers.
fn loader(file: &OwnedFd, elf: Elf) -> Result<Option<CString>, Errno> {
    let mut buffer = [0; LOOKED_AT];
    let mut is_program = false;
    for place in elf.headers() {
        let header = files::read_at(file, place, &mut buffer)?;
        if let Some(place) = elf.loader(header) {
            let name = files::read_at(file, place, &mut buffer)?;
            return Ok(CStr::from_bytes_until_nul(name).ok().map(CStr::to_owned));
        }
        if header.is_empty() {
            break;
        }
        is_program = elf.is_program();
    }
    if is_program { Ok(None) } else { Err(Errno::ENOEXEC) }
}

/// Whether the kernel has an emulator for programs of this machine, as far as that can be seen.
fn is_emulated(machine: &str) -> bool {
    let path = CString::new(format!("/proc/sys/fs/binfmt_misc/qemu-{machine}"));
    path.is_ok_and(|path| files::exists(&path))
}
