//! Reaping (wait4(2)), with statuses that `nix` would refuse after having consumed them.

use super::Errno;
use crate::values::outcome::{Change, Usage};
use crate::values::signal::Signal;
use nix::libc;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// What one look at the children found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waited {
    /// A child has changed; if it ended, it is reaped now.
    Child(i32, Change),
    /// There are children, and nothing is new.
    Nothing,
    /// There are no children.
    NoChildren,
    /// The look failed: the kernel does not do that to a valid call, but a seccomp filter may.
    Failed(Errno),
}

/// What a child has used, and all that it has waited for: `struct rusage` as wait4 writes it. The call is raw: musl's
/// own fills no `libc::rusage` on 32-bit machines.
#[repr(C)]
pub struct RawUsage {
    user: [libc::c_long; 2],
    system: [libc::c_long; 2],
    peak: libc::c_long,
    rest: MaybeUninit<[libc::c_long; 13]>,
}

impl RawUsage {
    /// None. The rest is not cleared: that takes longer than what else is done for a look that finds nothing.
    pub const fn none() -> RawUsage {
        RawUsage { user: [0; 2], system: [0; 2], peak: 0, rest: MaybeUninit::uninit() }
    }

    /// The same with types.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let duration = |[seconds, microseconds]: [libc::c_long; 2]| {
            Duration::from_secs(seconds as u64)
                .saturating_add(Duration::from_micros(microseconds as u64))
        };
        Usage {
            user: duration(self.user),
            system: duration(self.system),
            peak: (self.peak as u64) * 1024,
        }
    }
}

/// Takes note of one child that has ended, or was stopped, if `stops`; of this one if a process ID is given. If `usage`
/// is, it is filled, which takes the kernel some time.
pub fn child(pid: Option<i32>, stops: bool, usage: Option<&mut RawUsage>) -> Waited {
    let mut status = 0;
    let options = libc::WNOHANG | libc::__WALL | if stops { libc::WUNTRACED } else { 0 };
    let usage = usage.map_or(ptr::null_mut(), ptr::from_mut);
    // SAFETY: the status and the usage are live memory, or the usage is null.
    let result = unsafe {
        libc::syscall(libc::SYS_wait4, pid.unwrap_or(-1), &raw mut status, options, usage)
    };
    match result as i32 {
        0 => Waited::Nothing,
        pid if pid > 0 => Waited::Child(pid, Change::from_raw(status)),
        _ => failed(Errno::last()),
    }
}

fn failed(errno: Errno) -> Waited {
    match errno {
        Errno::ECHILD => Waited::NoChildren,
        errno => Waited::Failed(errno),
    }
}

/// Waits for a child that is about to end, and reaps it.
pub fn reap_ended(pid: i32) {
    // SAFETY: neither the status nor the resource usage is asked for.
    unsafe { libc::wait4(pid, ptr::null_mut(), libc::__WALL, ptr::null_mut()) };
}

/// Takes note of one child that was stopped, if `stops`, and reaps nobody.
pub fn alive(stops: bool) -> Waited {
    let what = if stops { libc::WSTOPPED } else { libc::WEXITED | libc::WNOWAIT };
    match look(libc::P_ALL, 0, what) {
        Err(errno) => failed(errno),
        Ok(info) if stops => {
            // SAFETY: set for a child; 0 if there is none.
            let pid = unsafe { info.si_pid() };
            if pid == 0 {
                return Waited::Nothing;
            }
            // SAFETY: as above.
            let signal = Signal::new(unsafe { info.si_status() });
            // gVisor gives the lower bits of wait4's status, which for a stop are 127. To ask wait4 could reap.
            Waited::Child(pid, Change::Stopped(signal.unwrap_or(Signal::STOP)))
        }
        Ok(_) => Waited::Nothing,
    }
}

/// Whether this child has ended and is not reaped yet.
#[must_use]
pub fn has_ended(pid: i32) -> bool {
    zombie(libc::P_PID, pid).is_some()
}

/// A child that has ended and waits to be reaped: it still has a name and an entry in /proc.
pub fn peek() -> Option<i32> {
    zombie(libc::P_ALL, 0)
}

/// Whether a child, living or not reaped yet, is in this process group. As long as one is, the number is no other
/// group's.
#[must_use]
pub fn has_child_in_group(group: i32) -> bool {
    look(libc::P_PGID, group, libc::WEXITED | libc::WNOWAIT).is_ok()
}

fn zombie(kind: libc::idtype_t, id: i32) -> Option<i32> {
    let info = look(kind, id, libc::WEXITED | libc::WNOWAIT).ok()?;
    // SAFETY: set for a child's end; it stays 0 if none has ended.
    let pid = unsafe { info.si_pid() };
    (pid > 0).then_some(pid)
}

fn look(kind: libc::idtype_t, id: i32, what: i32) -> Result<libc::siginfo_t, Errno> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut wait = |options| {
        // SAFETY: writes one siginfo_t to live memory.
        Errno::result(unsafe { libc::waitid(kind, id as libc::id_t, info.as_mut_ptr(), options) })
    };
    let options = what | libc::WNOHANG;
    match wait(options | libc::__WALL) {
        Err(Errno::EINVAL) => wait(options), // before Linux 4.7
        result => result,
    }?;
    // SAFETY: zeroed memory is a valid siginfo_t.
    Ok(unsafe { info.assume_init() })
}
