//! Landlock (landlock(7)): a ruleset, its rules, and the process that is bound by it. The calls are raw, because no C
//! library has them.

use super::{Errno, fds};
use crate::values::confinement::Rights;
use nix::libc;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// Which Landlock the kernel has: 1 with Linux 5.13, and more with what came later.
///
/// # Errors
/// ENOSYS and EOPNOTSUPP if there is none; what a seccomp filter gives.
pub fn version() -> Result<u32, Errno> {
    const VERSION: u32 = 1;
    // SAFETY: reads nothing with this flag, and returns a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0usize, VERSION)
    };
    Errno::result(version).map(|version| version as u32)
}

/// A ruleset that takes these rights. Its descriptor is above 2, and closed by an exec.
///
/// # Errors
/// EINVAL or E2BIG for a right that the kernel does not know; EMFILE, ENFILE.
pub fn create(taken: Rights) -> Result<OwnedFd, Errno> {
    // `struct landlock_ruleset_attr`: rights for files, for TCP ports, scopes. An older kernel takes zeros that it does
    // not know.
    let Rights(bits) = taken;
    let attributes = [bits & 0xffff, bits >> 16 & 3, bits >> 18].map(u64::from);
    // SAFETY: reads an array of that size.
    let fd = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            attributes.as_ptr(),
            size_of_val(&attributes),
            0u32,
        )
    })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    fds::above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives rights to a file, or to all that is below a directory.
///
/// # Errors
/// EINVAL for rights of directories to another file; EBADFD for what is on no file system, such as a pipe.
pub fn allow_below(ruleset: &OwnedFd, file: &OwnedFd, given: Rights) -> Result<(), Errno> {
    #[repr(C, packed)]
    struct PathBeneath(u64, RawFd);
    const PATH_BENEATH: u32 = 1;
    let rule = PathBeneath(given.0.into(), file.as_raw_fd());
    // SAFETY: reads a structure of this type.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            PATH_BENEATH,
            &raw const rule,
            0u32,
        )
    };
    Errno::result(result).map(drop)
}

/// Gives rights to a TCP port.
///
/// # Errors
/// None for rights that the ruleset takes.
pub fn allow_port(ruleset: &OwnedFd, port: u16, given: Rights) -> Result<(), Errno> {
    const NET_PORT: u32 = 2;
    let rule: [u64; 2] = [(given.0 >> 16).into(), port.into()];
    // SAFETY: reads a structure of these two numbers.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            NET_PORT,
            rule.as_ptr(),
            0u32,
        )
    };
    Errno::result(result).map(drop)
}

/// Binds this process, and its descendants, by a ruleset, for good.
///
/// # Errors
/// EPERM without `no_new_privs` and CAP_SYS_ADMIN; E2BIG if it is bound by 16 already.
pub fn restrict(ruleset: RawFd) -> Result<(), Errno> {
    // SAFETY: takes integers.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0u32) };
    Errno::result(result).map(drop)
}
