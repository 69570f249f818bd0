//! How many instructions sexton executes for what it does most often, counted by single steps (ptrace(2)).
//!
//! A time tells little on a busy machine; this count hardly differs. The limits are a little above what is needed: a
//! start depends on the group's name, on what is mounted and on the environment, and one of the build for tests is for
//! the most part that of the C library's dynamic linker.

use crate::harness::{Setup, Traced, be_traced, probe, wait_until};
use nix::libc::{SIGUSR1, SYS_rt_sigtimedwait};

/// The limit of the static binary, which `IT_BIN` names, or that of the build for tests.
fn limit(of_static: usize, of_build: usize) -> usize {
    if std::env::var_os("IT_BIN").is_some() { of_static } else { of_build }
}

#[test]
fn a_start_takes_few() {
    let running = Setup::new(&[&probe(), "sleep"]).prepare(be_traced).start();
    let traced = Traced::after_exec(running.pid);
    let count = traced.instructions_until(SYS_rt_sigtimedwait);
    traced.release();
    running.signal(SIGUSR1);
    assert_eq!(running.end().status, 128 + SIGUSR1);
    println!("{count} instructions");
    assert!(count <= limit(40_000, 300_000), "{count} instructions");
}

#[test]
fn a_forwarded_signal_takes_few() {
    let mut running = Setup::new(&[&probe(), "tell"]).start();
    running.expect("main ready");
    wait_until("sexton is idle", || running.is_idle());
    let traced = Traced::seize(running.pid);
    traced.instructions_until(SYS_rt_sigtimedwait); // the debugger has broken off a wait
    let signal = || {
        running.signal(SIGUSR1);
        traced.instructions_until(SYS_rt_sigtimedwait)
    };
    let counts: Vec<usize> = std::iter::repeat_with(signal).take(4).collect();
    traced.release();
    // After the first one sexton still looks at its children, as it does after each wait that was broken off.
    println!("{counts:?} instructions");
    assert!(counts[3] <= limit(345, 300), "{counts:?} instructions");
}
