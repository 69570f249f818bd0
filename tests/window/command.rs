//! The command: does what letters say, those of its argument at once and then those of its standard input, and answers
//! with one byte or more.

use nix::libc;
use std::time::Duration;

/// Where the command answers.
pub const ANSWERS: i32 = 1;

/// An inherited descriptor that keeps a pipe open.
pub const PIPE: i32 = 30;

/// The file system that sexton was started in.
pub const DIRECTORY: &str = "/tmp/sexton-window";

/// What the command exits with at the end.
pub const STATUS: i32 = 5;

/// Signals that the command counts, and the one behind which nothing of them is left.
pub const COUNTED: [i32; 4] = [libc::SIGHUP, libc::SIGUSR1, libc::SIGTERM, 40];
pub const FENCE: i32 = 45;

pub fn run(at_once: &str) -> ! {
    // So large in every group that half of the memory is filled.
    let fill = std::env::var("FILL").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for letter in at_once.bytes() {
        act(letter, fill);
    }
    loop {
        let mut letter = 0u8;
        if unsafe { libc::read(0, (&raw mut letter).cast(), 1) } != 1 {
            std::process::exit(STATUS);
        }
        act(letter, fill);
    }
}

fn answer(bytes: &[u8]) {
    unsafe { libc::write(ANSWERS, bytes.as_ptr().cast(), bytes.len()) };
}

fn act(letter: u8, fill: usize) {
    match letter {
        b'h' => take(usize::MAX),
        b'f' => {
            take(fill);
            answer(b"f");
        }
        b'd' => unsafe {
            libc::kill(libc::getpid(), libc::SIGKILL);
        },
        b'c' => {
            let child = fork(|| take(usize::MAX));
            answer(&[if wait(child) == libc::SIGKILL { b'c' } else { b'?' }]);
        }
        b'C' => {
            fork(|| take(usize::MAX));
            loop {
                unsafe { libc::pause() };
            }
        }
        b'k' => {
            let child = fork(|| {
                loop {
                    unsafe { libc::pause() };
                }
            });
            unsafe { libc::kill(child, libc::SIGKILL) };
            answer(&[if wait(child) == libc::SIGKILL { b'k' } else { b'?' }]);
        }
        b'p' => {
            fork(|| {
                loop {
                    unsafe { libc::pause() };
                }
            });
            answer(b"p");
        }
        b'b' => {
            let bits =
                COUNTED.iter().fold(1u64 << (FENCE - 1), |bits, signal| bits | 1 << (signal - 1));
            unsafe {
                libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const bits, 0, 8)
            };
            answer(b"b");
        }
        b't' => {
            unsafe { libc::kill(libc::getppid(), libc::SIGTERM) };
            answer(b"t");
        }
        b'n' => answer(&count()),
        b'q' => {
            unsafe { libc::close(PIPE) };
            answer(b"q");
        }
        b'm' => {
            unsafe { libc::chdir(c"/".as_ptr()) };
            let path = std::ffi::CString::new(DIRECTORY).unwrap();
            while unsafe { libc::umount2(path.as_ptr(), 0) } != 0 {
                std::thread::sleep(Duration::from_micros(20));
            }
            answer(b"m");
        }
        b'x' => std::process::exit(STATUS),
        _ => panic!("{letter}"),
    }
}

/// Memory that is written to.
fn take(most: usize) {
    const STEP: usize = 1 << 30;
    let (protection, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
    );
    let begin = unsafe { libc::mmap(std::ptr::null_mut(), STEP, protection, flags, -1, 0) };
    assert!(begin != libc::MAP_FAILED, "no memory to take");
    unsafe { libc::madvise(begin, STEP, libc::MADV_NOHUGEPAGE) };
    for at in (0..STEP.min(most)).step_by(4096) {
        unsafe { begin.cast::<u8>().add(at).write_volatile(1) };
    }
}

fn fork(child: impl FnOnce()) -> i32 {
    match unsafe { libc::fork() } {
        0 => {
            child();
            unsafe { libc::_exit(0) }
        }
        pid => pid,
    }
}

/// The signal that has killed a child; 0 if none.
fn wait(child: i32) -> i32 {
    let mut status = 0;
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 }
}

/// How many of each of the signals have come before the fence.
fn count() -> [u8; COUNTED.len()] {
    let bits = COUNTED.iter().fold(1u64 << (FENCE - 1), |bits, signal| bits | 1 << (signal - 1));
    let mut counts = [0; COUNTED.len()];
    loop {
        let (info, time) = (std::ptr::null_mut::<u8>(), std::ptr::null::<u8>());
        let signal =
            unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, &raw const bits, info, time, 8) };
        match COUNTED.iter().position(|counted| i64::from(*counted) == signal) {
            Some(index) => counts[index] += 1,
            None if signal == i64::from(FENCE) => return counts,
            None => {}
        }
    }
}
