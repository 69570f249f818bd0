//! The signal mask, dispositions, and the synchronous wait (rt_sigprocmask(2), rt_sigtimedwait(2)).
//!
//! All calls are raw: the C library's versions leave out the realtime signals that it keeps for
//! itself (32 to 34).

use super::Errno;
use super::siginfo::SigInfo;
use crate::values::signal::{Received, Signal, SignalSet};
use nix::libc;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// The number of the system call that [`wait`] makes, as `/proc/PID/syscall` shows it.
pub const WAIT_CALL: libc::c_long = libc::SYS_rt_sigtimedwait;

/// Size in bytes of the kernel's signal set.
const SET_SIZE: usize = size_of::<u64>();

/// `struct timespec` as rt_sigtimedwait takes it.
#[repr(C)]
struct KernelTimespec {
    seconds: libc::c_long,
    nanoseconds: libc::c_long,
}

/// Blocks all 64 signals and returns the mask that was in force. Nothing but SIGKILL, SIGSTOP and
/// faults can interrupt the process from here on; what arrives waits for `wait`.
///
/// # Errors
/// As for [`set_mask`].
pub fn block_all() -> Result<SignalSet, Errno> {
    set_mask(SignalSet::FULL)
}

/// Sets the signal mask and returns the one before.
///
/// # Errors
/// None of the kernel's, because all arguments are valid; what a seccomp filter gives.
pub fn set_mask(mask: SignalSet) -> Result<SignalSet, Errno> {
    let mut before: u64 = 0;
    let bits = mask.bits();
    // SAFETY: both pointers are to live 64-bit sets, the size that is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            ptr::from_ref(&bits),
            ptr::from_mut(&mut before),
            SET_SIZE,
        )
    };
    Errno::result(result).map(|_| SignalSet::from_bits(before))
}

/// Takes one pending signal of the set, the lowest number first, waiting for up to `timeout`
/// (`None`: for ever). `None` if none came.
///
/// The signals must be blocked. Ignored ones are received too: the kernel drops them only if they
/// are not blocked.
///
/// # Errors
/// EINTR: the wait was broken off, by a debugger, say; what a seccomp filter gives.
pub fn wait(set: SignalSet, timeout: Option<Duration>) -> Result<Option<Received>, Errno> {
    let bits = set.bits();
    let mut info = SigInfo::none();
    let timeout = timeout.map(|timeout| KernelTimespec {
        seconds: timeout.as_secs().try_into().unwrap_or(libc::c_long::MAX),
        nanoseconds: timeout.subsec_nanos() as libc::c_long,
    });
    // SAFETY: the set and the optional timeout are read, the siginfo is written; all are live.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            ptr::from_ref(&bits),
            &raw mut info,
            timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
            SET_SIZE,
        )
    };
    let number = match Errno::result(result) {
        Err(Errno::EAGAIN) if timeout.is_some() => return Ok(None),
        number => number?,
    };
    let Some(signal) = i32::try_from(number).ok().and_then(Signal::new) else { return Ok(None) };
    Ok(Some(Received { signal, origin: info.origin(signal) }))
}

/// Whether a signal is ignored.
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only writes the present action to live memory.
    unsafe { libc::sigaction(signal.number(), ptr::null(), action.as_mut_ptr()) };
    // SAFETY: zeroed memory is a valid sigaction, whether it was written or not.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Gives a signal its default action, or ignores it.
///
/// # Errors
/// EINVAL for SIGKILL, SIGSTOP, and signals that the C library keeps for itself.
pub fn set_ignored(signal: Signal, ignored: bool) -> Result<(), Errno> {
    set_action(signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL }, 0)
}

/// From now on the kernel reaps children by itself as they end, and still sends SIGCHLD. Those that
/// have ended before stay to be reaped. Nobody learns how they ended.
pub fn let_kernel_reap() {
    // It cannot fail: SIGCHLD is nobody's but ours.
    set_action(Signal::CHLD, libc::SIG_DFL, libc::SA_NOCLDWAIT).ok();
}

/// Takes [`let_kernel_reap`] back: children that end from now on stay to be reaped.
pub fn reap_again() {
    set_action(Signal::CHLD, libc::SIG_DFL, 0).ok();
}

fn set_action(signal: Signal, handler: libc::sighandler_t, flags: i32) -> Result<(), Errno> {
    // SAFETY: zeroed memory is a valid sigaction with an empty mask and no flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the new action has no handler of ours; the old one is not asked for.
    Errno::result(unsafe { libc::sigaction(signal.number(), &raw const action, ptr::null_mut()) })
        .map(drop)
}

/// Stops this process with `signal` as the default action of a stop signal does, and returns when it
/// has been continued; whether it was stopped at all. The kernel ignores SIGTSTP, SIGTTIN and SIGTTOU
/// in an orphaned process group, because nobody could continue it (signal(7)).
///
/// All signals must be blocked. The signal that continued it is still pending afterwards, and shows that it was
/// stopped: to send a stop signal takes back any SIGCONT that is pending. One that is pending before
/// has come too early, and must not be lost: it stands for the whole.
pub fn stop_self(signal: Signal) -> bool {
    if pending().contains(Signal::CONT) {
        return true;
    }
    if is_ignored(signal) {
        set_ignored(signal, false).ok(); // the command has been started with what was inherited
    }
    super::send::to_process(super::process::id(), &Received::own(signal)).ok();
    if let Ok(before) = set_mask(SignalSet::FULL.without(signal)) {
        // It was stopped there.
        set_mask(before).ok();
    }
    pending().contains(Signal::CONT)
}

/// Dies of `signal`, by its default action but without a core dump. Returns where that cannot be: the kernel spares
/// PID 1 of a namespace, a seccomp filter may forbid it, and not every signal ends a process.
///
/// All signals must be blocked, and stay so: of those that are pending only this one is acted upon.
pub fn die_of(signal: Signal) {
    if !signal.is_deadly() || (signal.dumps_core() && super::process::forbid_core_dump().is_err()) {
        return;
    }
    set_default(signal); // it may be ignored, as it was at the start
    super::send::to_process(super::process::id(), &Received::own(signal)).ok();
    set_mask(SignalSet::FULL.without(signal)).ok();
}

/// Gives a signal its default action: also those that the C library keeps for itself.
fn set_default(signal: Signal) {
    /// The kernel's structure, for any machine: SIG_DFL, no flags, no restorer, an empty mask.
    const DEFAULT: [u64; 4] = [0; 4];
    let (number, old) = (signal.number(), ptr::null_mut::<u8>());
    // SAFETY: reads less than the 32 live bytes, and writes nothing. It fails for SIGKILL, which is never ignored.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, number, DEFAULT.as_ptr(), old, SET_SIZE) };
}

/// The signals that wait to be taken.
fn pending() -> SignalSet {
    let mut bits: u64 = 0;
    // SAFETY: writes one 64-bit set, the size that is given, to live memory.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, ptr::from_mut(&mut bits), SET_SIZE) };
    SignalSet::from_bits(bits)
}
