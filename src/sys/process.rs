//! What sexton asks the kernel about and for itself.

use super::Errno;
use crate::values::signal::Signal;
use nix::libc;
use nix::unistd;
use std::ffi::CStr;
use std::time::Duration;

/// PID 1 of its namespace.
pub const INIT: i32 = 1;

/// The process ID.
#[must_use]
pub fn id() -> i32 {
    unistd::getpid().as_raw()
}

/// In the initial PID namespace the lowest numbers, up to this one at least, are those of the kernel's threads.
pub const LAST_OF_KERNEL: i32 = 16;

/// Whether the lowest numbers are those of the kernel's threads, as far as that can be seen without /proc: some of them
/// are there, kthreadd first, and all are in process group 0 and session 0. Elsewhere only those are so that have
/// entered the PID namespace, and whose group and session are led from outside.
#[must_use]
pub fn kernel_threads_are_here() -> bool {
    const KTHREADD: i32 = 2;
    const SOME: usize = 5;
    let none = unistd::Pid::from_raw(0);
    let in_no_group = |pid| match unistd::getpgid(Some(unistd::Pid::from_raw(pid))) {
        Ok(group) => {
            Some(group == none && unistd::getsid(Some(unistd::Pid::from_raw(pid))) == Ok(none))
        }
        Err(_) => None,
    };
    let there = (KTHREADD..=LAST_OF_KERNEL).filter_map(in_no_group);
    in_no_group(KTHREADD).is_some() && there.clone().all(|is_none| is_none) && there.count() >= SOME
}

/// Asks for the orphans of all descendants (PR_SET_CHILD_SUBREAPER, Linux 3.4).
///
/// # Errors
/// EINVAL on kernels that do not know it.
pub fn become_subreaper() -> Result<(), Errno> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// Whatever ends this process from now on, the kernel writes no core dump, and starts no program that would take one
/// (PR_SET_DUMPABLE, prctl(2); RLIMIT_CORE does not concern the latter, core(5)).
///
/// # Errors
/// None of the kernel's; what a seccomp filter gives.
pub fn forbid_core_dump() -> Result<(), Errno> {
    nix::sys::prctl::set_dumpable(false)
}

/// Whether this process is a subreaper: one that it was when it executed this program it still is
/// (PR_GET_CHILD_SUBREAPER, prctl(2)). False if the kernel does not say.
#[must_use]
pub fn is_subreaper() -> bool {
    nix::sys::prctl::get_child_subreaper().unwrap_or(false)
}

const ZERO: libc::c_ulong = 0;

/// Asks for a signal when the parent ends (PR_SET_PDEATHSIG, prctl(2)); at once, if that has ended since
/// `parent` was its process ID.
///
/// # Errors
/// None that prctl(2) lists apply.
pub fn set_parent_death_signal(signal: Signal, parent: i32) -> Result<(), Errno> {
    let number = signal.number() as libc::c_ulong;
    // SAFETY: takes integers only. `nix` has no realtime signals.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, number, ZERO, ZERO, ZERO) })?;
    // Nothing is known of a parent outside of the PID namespace (0), or without its ID (-1, which only a filter gives).
    let now = self::parent();
    if now != parent && now > 0 && parent >= 0 {
        super::send::to_process(id(), &crate::values::signal::Received::own(signal))?;
    }
    Ok(())
}

/// The signal that this process gets when its parent ends (PR_GET_PDEATHSIG, prctl(2)).
#[must_use]
pub fn parent_death_signal() -> Option<Signal> {
    let mut number: libc::c_int = 0;
    // SAFETY: writes one integer to live memory.
    let result = unsafe {
        libc::prctl(libc::PR_GET_PDEATHSIG, (&raw mut number) as libc::c_ulong, ZERO, ZERO, ZERO)
    };
    Errno::result(result).ok()?;
    Signal::new(number)
}

/// The parent's process ID; 0 if it is outside of the PID namespace.
#[must_use]
pub fn parent() -> i32 {
    unistd::getppid().as_raw()
}

/// Makes a child with a copy of the memory (fork(2)); its process ID, `None` in the child. Without what the C library
/// does around it, which takes five more calls: the child may do nothing but system calls, and execute a program or
/// end.
///
/// # Errors
/// EAGAIN (a limit on processes), ENOMEM; what a seccomp filter gives.
pub fn fork() -> Result<Option<i32>, Errno> {
    const FLAGS: libc::c_long = libc::SIGCHLD as libc::c_long;
    const NONE: libc::c_long = 0;
    // Flags and stack; on s390 the other way round.
    let [first, second] = if cfg!(target_arch = "s390x") { [NONE, FLAGS] } else { [FLAGS, NONE] };
    // SAFETY: takes integers, and leaves this process as it is. The child goes on alone with what was this thread's; it
    // takes no lock that another thread may have held.
    let pid =
        Errno::result(unsafe { libc::syscall(libc::SYS_clone, first, second, NONE, NONE, NONE) })?;
    Ok(i32::try_from(pid).ok().filter(|&pid| pid != 0))
}

/// Ends this process at once, without what exit(3) would do first.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: takes an integer, and never returns.
    unsafe { libc::_exit(status) }
}

/// Begins a session, whose leader this process is, without a controlling terminal (setsid(2)).
///
/// # Errors
/// EPERM for the leader of a process group.
pub fn begin_session() -> Result<(), Errno> {
    unistd::setsid().map(drop)
}

/// Creates a process group, whose leader this process is (setpgid(2)).
///
/// # Errors
/// EPERM for the leader of a session.
pub fn create_group() -> Result<(), Errno> {
    let this = unistd::Pid::from_raw(0);
    unistd::setpgid(this, this)
}

/// Whether this process leads a session.
#[must_use]
pub fn leads_session() -> bool {
    unistd::getsid(None) == Ok(unistd::getpid())
}

/// Whether this process leads its process group.
#[must_use]
pub fn leads_group() -> bool {
    unistd::getpgrp() == unistd::getpid()
}

/// The session of a process, of this one for `None` (getsid(2)).
///
/// # Errors
/// ESRCH; EPERM where a filter or a security module says so.
pub fn session(pid: Option<i32>) -> Result<i32, Errno> {
    unistd::getsid(pid.map(unistd::Pid::from_raw)).map(unistd::Pid::as_raw)
}

/// The process group of a process, of this one for `None` (getpgid(2)).
///
/// # Errors
/// As for [`session`].
pub fn group(pid: Option<i32>) -> Result<i32, Errno> {
    unistd::getpgid(pid.map(unistd::Pid::from_raw)).map(unistd::Pid::as_raw)
}

/// Lets other processes that wait for this CPU have it first (sched_yield(2)).
pub fn yield_cpu() {
    // SAFETY: takes nothing.
    unsafe { libc::sched_yield() };
}

/// Gives back the memory that the way to here has used of the stack: the caller runs for long, and deeper than
/// that it comes seldom again.
///
/// Never inlined: its own variable must lie below all that its callers have on the stack.
#[inline(never)]
pub fn release_stack() {
    const MOST: usize = 256 << 10;
    let here = 0u8;
    // The kernel puts this above the stack of the first thread. A stack that is elsewhere is somebody's allocation, and
    // what is below it may be in use.
    // SAFETY: takes an integer.
    let top = unsafe { libc::getauxval(libc::AT_RANDOM) } as usize;
    if top.wrapping_sub((&raw const here).addr()) > MOST {
        return;
    }
    // SAFETY: takes an integer.
    let page = unsafe { libc::getauxval(libc::AT_PAGESZ) } as usize;
    // What this call uses stays: less than 100 bytes. What is not of the stack is below a gap.
    let end = (&raw const here).wrapping_sub(512).map_addr(|address| address & !(page - 1));
    // SAFETY: nobody uses what is below the stack's end. What is not mapped there is left out.
    unsafe { libc::madvise(end.wrapping_sub(MOST).cast_mut().cast(), MOST, libc::MADV_DONTNEED) };
}

/// Changes the working directory (chdir(2)).
///
/// # Errors
/// ENOENT, ENOTDIR, EACCES, and others of chdir(2).
pub fn change_directory(path: &CStr) -> Result<(), Errno> {
    unistd::chdir(path)
}

/// Leaves the working directory, so that its file system can be unmounted.
pub fn leave_directory() {
    // It cannot fail unless the root itself is unreadable; then there is nothing to keep busy.
    unistd::chdir(c"/").ok();
}

/// Sets the file mode creation mask (umask(2)). `nix` panics if the call fails.
///
/// # Errors
/// None of the kernel's; what a seccomp filter gives.
pub fn set_umask(mask: u32) -> Result<(), Errno> {
    // SAFETY: takes an integer.
    Errno::result(unsafe { libc::syscall(libc::SYS_umask, mask) }).map(drop)
}

/// Does nothing for so long. Unlike std's this takes a failure for the end, and does not panic.
pub fn sleep(time: Duration) {
    let time = libc::timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ };
    // SAFETY: reads a live structure; what is left of the time is not asked for.
    unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) };
}

/// The host's name, `-` if it has none.
#[must_use]
pub fn host_name() -> String {
    let name = nix::sys::utsname::uname().ok();
    let name = name.map(|name| name.nodename().to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    /// A stack that a program has made for itself, with its data below it.
    #[test]
    fn only_the_first_thread_s_own_stack_is_given_back() {
        const DATA: usize = 256 << 10;
        const STACK: usize = 128 << 10;
        extern "C" fn release(_: *mut libc::c_void) -> *mut libc::c_void {
            release_stack();
            ptr::null_mut()
        }
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, wherever the kernel has room.
        let memory = unsafe { libc::mmap(ptr::null_mut(), DATA + STACK, access, kind, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED);
        // SAFETY: the lower part of the mapping, which nobody else uses.
        let data = unsafe { std::slice::from_raw_parts_mut(memory.cast::<u8>(), DATA) };
        data.fill(7);
        // SAFETY: zeroed memory is to be initialised by the next call.
        let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
        // SAFETY: live memory.
        assert_eq!(unsafe { libc::pthread_attr_init(&raw mut attributes) }, 0);
        let stack = memory.wrapping_byte_add(DATA);
        // SAFETY: the upper part of the mapping, which nobody else uses.
        let set = unsafe { libc::pthread_attr_setstack(&raw mut attributes, stack, STACK) };
        assert_eq!(set, 0);
        let mut thread = 0;
        // SAFETY: the attributes are initialised, and the function takes nothing.
        let created = unsafe {
            libc::pthread_create(&raw mut thread, &raw const attributes, release, ptr::null_mut())
        };
        assert_eq!(created, 0);
        // SAFETY: a thread that nobody else joins.
        assert_eq!(unsafe { libc::pthread_join(thread, ptr::null_mut()) }, 0);
        assert!(data.iter().all(|&byte| byte == 7));
    }
}
