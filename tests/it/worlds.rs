//! Worlds in which sexton lacks something, or is denied it.

use crate::harness::Setup;
use nix::libc;

/// Takes capabilities away for good. For [`Setup::prepare`].
pub fn drop_capabilities(numbers: &[i32]) {
    for &number in numbers {
        // SAFETY: takes integers only.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
    }
}

pub fn without_sys_resource(setup: Setup) -> Setup {
    setup.prepare(|| drop_capabilities(&[24]))
}

pub fn without_setgid(setup: Setup) -> Setup {
    setup.prepare(|| drop_capabilities(&[6]))
}

pub fn without_setuid(setup: Setup) -> Setup {
    setup.prepare(|| drop_capabilities(&[7]))
}

pub fn without_setpcap(setup: Setup) -> Setup {
    setup.prepare(|| drop_capabilities(&[8]))
}

/// Without CAP_SYS_ADMIN and CAP_SYS_NICE.
pub fn without_nice(setup: Setup) -> Setup {
    setup.prepare(|| drop_capabilities(&[21, 23]))
}

/// The same, with the scheduling policy idle.
pub fn without_nice_and_idle(setup: Setup) -> Setup {
    setup.prepare(|| {
        let priority = libc::sched_param { sched_priority: 0 };
        // SAFETY: reads one structure.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const priority) };
        drop_capabilities(&[21, 23]);
    })
}

fn securebits(bits: u64) {
    // SAFETY: takes integers only.
    unsafe { libc::prctl(libc::PR_SET_SECUREBITS, bits, 0, 0, 0) };
}

pub fn keep_capabilities_is_locked(setup: Setup) -> Setup {
    setup.prepare(|| securebits(1 << 5))
}

pub fn ambient_is_forbidden(setup: Setup) -> Setup {
    setup.prepare(|| securebits(1 << 6))
}

/// sexton is root of a user namespace that has no other ID.
pub fn in_a_user_namespace(setup: Setup) -> Setup {
    fn write(path: &std::ffi::CStr, text: &[u8]) {
        // SAFETY: reads a string, and the bytes of a slice.
        unsafe {
            let file = libc::open(path.as_ptr(), libc::O_WRONLY);
            if libc::write(file, text.as_ptr().cast(), text.len()) < 0 {
                libc::_exit(93);
            }
            libc::close(file);
        }
    }
    setup.prepare(|| {
        // SAFETY: takes an integer only.
        unsafe { libc::unshare(libc::CLONE_NEWUSER) };
        write(c"/proc/self/setgroups", b"deny");
        write(c"/proc/self/uid_map", b"0 0 1");
        write(c"/proc/self/gid_map", b"0 0 1");
    })
}

/// setgroups(2) does nothing and succeeds: a user namespace denies it.
pub fn no_change_of_groups(setup: Setup) -> Setup {
    setup.failing(libc::SYS_setgroups, None, 0)
}
