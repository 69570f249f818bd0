//! Calls that sexton cannot do without, denied by a filter: it says so and ends, instead of waiting for ever for
//! what cannot come. tests/faults has all calls.

use crate::harness::{Place, Setup, probe};
use nix::libc;

const DENIALS: [(i32, &str); 2] =
    [(libc::EPERM, "operation not permitted"), (libc::ENOSYS, "function not implemented")];

/// 125, the command killed, and one line.
fn gives_up(words: &[&str], call: i64, action: &str) {
    for place in [Place::Init, Place::Child] {
        for (errno, reason) in DENIALS {
            let running = Setup::new(words).place(place).failing(call, None, errno).start();
            // Those that it has killed, and cannot wait for, may still be there for a moment.
            let waits = call != libc::SYS_wait4;
            let ended = if waits { running.end_with_its_tree() } else { running.end() };
            let told = format!("sexton: fatal: unable to {action}: {reason}\n");
            assert_eq!((ended.status, ended.stderr), (125, told));
        }
    }
}

#[test]
fn without_a_wait_for_signals_it_gives_up() {
    // Not the probe: it takes the same call.
    gives_up(&["sh", "-c", "exec sleep 1000"], libc::SYS_rt_sigtimedwait, "wait for signals");
    gives_up(&["--pause"], libc::SYS_rt_sigtimedwait, "wait for signals");
}

#[test]
fn without_a_wait_for_children_it_gives_up() {
    gives_up(&[&probe(), "sleep"], libc::SYS_wait4, "wait for children");
    gives_up(&["--pause"], libc::SYS_wait4, "wait for children");
}

#[test]
fn without_a_mask_it_does_not_begin() {
    gives_up(&["sh", "-c", "echo main was run >&2"], libc::SYS_rt_sigprocmask, "block signals");
}
