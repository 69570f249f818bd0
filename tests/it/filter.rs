//! System calls that fail by a seccomp filter, as on an older kernel or in a container that denies them.

use nix::libc;

/// What the filter makes fail.
#[derive(Clone, Copy)]
pub struct Failing {
    pub call: i64,
    /// Only calls whose argument of this index, 0 to 5, has this value (its lower half).
    pub argument: Option<(u32, u32)>,
    pub errno: i32,
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

// `struct seccomp_data`: the call's number, 12 bytes, six arguments of 8 bytes.
const NUMBER: u32 = 0;
const ARGUMENTS: u32 = 16;

fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// What a filter allows.
#[allow(dead_code, reason = "for seccomp.rs")]
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    pub call: u32,
    /// Only if these bits of the first argument are all 0.
    pub without: u32,
}

/// Any other call ends the process, by SIGSYS.
#[allow(dead_code, reason = "for seccomp.rs")]
pub fn only(allowed: impl Iterator<Item = Allowed>) -> Vec<libc::sock_filter> {
    let mut filter = vec![step(LOAD, 0, 0, NUMBER)];
    for Allowed { call, without } in allowed {
        filter.extend([
            step(IF_EQUAL, 0, 5, call),
            step(LOAD, 0, 0, ARGUMENTS),
            step(AND, 0, 0, without),
            step(IF_EQUAL, 0, 1, 0),
            step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
            step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        ]);
    }
    filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS));
    filter
}

/// Makes calls fail in this process, for good. Async-signal-safe, as [`install`].
pub fn fail(failing: &Failing) -> std::io::Result<()> {
    let number = failing.call as u32;
    // Without an argument to look at, the number is looked at twice.
    let (at, value) = match failing.argument {
        Some((index, value)) => (ARGUMENTS + 8 * index, value),
        None => (NUMBER, number),
    };
    let filter = [
        step(LOAD, 0, 0, NUMBER),
        step(IF_EQUAL, 0, 3, number),
        step(LOAD, 0, 0, at),
        step(IF_EQUAL, 0, 1, value),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | failing.errno as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    install(&filter)
}

/// Installs a filter in this process, for good. Async-signal-safe. Needs CAP_SYS_ADMIN, so that
/// `no_new_privs`, which is to be tested, can stay unset.
pub fn install(filter: &[libc::sock_filter]) -> std::io::Result<()> {
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the filter.
    let result =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Installs a filter in this process that asks the holder of a descriptor about each system call
/// (seccomp_unotify(2)); that descriptor, which is close-on-exec. Async-signal-safe.
pub fn install_listener() -> std::io::Result<i32> {
    const FLAG_NEW_LISTENER: libc::c_ulong = 1 << 3;
    let code = (libc::BPF_RET | libc::BPF_K) as u16;
    let filter = [libc::sock_filter { code, jt: 0, jf: 0, k: libc::SECCOMP_RET_USER_NOTIF }];
    let program = libc::sock_fprog { len: 1, filter: filter.as_ptr().cast_mut() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the kernel copies the filter.
    let fd =
        unsafe { libc::syscall(libc::SYS_seccomp, mode, FLAG_NEW_LISTENER, &raw const program) };
    if fd >= 0 { Ok(fd as i32) } else { Err(std::io::Error::last_os_error()) }
}
