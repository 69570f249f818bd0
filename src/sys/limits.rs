//! Resource limits (getrlimit(2), setrlimit(2)).

use super::Errno;
use crate::rlimit::{Limits, Resource};
use nix::sys::resource::{self, getrlimit, setrlimit};

/// The limits in force.
///
/// # Errors
/// None for valid arguments, which these are.
pub fn get(resource: Resource) -> Result<Limits, Errno> {
    getrlimit(kernel(resource)).map(|(soft, hard)| Limits { soft, hard })
}

/// Sets both limits.
///
/// # Errors
/// EPERM: the hard limit would be raised without CAP_SYS_RESOURCE, or `nofile` is above
/// `/proc/sys/fs/nr_open`.
pub fn set(resource: Resource, limits: Limits) -> Result<(), Errno> {
    setrlimit(kernel(resource), limits.soft, limits.hard)
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
