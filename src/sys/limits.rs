//! Resource limits (getrlimit(2), setrlimit(2)).

use super::Errno;
use crate::values::rlimit::{Limits, Resource};
use nix::libc;
use nix::sys::resource;
use std::ptr;

/// `struct rlimit64`
#[repr(C)]
struct Pair {
    soft: u64,
    hard: u64,
}

/// The limits in force.
///
/// # Errors
/// None for valid arguments, which these are.
pub fn get(resource: Resource) -> Result<Limits, Errno> {
    let mut pair = Pair { soft: 0, hard: 0 };
    prlimit(resource, ptr::null(), &raw mut pair)?;
    Ok(Limits { soft: pair.soft, hard: pair.hard })
}

/// Sets both limits.
///
/// # Errors
/// EPERM: the hard limit would be raised without CAP_SYS_RESOURCE, or `nofile` is above
/// `/proc/sys/fs/nr_open`.
pub fn set(resource: Resource, limits: Limits) -> Result<(), Errno> {
    let pair = Pair { soft: limits.soft, hard: limits.hard };
    prlimit(resource, &raw const pair, ptr::null_mut())
}

/// The call itself (Linux 2.6.36): the C library's setrlimit stops all threads, if the kernel lacks it.
fn prlimit(resource: Resource, new: *const Pair, old: *mut Pair) -> Result<(), Errno> {
    let number = kernel(resource) as libc::c_int;
    // SAFETY: reads one pair and writes the other; each is live or null.
    Errno::result(unsafe { libc::syscall(libc::SYS_prlimit64, 0, number, new, old) }).map(drop)
}

fn kernel(resource: Resource) -> resource::Resource {
    use resource::Resource as Kernel;
    match resource {
        Resource::Cpu => Kernel::RLIMIT_CPU,
        Resource::Fsize => Kernel::RLIMIT_FSIZE,
        Resource::Data => Kernel::RLIMIT_DATA,
        Resource::Stack => Kernel::RLIMIT_STACK,
        Resource::Core => Kernel::RLIMIT_CORE,
        Resource::Rss => Kernel::RLIMIT_RSS,
        Resource::Nproc => Kernel::RLIMIT_NPROC,
        Resource::Nofile => Kernel::RLIMIT_NOFILE,
        Resource::Memlock => Kernel::RLIMIT_MEMLOCK,
        Resource::As => Kernel::RLIMIT_AS,
        Resource::Locks => Kernel::RLIMIT_LOCKS,
        Resource::Sigpending => Kernel::RLIMIT_SIGPENDING,
        Resource::Msgqueue => Kernel::RLIMIT_MSGQUEUE,
        Resource::Nice => Kernel::RLIMIT_NICE,
        Resource::Rtprio => Kernel::RLIMIT_RTPRIO,
        Resource::Rttime => Kernel::RLIMIT_RTTIME,
    }
}
