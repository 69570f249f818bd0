//! What a hostile the command or a hostile /proc cannot do; `docs/security.md` has what they can.

use crate::harness::{Folder, Place, Setup, probe};
use nix::libc;
use std::os::unix::fs::symlink;

const PYTHON: &str = "/usr/bin/python3";

/// Each signal but SIGCHLD, SIGKILL and SIGSTOP included; the command blocks what comes back.
#[test]
fn nothing_that_the_command_sends_ends_or_stops_the_init() {
    let script = "import os, signal, ctypes
libc = ctypes.CDLL(None)
everything = ctypes.c_uint64(2**64 - 1)
libc.syscall(14, 2, ctypes.byref(everything), None, 8)
for number in range(1, 65):
    os.kill(1, number)
os._exit(7)";
    let script = script.replace("(14,", &format!("({},", libc::SYS_rt_sigprocmask));
    // The stop that is among them would end the command after the grace, and the suspension the command's group.
    let ended = Setup::new(&["--grace=none", "--", PYTHON, "-c", &script]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (7, ""));
}

/// Reads sexton's environment and memory, traces it, signals it: what is denied.
const PRY: &str = "import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def tried(name, action):
    try:
        action()
        print(name, 'done', flush=True)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)
def trace():
    if libc.ptrace(16, os.getppid(), 0, 0) != 0: # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), '')
own = f'/proc/{os.getppid()}/'
tried('environ', lambda: open(own + 'environ').read())
tried('mem', lambda: open(own + 'mem', 'rb'))
tried('descriptors', lambda: open(own + 'fd/2'))
tried('trace', trace)
tried('signal', lambda: os.kill(os.getppid(), 0))";

fn pried(flags: &[&str], place: Place) -> Vec<String> {
    let words = [flags, &["--", PYTHON, "-c", PRY]].concat();
    let ended = Setup::new(&words).place(place).run();
    assert_eq!(ended.status, 0, "{ended:?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn the_command_of_another_user_cannot_look_into_sexton_nor_signal_it() {
    let denied =
        ["environ EACCES", "mem EACCES", "descriptors EACCES", "trace EPERM", "signal EPERM"];
    for place in [Place::Init, Place::Child] {
        assert_eq!(pried(&["--user=1000"], place), denied);
    }
}

/// The kernel lets nobody look into a process that has a capability more than he has.
#[test]
fn the_command_without_capabilities_cannot_look_into_sexton_though_it_is_root() {
    let denied =
        ["environ EACCES", "mem EACCES", "descriptors EACCES", "trace EPERM", "signal done"];
    for place in [Place::Init, Place::Child] {
        assert_eq!(pried(&["--cap-drop=all"], place), denied);
    }
}

#[test]
fn a_link_that_the_command_lays_in_place_of_the_report_is_not_followed() {
    let folder = Folder::new("hostile-report");
    let (report, secret) = (folder.at("report"), folder.file("secret", "600", "secret\n"));
    let flag = format!("--report={report}");
    let ended = Setup::new(&[&flag, "--", "ln", "-sf", &secret, &report]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret\n");
    assert_eq!(std::fs::read_link(&report).unwrap(), std::path::Path::new(&secret));
}

/// What is mounted on /proc says what it likes: PID 1 asks it for nothing that decides.
#[test]
fn a_proc_that_lies_does_not_mislead_the_init() {
    let folder = Folder::new("hostile-proc");
    let nonsense = "1 (\u{7}) Z -1 18446744073709551616 \n\noom_kill x\n".repeat(400);
    for file in ["cgroup", "stat", "comm", "status", "syscall", "task/1/children"] {
        for process in ["1", "2", "3"] {
            folder.file(&format!("{process}/{file}"), "644", &nonsense);
        }
    }
    symlink("1", folder.at("self")).unwrap();
    let words = ["-vvv", "--warn-on-reap", "--linger=100ms", &probe(), "leave", "ignore", "7"];
    let ended = Setup::new(&words).bind(folder.path(), "/proc").run();
    assert_eq!(ended.status, 7, "{ended:?}");
    assert!(!ended.stderr.contains('\u{7}'), "{ended:?}");
}
