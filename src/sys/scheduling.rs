//! Scheduling and memory pressure of this process (sched(7), ioprio_set(2), proc(5)).

use super::Errno;
use super::open::open;
use crate::text::fixed::Fixed;
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use nix::fcntl::OFlag;
use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::stat::Mode;
use nix::unistd::{self, Pid};
use std::fmt::Write;
use std::ptr;

const THIS: Pid = Pid::from_raw(0);

/// Sets the niceness.
///
/// # Errors
/// EACCES: it would be less than now, without CAP_SYS_NICE and further than RLIMIT_NICE allows.
pub fn set_nice(nice: i32) -> Result<(), Errno> {
    // SAFETY: takes integers only.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// Binds this process to these CPUs, all of them.
///
/// # Errors
/// EINVAL if one of them is not there, or not in the cpuset: the kernel would leave it out.
pub fn set_cpus(cpus: &Cpus) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    cpus.numbers().try_for_each(|cpu| set.set(cpu))?;
    sched_setaffinity(THIS, &set)?;
    if sched_getaffinity(THIS)? == set { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Sets the scheduling policy. The call is raw: musl's refuses with ENOSYS.
///
/// # Errors
/// EPERM: a realtime policy without CAP_SYS_NICE and beyond RLIMIT_RTPRIO, or in a cgroup that has no
/// realtime budget (`cpu.rt_runtime_us`).
pub fn set_scheduler(scheduler: Scheduler) -> Result<(), Errno> {
    let (policy, priority) = match scheduler {
        Scheduler::Other => (libc::SCHED_OTHER, 0),
        Scheduler::Batch => (libc::SCHED_BATCH, 0),
        Scheduler::Idle => (libc::SCHED_IDLE, 0),
        Scheduler::Fifo(priority) => (libc::SCHED_FIFO, priority),
        Scheduler::RoundRobin(priority) => (libc::SCHED_RR, priority),
    };
    // SAFETY: `struct sched_param` is one int, which is read.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_sched_setscheduler, 0, policy, ptr::from_ref(&priority))
    })
    .map(drop)
}

/// Sets the I/O scheduling class. The C libraries have no call for it.
///
/// # Errors
/// EPERM: realtime without CAP_SYS_NICE or CAP_SYS_ADMIN; ENOSYS on a kernel without block devices.
pub fn set_io_priority(priority: IoPriority) -> Result<(), Errno> {
    const WHO_PROCESS: i32 = 1;
    const CLASS_SHIFT: i32 = 13;
    let (class, level) = match priority {
        IoPriority::Realtime(level) => (1, level),
        IoPriority::BestEffort(level) => (2, level),
        IoPriority::Idle => (3, 0),
    };
    let value = class << CLASS_SHIFT | level;
    // SAFETY: takes integers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) }).map(drop)
}

/// Sets what is added to this process's badness when memory runs out.
///
/// # Errors
/// ENOENT without /proc; EACCES: less than it ever was, without CAP_SYS_RESOURCE.
pub fn set_oom_score_adj(value: i32) -> Result<(), Errno> {
    let file =
        open(c"/proc/self/oom_score_adj", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut text = Fixed::default();
    write!(text, "{value}").map_err(|_| Errno::EINVAL)?;
    unistd::write(&file, text.as_bytes()).map(drop)
}
