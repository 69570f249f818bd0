//! SPEC 7.2: no line of the log blocks, whoever else writes to the same pipe or terminal. What is free at one instant
//! is full at the next. That is shown twice: call by call, where there is always room when sexton could ask and never
//! when it writes; and with others who write as fast as they can while somebody makes room now and then.

use crate::harness::{
    Ended, Folder, Running, Setup, Terminal, Traced, pipe, status_field, wait_until,
};
use nix::libc;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_millis(200);

/// More than sexton takes, by far.
const SOON: Duration = Duration::from_secs(10);

/// Outlives all signals but the last. Nothing of it is printed.
const STUBBORN: &str = "trap '' USR1 TERM; while :; do sleep 1000; done";

/// sexton with a command that has to be killed.
fn stubborn(flags: &[&str]) -> Setup {
    let grace = format!("--grace={}ms", GRACE.as_millis());
    Setup::new(&[&[grace.as_str()], flags, &["sh", "-c", STUBBORN]].concat())
}

/// Every world in which standard error is another's, or becomes so, or cannot be opened a second time. Each is given
/// the level of the log.
fn worlds(level: &str) -> Vec<(&'static str, Setup)> {
    let with = |flags: &[&str]| stubborn(&[&["--log-level", level], flags].concat());
    vec![
        ("plain", with(&[])),
        ("--user", with(&["--user=1000"])),
        ("--user, no /proc", with(&["--user=1000"]).without_proc()),
        ("--cap-drop", with(&["--cap-drop=all"])),
        ("--user and --cap-drop", with(&["--user=1000", "--cap-drop=all"])),
        ("--setsid", with(&["--setsid"])),
        ("uid 1000 from the start", with(&[]).user(1000)),
        ("no /proc", with(&[]).without_proc()),
        ("uid 1000, no /proc", with(&[]).user(1000).without_proc()),
    ]
}

/// The same on Linux before 6.4, or in a container that has only older calls.
fn older(setup: Setup) -> Setup {
    setup.failing(libc::SYS_pwritev2, None, libc::ENOSYS)
}

/// A pipe or a terminal that is full whenever somebody wants it so. It blocks, as what is usual does.
struct Narrow {
    /// What sexton is given.
    program: OwnedFd,
    reader: File,
    /// An open file of its own, which does not block.
    writer: File,
}

impl Narrow {
    fn new(program: OwnedFd, reader: File) -> Narrow {
        let path = format!("/proc/self/fd/{}", program.as_raw_fd());
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let writer = File::options().write(true).custom_flags(flags).open(path).unwrap();
        Narrow { program, reader, writer }
    }

    /// A pipe that holds one page.
    fn pipe() -> Narrow {
        let (read, write) = pipe();
        set_to_one_page(&write);
        Narrow::new(write, read.into())
    }

    /// One that has a name, and is opened by it.
    fn fifo(folder: &Folder) -> Narrow {
        let fifo = folder.fifo("fifo");
        let reader = File::options().read(true).write(true).open(&fifo).unwrap();
        std::fs::remove_file(&fifo).unwrap();
        set_to_one_page(&reader);
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let program = File::options().write(true).open(path).unwrap();
        Narrow::new(program.into(), reader)
    }

    fn terminal() -> Narrow {
        let Terminal { user, program, .. } = Terminal::new();
        Narrow::new(program, user)
    }

    /// Reads what is there. There is something, as somebody writes.
    fn make_room(&mut self) {
        let mut buffer = [0; 4096];
        assert!(self.reader.read(&mut buffer).unwrap() > 0);
    }

    /// Reads all of it, until there is room. A terminal passes on by and by what was written to it.
    fn empty(&mut self) {
        let begin = Instant::now();
        while !is_ready(&self.writer, libc::POLLOUT, 0) {
            assert!(begin.elapsed() < SOON, "there is no room");
            if is_ready(&self.reader, libc::POLLIN, 1) {
                self.make_room();
            }
        }
    }

    /// Writes until there is no room, and none comes.
    fn fill(&mut self) {
        const BYTES: [u8; 4096] = [b'.'; 4096];
        let wait = if self.reader.metadata().is_ok_and(|file| is_pipe(&file)) { 0 } else { 5 };
        loop {
            while self.writer.write(&BYTES).is_ok() {}
            while self.writer.write(&BYTES[..1]).is_ok() {}
            if !is_ready(&self.writer, libc::POLLOUT, wait) {
                return;
            }
        }
    }
}

fn is_pipe(file: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&file.file_type())
}

fn set_to_one_page(pipe: &impl AsRawFd) {
    // SAFETY: takes integers only.
    assert_eq!(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) }, 4096);
}

fn is_ready(file: &File, events: i16, milliseconds: i32) -> bool {
    let mut entry = libc::pollfd { fd: file.as_raw_fd(), events, revents: 0 };
    // SAFETY: one live entry.
    unsafe { libc::poll(&raw mut entry, 1, milliseconds) == 1 }
}

fn wait_for_command(running: &Running) {
    let ignores_both = |main: &i32| status_field(*main, "SigIgn").ends_with("4200");
    let is_ready = || running.is_idle() && running.children().iter().any(ignores_both);
    wait_until("main is ready", is_ready);
}

/// Goes from system call to system call: before each that does not write there is room, and behind it there is none.
fn step_through(what: &str, setup: Setup, mut narrow: Narrow) {
    const WRITING: [i64; 6] = [
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_pwritev2,
        libc::SYS_splice,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
    ];
    println!("{what}"); // shown if sexton blocks, and a step never comes to its end
    let running = setup.start();
    wait_for_command(&running);
    narrow.fill();
    let traced = Traced::seize(running.pid);
    running.signal(libc::SIGTERM);
    let mut written = 0;
    loop {
        let call = traced.step();
        match call.operation {
            1 if call.value == libc::SYS_exit_group => break,
            1 if WRITING.contains(&call.value) => written += 1,
            1 => narrow.empty(),
            _ => narrow.fill(),
        }
    }
    traced.release();
    assert_eq!(running.end().status, 137, "{what}");
    assert!(written > 0, "{what}: sexton has logged nothing");
}

#[test]
fn room_that_is_gone_when_it_is_used_does_not_hold_sexton_up() {
    let folder = Folder::new("steps");
    // A quiet sexton writes its first line when its rights have long changed.
    for level in ["warn", "trace"] {
        for (what, setup) in worlds(level) {
            let what = format!("{what}, {level}");
            let into = |narrow: &Narrow, setup: &Setup| setup.clone().stderr(&narrow.program);
            for (kind, narrow) in
                [("a pipe", Narrow::pipe as fn() -> Narrow), ("a pipe, older", Narrow::pipe)]
            {
                let narrow = narrow();
                let setup = into(&narrow, &setup);
                let setup = if kind == "a pipe" { setup } else { older(setup) };
                step_through(&format!("{kind}, {what}"), setup, narrow);
            }
            let narrow = Narrow::fifo(&folder);
            step_through(&format!("a FIFO, {what}"), into(&narrow, &setup), narrow);
            let narrow = Narrow::terminal();
            let setup = setup.terminal(&narrow.program);
            step_through(&format!("a terminal, {what}"), setup, narrow);
        }
    }
}

/// Who write without a pause, one of them bytes and one pages.
struct Rivals {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Rivals {
    fn of(narrow: &Narrow) -> Rivals {
        let stop = Arc::new(AtomicBool::new(false));
        let rival = |length: usize| {
            let (stop, mut own) = (Arc::clone(&stop), narrow.writer.try_clone().unwrap());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if own.write(&[b'.'; 4096][..length]).is_err() {
                        std::thread::yield_now();
                    }
                }
            })
        };
        let threads = [1, 4096].map(rival).into();
        Rivals { stop, threads }
    }
}

impl Drop for Rivals {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// Has sexton log all the time, and makes room in the middle of it; then stops it while there is none.
fn contend(what: &str, setup: Setup, mut narrow: Narrow) {
    const ROUNDS: usize = 250;
    let running = setup.start();
    wait_for_command(&running);
    let rivals = Rivals::of(&narrow);
    for round in 0..ROUNDS {
        running.signal(libc::SIGUSR1);
        for _ in 0..round % 4 {
            narrow.make_room();
        }
        let what = format!("{what}: sexton takes a signal, round {round}");
        wait_until(&what, || running.is_idle());
    }
    let begin = Instant::now();
    running.signal(libc::SIGTERM);
    narrow.make_room();
    let Ended { status, .. } = running.end();
    let took = begin.elapsed();
    drop(rivals);
    println!("{what}: ended after {took:?}");
    assert_eq!(status, 137, "{what}");
    assert!(took >= GRACE && took < GRACE + SOON, "{what}: {took:?}");
}

#[test]
fn a_pipe_that_others_fill_does_not_hold_sexton_up() {
    let folder = Folder::new("contention");
    for (what, setup) in worlds("trace") {
        let narrow = Narrow::pipe();
        contend(what, setup.clone().stderr(&narrow.program), narrow);
        let narrow = Narrow::pipe();
        contend(&format!("{what}, older"), older(setup.clone()).stderr(&narrow.program), narrow);
        let narrow = Narrow::fifo(&folder);
        contend(&format!("a FIFO, {what}"), setup.stderr(&narrow.program), narrow);
    }
}

#[test]
fn a_terminal_that_others_fill_does_not_hold_sexton_up() {
    for (what, setup) in worlds("trace") {
        let narrow = Narrow::terminal();
        contend(&format!("a terminal, {what}"), setup.terminal(&narrow.program), narrow);
    }
}
