//! Counting the system calls of a run, by ptrace(2).

use crate::process::Command;
use nix::libc;
use std::collections::BTreeSet;
use std::fs;

const GET_SYSCALL_INFO: libc::c_uint = 0x420e;
const ENTRY: u8 = 1;

/// How many system calls a run makes from the exec of the init on, which is included, in all its processes.
///
/// The order of an init and its command must not be left to chance: an init may be spared calls if its command has
/// ended by then. So of those that could go on the newest does, as if there were one CPU, which the command has first.
pub fn count(command: &Command) -> u64 {
    let init = command.start_traced();
    let mut calls = 0;
    let mut all = BTreeSet::from([init]);
    // They are stopped, each with the signal that it gets when it goes on.
    let mut stopped: Vec<(i32, i32)> = Vec::new();
    loop {
        let (pid, status) = loop {
            let mut status = 0;
            let pid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::WNOHANG) };
            if pid > 0 {
                break (pid, status);
            }
            assert_eq!(pid, 0, "{}", std::io::Error::last_os_error());
            let is_stopped = |pid: i32| stopped.iter().any(|(other, _)| *other == pid);
            if all.iter().any(|pid| !is_stopped(*pid) && runs(*pid)) {
                unsafe { libc::sched_yield() };
            } else if let Some((newest, _)) = stopped.iter().max().copied() {
                let index = stopped.iter().position(|(pid, _)| *pid == newest).unwrap();
                let (pid, signal) = stopped.swap_remove(index);
                // One that is killed while it is stopped is not there any more.
                unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, i64::from(signal)) };
            }
        };
        if !libc::WIFSTOPPED(status) {
            all.remove(&pid);
            stopped.retain(|(other, _)| *other != pid);
            if pid == init {
                assert_eq!(status, 0, "a traced run ends as any other");
                return calls;
            }
            continue;
        }
        all.insert(pid);
        let signal = match libc::WSTOPSIG(status) {
            signal if signal == libc::SIGTRAP | 0x80 => {
                calls += u64::from(enters(pid));
                0
            }
            _ if status >> 16 != 0 => 0, // an event: a fork, an exec
            libc::SIGSTOP => 0,          // what a traced process begins with
            signal => signal,
        };
        stopped.push((pid, signal));
    }
}

/// Whether it is about to make a call, and has not just made it.
fn enters(pid: i32) -> bool {
    let mut info = [0u8; 128];
    let size = unsafe { libc::ptrace(GET_SYSCALL_INFO, pid, info.len(), info.as_mut_ptr()) };
    assert!(size > 0, "PTRACE_GET_SYSCALL_INFO: {}", std::io::Error::last_os_error());
    info[0] == ENTRY
}

/// Whether it is neither asleep nor stopped nor gone.
fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" R"))
}
