//! Newer system calls are tried and not needed: here the kernel has none that is younger than 4.4.

use crate::harness::{Place, Setup, probe, wait_until};
use nix::libc;

/// Makes the calls that sexton has a fallback for fail with ENOSYS, as an older kernel does.
fn forget_newer_calls() {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let filter = [
        step(LOAD_NUMBER, 0, 0, 0),
        step(IF_EQUAL, 3, 0, libc::SYS_close_range as u32),
        step(IF_EQUAL, 2, 0, libc::SYS_pidfd_open as u32),
        step(IF_EQUAL, 1, 0, libc::SYS_pidfd_send_signal as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ];
    let program = libc::sock_fprog { len: 6, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the filter.
    let result =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if result != 0 {
        // SAFETY: ends this process; the test then sees this status.
        unsafe { libc::_exit(98) };
    }
}

#[test]
fn inherited_descriptors_are_closed_with_and_without_proc() {
    let (read, write) = crate::harness::full_pipe();
    for proc_mounted in [true, false] {
        let setup = Setup::new(&[&probe(), "sleep"]).inherit(&read).inherit(&write);
        let setup = setup.prepare(forget_newer_calls);
        let mut running = if proc_mounted { setup } else { setup.without_proc() }.start();
        running.expect("ready");
        wait_until("inherited descriptors are closed", || {
            std::fs::read_dir(format!("/proc/{}/fd", running.pid)).unwrap().count() == 2
        });
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 143);
    }
}

#[test]
fn the_tree_is_shut_down_generation_by_generation() {
    for place in [Place::Init, Place::Child] {
        let words = ["--grace=200ms", &probe(), "many", "50", "ignore"];
        let mut running = Setup::new(&words).place(place).prepare(forget_newer_calls).start();
        running.expect("ready");
        running.signal(libc::SIGTERM);
        wait_until("sexton ends", || running.has_ended());
        if place == Place::Child {
            assert_eq!(running.adopted_by_init(), []);
        }
        assert_eq!(running.end().status, 137);
    }
}

#[test]
fn a_value_for_a_group_is_lost_but_told() {
    let mut running = Setup::new(&["--forward-to=group", &probe(), "signals", "1"])
        .prepare(forget_newer_calls)
        .start();
    running.expect("ready");
    running.queue(libc::SIGUSR1, 5);
    running.expect_log("SIGUSR1 goes to main's process group without its value");
    running.expect("signal 10 value none");
}
