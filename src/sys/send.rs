//! Sending signals, realtime ones and values included (kill(2), rt_sigqueueinfo(2)).

use super::Errno;
use super::siginfo::SigInfo;
use crate::values::signal::Received;
use nix::libc;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// Sends a signal to one process, with its value if it was queued with one.
///
/// # Errors
/// EPERM, ESRCH, which it also is for a number that no process has: for the kernel 0 is a group, and -1 (a getpid that
/// a filter lets fail) everybody; EAGAIN if the receiver's queue is full (RLIMIT_SIGPENDING).
pub fn to_process(pid: i32, received: &Received) -> Result<(), Errno> {
    if pid <= 0 {
        return Err(Errno::ESRCH);
    }
    if !received.origin.carries_value() {
        return kill(pid, received.signal.number());
    }
    queue(pid, received)
}

/// rt_sigqueueinfo(2)
#[inline(never)]
fn queue(pid: i32, received: &Received) -> Result<(), Errno> {
    let info = SigInfo::of(*received);
    // SAFETY: the kernel reads one siginfo_t, which `info` is at least as large as.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigqueueinfo,
            pid,
            received.signal.number(),
            ptr::from_ref(&info),
        )
    };
    Errno::result(result).map(drop)
}

/// Sends a signal to every process of the process group that `leader`, a child of sexton, leads.
///
/// # Errors
/// EPERM if none of them could be signalled, ESRCH if the group is empty; EINVAL if the signal has a
/// value, which only Linux 6.9 and newer can send to a group.
pub fn to_group(leader: i32, received: Received) -> Result<(), Errno> {
    if !received.origin.carries_value() {
        return kill(-leader, received.signal.number());
    }
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
    pidfd_send(&pidfd_open(leader)?, received, PIDFD_SIGNAL_PROCESS_GROUP)
}

/// Sends a signal, which carries no value, to every process of this PID namespace but this one (kill(2)). Only for PID
/// 1.
///
/// # Errors
/// ESRCH if there is none; EPERM if none of them could be signalled.
pub fn to_everybody(received: Received) -> Result<(), Errno> {
    kill(-1, received.signal.number())
}

/// Sends a signal to one of many: without its value if it cannot be sent with it. A queue that is full has no room for
/// a value, and always some for the signal.
///
/// # Errors
/// Those of `send`.
pub fn whole_or_alone(
    received: Received,
    send: impl Fn(Received) -> Result<(), Errno>,
) -> Result<(), Errno> {
    send(received).or_else(|errno| match errno {
        Errno::ESRCH => Err(errno),
        _ if !received.origin.carries_value() => Err(errno),
        _ => send(Received::own(received.signal)),
    })
}

/// A descriptor that stands for the process and no later one with its ID (pidfd_open(2), Linux 5.3).
///
/// # Errors
/// ESRCH; ENOSYS on older kernels.
pub fn pidfd_open(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers only; pidfds are close-on-exec by themselves.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: the descriptor is new, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Sends a signal to the process that a pidfd stands for (pidfd_send_signal(2), Linux 5.1).
///
/// # Errors
/// ESRCH, EPERM; EINVAL for flags that the kernel does not know.
pub fn pidfd_send(process: &OwnedFd, received: Received, flags: libc::c_uint) -> Result<(), Errno> {
    let info = received.origin.carries_value().then(|| SigInfo::of(received));
    // SAFETY: the kernel reads one siginfo_t, which `info` is at least as large as, or none.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            received.signal.number(),
            info.as_ref().map_or(ptr::null(), ptr::from_ref),
            flags,
        )
    };
    Errno::result(result).map(drop)
}

/// Whether this PID namespace has no other process, not even a zombie. Only for PID 1.
///
/// The kernel has no other error for this than ESRCH. Where a filter gives one nothing can be known, and who waits
/// for others to end would wait for ever.
pub fn namespace_is_empty() -> bool {
    kill(-1, 0).is_err()
}

/// Whether the kernel would let this process signal that one; nothing is sent.
#[must_use]
pub fn is_permitted(pid: i32) -> bool {
    kill(pid, 0) != Err(Errno::EPERM)
}

fn kill(pid: i32, number: libc::c_int) -> Result<(), Errno> {
    // SAFETY: takes integers only.
    match unsafe { libc::kill(pid, number) } {
        0 => Ok(()),
        _ => Err(Errno::last()),
    }
}
