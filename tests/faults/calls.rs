//! The system calls that sexton may make, and the errors that their manual pages list.

use nix::libc;

/// A filter in a container gives these, whatever the manual page says.
pub const BY_FILTERS: [i32; 2] = [libc::EPERM, libc::ENOSYS];

/// A system call.
pub struct Call {
    pub number: i64,
    pub name: &'static str,
    /// What section 2 of the manual lists, or for `getpid` and its like nothing.
    errors: &'static [i32],
}

impl Call {
    /// What it is made to fail with.
    pub fn errors(&self) -> impl Iterator<Item = i32> {
        let listed = self.errors.iter().copied().filter(|errno| !BY_FILTERS.contains(errno));
        listed.chain(BY_FILTERS)
    }
}

/// The call of this number. A call that is missing here is to be added, with the errors of its page.
pub fn call(number: i64) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.number == number)
}

macro_rules! calls {
    ($($(#[$attribute:meta])* $name:ident => [$($errno:ident)*],)*) => {
        &[$($(#[$attribute])* Call {
            number: libc::$name,
            name: stringify!($name).split_at(4).1,
            errors: &[$(libc::$errno),*],
        },)*]
    };
}

const CALLS: &[Call] = calls! {
    SYS_brk => [ENOMEM],
    SYS_capget => [EFAULT EINVAL EPERM ESRCH],
    SYS_capset => [EFAULT EINVAL EPERM ESRCH],
    SYS_chdir => [EACCES EFAULT EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR],
    SYS_clock_gettime => [EFAULT EINVAL],
    SYS_clock_nanosleep => [EFAULT EINTR EINVAL],
    SYS_clone => [EAGAIN EINVAL ENOMEM ENOSPC EUSERS],
    SYS_close => [EBADF EINTR EIO ENOSPC EDQUOT],
    SYS_close_range => [EINVAL EMFILE ENOMEM],
    SYS_connect => [EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EFAULT
        EINPROGRESS EINTR EISCONN ENETUNREACH ENOTSOCK EPROTOTYPE ETIMEDOUT],
    SYS_eventfd2 => [EINVAL EMFILE ENFILE ENODEV ENOMEM],
    SYS_execve => [E2BIG EACCES EAGAIN EFAULT EINVAL EIO EISDIR ELIBBAD ELOOP EMFILE ENAMETOOLONG ENFILE
        ENOENT ENOEXEC ENOMEM ENOTDIR ETXTBSY],
    SYS_faccessat => [EACCES EBADF EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS ETXTBSY],
    SYS_faccessat2 => [EACCES EBADF EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS ETXTBSY],
    SYS_fchown => [EACCES EBADF EFAULT EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS],
    SYS_fcntl => [EACCES EAGAIN EBADF EBUSY EDEADLK EFAULT EINTR EINVAL EMFILE ENOLCK ENOTDIR],
    SYS_fstat => [EACCES EBADF EFAULT ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EOVERFLOW],
    SYS_ftruncate => [EACCES EBADF EFAULT EFBIG EINTR EINVAL EIO EISDIR EROFS ETXTBSY],
    SYS_getdents64 => [EBADF EFAULT EINVAL ENOENT ENOTDIR],
    SYS_geteuid => [],
    SYS_getgroups => [EFAULT EINVAL],
    SYS_getpgid => [ESRCH],
    SYS_getpid => [],
    SYS_getppid => [],
    SYS_getpriority => [EINVAL ESRCH],
    SYS_getrandom => [EAGAIN EFAULT EINTR EINVAL],
    SYS_getsid => [ESRCH],
    SYS_getsockname => [EBADF EFAULT EINVAL ENOBUFS ENOTSOCK],
    SYS_getsockopt => [EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK],
    SYS_gettid => [],
    SYS_getuid => [],
    SYS_ioctl => [EBADF EFAULT EINVAL ENOTTY EIO],
    SYS_ioprio_set => [EINVAL ESRCH],
    SYS_kill => [EINVAL ESRCH],
    SYS_lseek => [EBADF EINVAL ENXIO EOVERFLOW ESPIPE],
    SYS_madvise => [EACCES EAGAIN EBADF EFAULT EINVAL EIO ENOMEM],
    SYS_mmap => [EACCES EAGAIN EBADF EEXIST EINVAL ENFILE ENODEV ENOMEM EOVERFLOW ETXTBSY],
    SYS_mprotect => [EACCES EINVAL ENOMEM],
    SYS_mremap => [EAGAIN EFAULT EINVAL ENOMEM],
    SYS_munmap => [EINVAL],
    SYS_nanosleep => [EFAULT EINTR EINVAL],
    SYS_newfstatat => [EACCES EBADF EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EOVERFLOW],
    SYS_openat => [EACCES EBADF EBUSY EDQUOT EEXIST EFAULT EFBIG EINTR EINVAL EISDIR ELOOP EMFILE
        ENAMETOOLONG ENFILE ENODEV ENOENT ENOMEM ENOSPC ENOTDIR ENXIO EOPNOTSUPP EOVERFLOW EROFS ETXTBSY
        EAGAIN],
    SYS_pidfd_open => [EINVAL EMFILE ENFILE ENODEV ENOMEM ESRCH],
    SYS_pidfd_send_signal => [EBADF EINVAL ESRCH],
    SYS_pipe2 => [EFAULT EINVAL EMFILE ENFILE ENOPKG],
    SYS_ppoll => [EFAULT EINTR EINVAL ENOMEM],
    SYS_prctl => [EACCES EBADF EBUSY EFAULT EINVAL ENODEV ENXIO EOPNOTSUPP],
    SYS_prlimit64 => [EFAULT EINVAL ESRCH],
    SYS_pwritev2 => [EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EOPNOTSUPP EPIPE],
    SYS_read => [EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR],
    SYS_readlinkat => [EACCES EBADF EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR],
    SYS_renameat2 => [EACCES EBUSY EDQUOT EEXIST EFAULT EINVAL EISDIR ELOOP EMLINK ENAMETOOLONG ENOENT
        ENOMEM ENOSPC ENOTDIR ENOTEMPTY EROFS EXDEV],
    SYS_rt_sigaction => [EFAULT EINVAL],
    SYS_rt_sigpending => [EFAULT],
    SYS_rt_sigprocmask => [EFAULT EINVAL],
    SYS_rt_sigqueueinfo => [EAGAIN EINVAL ESRCH],
    SYS_rt_sigtimedwait => [EAGAIN EFAULT EINTR EINVAL],
    SYS_sched_getaffinity => [EFAULT EINVAL ESRCH],
    SYS_sched_setaffinity => [EFAULT EINVAL ESRCH],
    SYS_sched_setscheduler => [EINVAL ESRCH],
    SYS_sched_yield => [],
    SYS_sendto => [EACCES EAGAIN EALREADY EBADF ECONNRESET EDESTADDRREQ EFAULT EINTR EINVAL EISCONN EMSGSIZE
        ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPIPE],
    SYS_set_tid_address => [],
    SYS_setgroups => [EFAULT EINVAL ENOMEM],
    SYS_setpgid => [EACCES EINVAL ESRCH],
    SYS_setpriority => [EACCES EINVAL ESRCH],
    SYS_setresgid => [EAGAIN EINVAL],
    SYS_setresuid => [EAGAIN EINVAL],
    SYS_setsid => [],
    SYS_setsockopt => [EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK],
    SYS_socket => [EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT],
    SYS_splice => [EAGAIN EBADF EINVAL ENOMEM EPIPE ESPIPE],
    SYS_statfs => [EACCES EFAULT EINTR EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EOVERFLOW],
    SYS_sysinfo => [EFAULT],
    SYS_tgkill => [EAGAIN EINVAL ESRCH],
    SYS_tkill => [EAGAIN EINVAL ESRCH],
    SYS_umask => [],
    SYS_uname => [EFAULT],
    SYS_unlinkat => [EACCES EBADF EBUSY EFAULT EINVAL EIO EISDIR ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR
        EROFS],
    SYS_wait4 => [ECHILD EINTR EINVAL ESRCH],
    SYS_waitid => [EAGAIN ECHILD EINTR EINVAL ESRCH],
    SYS_write => [EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPIPE],
    SYS_writev => [EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPIPE],
    #[cfg(target_arch = "x86_64")]
    SYS_access => [EACCES EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS ETXTBSY],
    #[cfg(target_arch = "x86_64")]
    SYS_arch_prctl => [EFAULT EINVAL],
    #[cfg(target_arch = "x86_64")]
    SYS_dup2 => [EBADF EBUSY EINTR EINVAL EMFILE ENOMEM],
    SYS_dup3 => [EBADF EBUSY EINTR EINVAL EMFILE ENOMEM],
    #[cfg(target_arch = "x86_64")]
    SYS_getpgrp => [],
    #[cfg(target_arch = "x86_64")]
    SYS_open => [EACCES EINTR EIO EMFILE ENFILE ENOENT ENOMEM ENOSPC],
    #[cfg(target_arch = "x86_64")]
    SYS_pipe => [EFAULT EINVAL EMFILE ENFILE],
    #[cfg(target_arch = "x86_64")]
    SYS_poll => [EFAULT EINTR EINVAL ENOMEM],
    #[cfg(target_arch = "x86_64")]
    SYS_readlink => [EACCES EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR],
    #[cfg(target_arch = "x86_64")]
    SYS_stat => [EACCES EFAULT ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EOVERFLOW],
};

/// The call of this name.
pub fn by_name(name: &str) -> &'static Call {
    CALLS.iter().find(|call| call.name == name).expect("the name of a call above")
}
