//! Starts sexton in a PID namespace of its own, and waits for what it does.
//!
//! A test says how the world around sexton looks (`Setup`), starts it, and then waits for events:
//! lines that the command prints, the end of sexton. Nothing sleeps. Every wait has a limit; passing it
//! fails the test and shows what sexton logged.

mod child;
mod folder;
mod running;
mod setup;
mod terminal;
mod traced;

pub use self::folder::Folder;
pub use self::running::{Ended, Running};
pub use self::setup::{Place, Setup};
pub use self::terminal::Terminal;
pub use self::traced::{Traced, be_traced};

use nix::libc;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an event may take before the test fails. Far more than any needs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The binary under test: this build's, or the one that `IT_BIN` names.
pub fn sexton() -> PathBuf {
    std::env::var_os("IT_BIN").map_or(env!("CARGO_BIN_EXE_sexton").into(), PathBuf::from)
}

/// The program that runs as the command.
pub fn probe() -> String {
    example("probe", "tests/probe/main.rs")
}

/// A program for Python that has a function `wait`: its handlers of signals run, for ever.
///
/// Python runs a handler between two of its instructions. If a signal came just before pause(2), its handler would run
/// after the next signal; here it is in a pipe that is read.
pub fn python(program: &str) -> String {
    const WAIT: &str = "
def wait():
    import os, signal
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    while 1: os.read(woken, 1)
";
    format!("{WAIT}{program}")
}

/// An example, by its name and its source. `cargo test` builds it; `cargo test --test it` does not.
pub fn example(name: &str, source: &str) -> String {
    let path = Path::new(env!("CARGO_BIN_EXE_sexton")).with_file_name("examples").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let changed = |file: &Path| file.metadata().and_then(|metadata| metadata.modified()).ok();
    assert!(
        changed(&path) >= changed(&source),
        "{} is missing or old: run `cargo build --example {name}`",
        path.display()
    );
    path.into_os_string().into_string().unwrap()
}

pub fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap()
}

/// sigqueue(3), for realtime signals that the C library would refuse too.
///
/// # Errors
/// EAGAIN if the queue is full.
pub fn queue(pid: i32, signal: i32, value: usize) -> std::io::Result<()> {
    let mut info = [0u64; 16];
    info[0] = signal as u64; // si_signo, and si_errno above it
    info[1] = u64::from((-1i32) as u32); // si_code: SI_QUEUE
    info[2] = std::process::id().into(); // si_pid, and si_uid above it
    info[3] = value as u64;
    // SAFETY: the kernel reads 128 bytes.
    match unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, info.as_ptr()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// A field of /proc/PID/status; empty if the process is gone.
pub fn status_field(pid: i32, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// The system call that a process is blocked in, its number first, then its arguments; empty if it runs or is gone.
pub fn blocked_in(pid: i32) -> Vec<u64> {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    call.split_whitespace().map_while(number).collect()
}

/// Whether a process waits for a signal, without a time-out.
pub fn sleeps_for_ever(pid: i32) -> bool {
    let call = blocked_in(pid);
    call.first() == Some(&(libc::SYS_rt_sigtimedwait as u64)) && call.get(3) == Some(&0)
}

/// The children of a process of one thread; none if it is gone. One may be missing if others are reaped meanwhile
/// (proc_pid_task(5), `children`).
pub fn children_of(pid: i32) -> Vec<i32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    children.unwrap_or_default().split(' ').filter_map(|pid| pid.parse().ok()).collect()
}

/// Waits until the condition holds; for what the kernel tells nobody about.
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(becomes_true(condition), "{what} does not happen");
}

/// Whether the condition holds within the limit.
pub(super) fn becomes_true(mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + LIMIT;
    while !condition() {
        if Instant::now() >= until {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

fn wait_readable(fd: RawFd) {
    assert!(poll(fd), "nothing happens");
}

/// Whether a descriptor becomes readable, or comes to its end, within the limit.
pub fn poll(fd: RawFd) -> bool {
    poll_for(fd, LIMIT)
}

fn poll_for(fd: RawFd, limit: Duration) -> bool {
    let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one live entry.
    unsafe { libc::poll(&raw mut entry, 1, limit.as_millis() as i32) == 1 }
}

/// A TCP port of this machine on which nobody listens. As long as this is there no other test gets it, and who sets
/// `SO_REUSEADDR` can listen on it.
#[allow(dead_code, reason = "tests/faults has no use for it")]
pub fn reserve_port() -> TcpListener {
    // SAFETY: zeroed memory is a valid address.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as u16;
    address.sin_addr.s_addr = u32::from(Ipv4Addr::LOCALHOST).to_be();
    let yes = 1_i32;
    let (yes, address) = (&raw const yes, &raw const address);
    // SAFETY: a new descriptor, which the result owns; reads an integer and an address, which are as long as it says.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, yes.cast(), 4);
        assert_eq!(libc::bind(fd, address.cast(), size_of::<libc::sockaddr_in>() as u32), 0);
        TcpListener::from_raw_fd(fd)
    }
}

/// A pipe whose buffer is full.
pub fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (read, write) = pipe();
    let fd = write.as_raw_fd();
    // SAFETY: takes integers, and reads from a live buffer.
    unsafe {
        libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK);
        while libc::write(fd, [b'-'; 4096].as_ptr().cast(), 4096) > 0 {}
        while libc::write(fd, b"-".as_ptr().cast(), 1) > 0 {}
        libc::fcntl(fd, libc::F_SETFL, 0);
    }
    (read, write)
}

/// Sends SIGTERM to two runs of `probe signals`, both ready, in turn and many times, and measures how long it takes to
/// the command and back. The second logs, which may cost a little.
pub fn side_by_side(what: &str, quiet: Running, logging: Running) -> (Running, Running) {
    const ROUNDS: usize = 301;
    // On a busy machine whoever does more is interrupted more often. What blocks is slower every time.
    const TRIES: usize = 10;
    let mut both = [quiet, logging];
    for left in (0..TRIES).rev() {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (running, times) in both.iter_mut().zip(&mut times) {
                let begin = Instant::now();
                running.signal(libc::SIGTERM);
                running.expect("signal 15 value none");
                times.push(begin.elapsed());
                running.expect("signal 18 value none");
            }
        }
        let [quiet, logging] = times.map(|mut times| {
            times.sort();
            (times[ROUNDS / 2], times[ROUNDS * 95 / 100])
        });
        println!("{what}: SIGTERM to main, median and 95 %: {logging:?}, not logging {quiet:?}");
        if logging.0 < quiet.0 * 3 + Duration::from_micros(500) {
            break;
        }
        assert!(left > 0, "{what}: {logging:?} {quiet:?}");
    }
    let [quiet, logging] = both;
    (quiet, logging)
}
