//! Users, groups and capabilities of this process (credentials(7), capabilities(7)).
//!
//! The calls are here, because the sets of the `caps` crate know only the capabilities that it names, so that a newer
//! kernel's would be lost or left, and its errors are texts.

use super::Errno;
use crate::values::capabilities::{Base, CapabilitySet, Sets};
use nix::libc;
use nix::unistd;
use std::ptr;

// The C library's versions of these stop all threads first, with signals and semaphores; there is one.
#[cfg(not(target_arch = "arm"))]
use libc::{
    SYS_setgroups as SYS_SETGROUPS, SYS_setresgid as SYS_SETRESGID, SYS_setresuid as SYS_SETRESUID,
};
#[cfg(target_arch = "arm")] // whose first versions have IDs of 16 bits
use libc::{
    SYS_setgroups32 as SYS_SETGROUPS, SYS_setresgid32 as SYS_SETRESGID,
    SYS_setresuid32 as SYS_SETRESUID,
};

/// The effective user ID.
#[must_use]
pub fn user() -> u32 {
    unistd::geteuid().as_raw()
}

/// The effective group ID.
#[must_use]
pub fn group() -> u32 {
    unistd::getegid().as_raw()
}

/// The supplementary groups.
///
/// # Errors
/// None that getgroups(2) lists apply.
pub fn groups() -> Result<Vec<u32>, Errno> {
    // SAFETY: asks only how many there are.
    let count = Errno::result(unsafe { libc::getgroups(0, ptr::null_mut()) })?;
    let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: writes no more of them than there is room for.
    Errno::result(unsafe { libc::getgroups(count, groups.as_mut_ptr()) })?;
    Ok(groups)
}

/// Sets the supplementary groups.
///
/// # Errors
/// EPERM without CAP_SETGID, or where a user namespace denies it; EINVAL for an ID that the user
/// namespace does not map, or more than 65536 of them.
pub fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: reads as many numbers as the slice has.
    Errno::result(unsafe { libc::syscall(SYS_SETGROUPS, groups.len(), groups.as_ptr()) }).map(drop)
}

/// Sets real, effective and saved group ID.
///
/// # Errors
/// EPERM without CAP_SETGID; EINVAL for an ID that the user namespace does not map.
pub fn set_gid(gid: u32) -> Result<(), Errno> {
    // SAFETY: takes integers only.
    Errno::result(unsafe { libc::syscall(SYS_SETRESGID, gid, gid, gid) }).map(drop)
}

/// Sets real, effective and saved user ID.
///
/// # Errors
/// EPERM without CAP_SETUID; EINVAL for an ID that the user namespace does not map; EAGAIN.
pub fn set_uid(uid: u32) -> Result<(), Errno> {
    set_uids(uid, uid)
}

/// Sets the real user ID only: kill(2) accepts it as it does the effective one.
///
/// # Errors
/// As for [`set_uid`].
pub fn set_real_uid(uid: u32) -> Result<(), Errno> {
    const UNCHANGED: u32 = u32::MAX;
    set_uids(uid, UNCHANGED)
}

fn set_uids(real: u32, others: u32) -> Result<(), Errno> {
    // SAFETY: takes integers only.
    Errno::result(unsafe { libc::syscall(SYS_SETRESUID, real, others, others) }).map(drop)
}

/// Lets permitted capabilities outlive a change from root to another user, until the next exec.
///
/// # Errors
/// EPERM if a securebit locks that.
pub fn keep_capabilities() -> Result<(), Errno> {
    nix::sys::prctl::set_keepcaps(true)
}

/// No exec gives privileges from here on.
///
/// # Errors
/// EINVAL before Linux 3.5.
pub fn set_no_new_privs() -> Result<(), Errno> {
    nix::sys::prctl::set_no_new_privs()
}

/// The capabilities of this process.
///
/// # Errors
/// Those of capget(2), which do not apply to valid arguments.
pub fn capabilities() -> Result<Sets, Errno> {
    Ok(Sets {
        bounding: read_bits(libc::PR_CAPBSET_READ, None),
        ambient: read_bits(libc::PR_CAP_AMBIENT, Some(libc::PR_CAP_AMBIENT_IS_SET)),
        base: base()?,
    })
}

/// Each capability that the kernel says is set, up to the first that it does not know.
fn read_bits(option: libc::c_int, subcommand: Option<libc::c_int>) -> CapabilitySet {
    let mut bits = 0;
    for number in 0..u64::BITS {
        let is_set = match subcommand {
            Some(subcommand) => prctl(option, subcommand as libc::c_ulong, number.into()),
            None => prctl(option, number.into(), 0),
        };
        match is_set {
            Ok(0) => {}
            Ok(_) => bits |= 1 << number,
            Err(_) => break,
        }
    }
    CapabilitySet::from_bits(bits)
}

fn prctl(option: libc::c_int, second: libc::c_ulong, third: libc::c_ulong) -> Result<i32, Errno> {
    const ZERO: libc::c_ulong = 0;
    // SAFETY: none of the options used here takes a pointer.
    Errno::result(unsafe { libc::prctl(option, second, third, ZERO, ZERO) })
}

/// Takes capabilities out of the bounding set.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub fn drop_bounding(set: CapabilitySet) -> Result<(), Errno> {
    set.numbers().try_for_each(|number| prctl(libc::PR_CAPBSET_DROP, number.into(), 0).map(drop))
}

/// Adds capabilities to the ambient set.
///
/// # Errors
/// EPERM for what is not permitted and inheritable, or if a securebit forbids it; EINVAL before
/// Linux 4.3.
pub fn raise_ambient(set: CapabilitySet) -> Result<(), Errno> {
    let raise = libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong;
    set.numbers().try_for_each(|number| prctl(libc::PR_CAP_AMBIENT, raise, number.into()).map(drop))
}

/// `struct __user_cap_header_struct`, for this process.
#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

/// _LINUX_CAPABILITY_VERSION_3: 64 bits in two halves, the low one first.
const HEADER: Header = Header { version: 0x2008_0522, pid: 0 };

/// `struct __user_cap_data_struct`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn base() -> Result<Base, Errno> {
    let mut halves = [Half::default(); 2];
    let mut header = HEADER;
    // SAFETY: version 3 writes two halves, and the version to the header if it is unknown.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_capget, ptr::from_mut(&mut header), halves.as_mut_ptr())
    })?;
    let whole = |field: fn(&Half) -> u32| {
        let [low, high] = &halves;
        CapabilitySet::from_bits(u64::from(field(low)) | u64::from(field(high)) << 32)
    };
    Ok(Base {
        effective: whole(|half| half.effective),
        permitted: whole(|half| half.permitted),
        inheritable: whole(|half| half.inheritable),
    })
}

/// Sets effective, permitted and inheritable capabilities; the ambient set shrinks with them.
///
/// # Errors
/// EPERM for a permitted one that is not permitted now, an effective one that is not to be permitted, or
/// an inheritable one that is neither inheritable now nor permitted and in the bounding set.
pub fn set_capabilities(base: Base) -> Result<(), Errno> {
    let half = |shift: u32| {
        let part = |set: CapabilitySet| (set.bits() >> shift) as u32;
        Half {
            effective: part(base.effective),
            permitted: part(base.permitted),
            inheritable: part(base.inheritable),
        }
    };
    let halves = [half(0), half(32)];
    let mut header = HEADER;
    // SAFETY: version 3 reads two halves, and the header is written as above.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_capset, ptr::from_mut(&mut header), halves.as_ptr())
    })
    .map(drop)
}

/// The effective capabilities of this process.
///
/// # Errors
/// Those of capget(2), which do not apply to valid arguments.
pub fn effective() -> Result<CapabilitySet, Errno> {
    Ok(base()?.effective)
}

/// Gives up every capability but these.
///
/// # Errors
/// Those of capget(2) and capset(2), which only a seccomp filter can cause.
pub fn keep_only(set: CapabilitySet) -> Result<(), Errno> {
    let held = base()?;
    let kept = Base {
        effective: held.effective.and(set),
        permitted: held.permitted.and(set),
        inheritable: CapabilitySet::EMPTY,
    };
    if kept == held { Ok(()) } else { set_capabilities(kept) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_those_that_proc_shows() {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let shown = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            CapabilitySet::from_bits(u64::from_str_radix(line.trim(), 16).unwrap())
        };
        let sets = capabilities().unwrap();
        assert_eq!(sets.bounding, shown("CapBnd:"));
        assert_eq!(sets.ambient, shown("CapAmb:"));
        assert_eq!(sets.base.effective, shown("CapEff:"));
        assert_eq!(sets.base.permitted, shown("CapPrm:"));
        assert_eq!(sets.base.inheritable, shown("CapInh:"));
    }
}
