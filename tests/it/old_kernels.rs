//! Newer system calls are tried and not needed: here the kernel has none that is younger than 4.4.

use crate::harness::{Place, Setup, probe};
use nix::libc;

/// The calls that sexton has a fallback for are not there, as on an older kernel.
pub fn forget_newer_calls(setup: Setup) -> Setup {
    [libc::SYS_close_range, libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal]
        .into_iter()
        .fold(setup, |setup, call| setup.failing(call, None, libc::ENOSYS))
}

#[test]
fn inherited_descriptors_are_closed_with_and_without_proc() {
    let (read, write) = crate::harness::full_pipe();
    for proc_mounted in [true, false] {
        let setup = Setup::new(&[&probe(), "sleep"]).inherit(&read).inherit(&write);
        let setup = forget_newer_calls(setup);
        let mut running = if proc_mounted { setup } else { setup.without_proc() }.start();
        running.expect("ready");
        running.wait_until_inherited_descriptors_are_closed();
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 143);
    }
}

#[test]
fn the_tree_is_shut_down_generation_by_generation() {
    for place in [Place::Init, Place::Child] {
        let words = ["--grace=200ms", &probe(), "many", "50", "ignore"];
        let mut running = forget_newer_calls(Setup::new(&words).place(place)).start();
        running.expect("ready");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end_with_its_tree().status, 137);
    }
}

/// Before Linux 4.7 waitid(2) knows no `__WALL`. dumb-init's place asks by it whether the command has ended.
#[test]
fn children_are_seen_by_an_older_waitid() {
    let ended =
        Setup::new(&["sh", "-c", "(exit 1) & wait; sleep 1000 & exit 7"]).called("dumb-init");
    let options = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG | libc::__WALL;
    let ended = ended.failing(libc::SYS_waitid, Some((3, options as u32)), libc::EINVAL).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (7, ""));
}

#[test]
fn a_value_for_a_group_is_lost_and_that_is_logged() {
    let setup = Setup::new(&["--forward-to=group", &probe(), "signals", "1"]);
    let mut running = forget_newer_calls(setup).start();
    running.expect("ready");
    running.queue(libc::SIGUSR1, 5);
    running.expect_log("SIGUSR1 sent to the command's process group without its value");
    running.expect("signal 10 value none");
}
