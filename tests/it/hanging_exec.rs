//! SPEC 2 and 4: an exec that hangs, as on a file system that does not answer, keeps sexton from nothing.

use crate::harness::{Folder, Place, Running, Setup, poll, probe, wait_until};
use nix::libc;
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Is asked before a file is executed, as a virus scanner is (fanotify(7)), and takes its time. With it gone every exec
/// goes on.
struct Scanner(OwnedFd);

impl Scanner {
    fn of(file: &str) -> Scanner {
        let flags = libc::FAN_CLASS_CONTENT | libc::FAN_CLOEXEC;
        // SAFETY: takes integers only.
        let fd = unsafe { libc::fanotify_init(flags, libc::O_RDONLY as u32) };
        let error = std::io::Error::last_os_error();
        assert!(fd >= 0, "fanotify_init takes CAP_SYS_ADMIN: {error}");
        // SAFETY: the descriptor is new.
        let scanner = Scanner(unsafe { OwnedFd::from_raw_fd(fd) });
        let file = CString::new(file).unwrap();
        // SAFETY: takes integers and reads a string.
        let marked = unsafe {
            libc::fanotify_mark(
                fd,
                libc::FAN_MARK_ADD,
                libc::FAN_OPEN_EXEC_PERM,
                libc::AT_FDCWD,
                file.as_ptr(),
            )
        };
        assert_eq!(marked, 0, "fanotify_mark: {}", std::io::Error::last_os_error());
        scanner
    }

    /// Waits until an exec hangs.
    fn expect_exec(&self) {
        assert!(poll(self.0.as_raw_fd()), "the file is not executed");
    }
}

/// sexton with a command whose exec hangs.
fn hanging(
    test: &str,
    place: Place,
    flags: &[&str],
    world: fn(Setup) -> Setup,
) -> (Scanner, Running) {
    let folder = Folder::new(&format!("hanging-{test}"));
    let command = folder.copy("command", "755", &probe());
    let scanner = Scanner::of(&command);
    let setup = Setup::new(&[flags, &["--", &command, "sleep"]].concat()).place(place);
    let running = world(setup).start();
    scanner.expect_exec();
    wait_until("sexton waits for signals", || running.is_idle());
    (scanner, running)
}

#[test]
fn signals_are_handled_while_the_exec_hangs() {
    for place in [Place::Init, Place::Child] {
        let flags = ["-v", "--rewrite=USR1=ignore"];
        let (scanner, mut running) = hanging("signals", place, &flags, |setup| setup);
        running.signal(libc::SIGUSR1);
        running.expect_log("received SIGUSR1");
        // The command is none the worse for the wait.
        drop(scanner);
        running.expect("ready");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 143, "{place:?}");
    }
}

#[test]
fn a_stop_ends_an_exec_that_hangs() {
    for place in [Place::Init, Place::Child] {
        let (_scanner, running) = hanging("stop", place, &[], |setup| setup);
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (143, "", ""));
    }
}

#[test]
fn what_ignores_the_stop_is_killed_when_the_grace_is_over() {
    for place in [Place::Init, Place::Child] {
        let ignored = |setup: Setup| setup.ignored(&[libc::SIGTERM]);
        let (_scanner, running) = hanging("kill", place, &["--grace=100ms"], ignored);
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert_eq!((ended.status, ended.stdout.as_str()), (137, ""), "{ended:?}");
        assert!(ended.stderr.contains("did not end within the grace"), "{}", ended.stderr);
    }
}

#[test]
fn a_stop_ends_it_with_limits_and_a_session_as_well() {
    let flags = ["--setsid", "--rlimit=core=0", "--pdeathsig=TERM"];
    for place in [Place::Init, Place::Child] {
        let (_scanner, running) = hanging("steps", place, &flags, |setup| setup);
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 143, "{place:?}");
    }
}
