//! Starts sexton in a PID namespace of its own, and waits for what it does.
//!
//! A test says how the world around sexton looks (`Setup`), starts it, and then waits for events:
//! lines that main prints, the end of sexton. Nothing sleeps. Every wait has a limit; passing it
//! fails the test and shows what sexton logged.

use crate::filter::{self, Failing};
use nix::libc;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long an event may take before the test fails. Far more than any needs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The binary under test: this build's, or the one that `IT_BIN` names.
pub fn sexton() -> PathBuf {
    std::env::var_os("IT_BIN").map_or(env!("CARGO_BIN_EXE_sexton").into(), PathBuf::from)
}

/// The program that runs as main.
pub fn probe() -> String {
    example("probe", "tests/probe/main.rs")
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

/// Which process of the namespace sexton is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// PID 1.
    Init,
    /// A child of PID 1, which also has a child that is none of sexton's business: the bystander.
    Child,
}

/// The world that sexton is started in.
#[derive(Clone)]
pub struct Setup {
    program: CString,
    words: Vec<Vec<u8>>,
    variables: Vec<Vec<u8>>,
    place: Place,
    proc_options: Option<&'static CStr>,
    pid_max: Option<&'static [u8]>,
    churning: bool,
    mask: u64,
    ignored: Vec<i32>,
    closed: Vec<RawFd>,
    output: RawFd,
    stderr: Option<RawFd>,
    inherited: Vec<RawFd>,
    /// The controlling terminal, also standard input, output and error.
    terminal: Option<RawFd>,
    background: bool,
    limits: Vec<(i32, u64, u64)>,
    binds: Vec<(CString, CString)>,
    directory: Option<CString>,
    failing: Vec<Failing>,
    watched: bool,
    filter: Vec<libc::sock_filter>,
    user: Option<u32>,
    prepare: Option<fn()>,
}

impl Setup {
    /// sexton with these arguments, as PID 1, with no environment but `PATH`.
    pub fn new<S: AsRef<OsStr>>(arguments: &[S]) -> Setup {
        Setup::program(&sexton(), arguments)
    }

    /// Another program in sexton's place.
    pub fn program<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Setup {
        let program = program.as_os_str().as_bytes();
        let rest = arguments.iter().map(|word| word.as_ref().as_bytes().to_vec());
        Setup {
            program: CString::new(program).unwrap(),
            words: [program.to_vec()].into_iter().chain(rest).collect(),
            variables: vec![b"PATH=/usr/bin:/bin".to_vec()],
            place: Place::Init,
            proc_options: Some(c""),
            pid_max: None,
            churning: false,
            mask: 0,
            ignored: Vec::new(),
            closed: Vec::new(),
            output: 1,
            stderr: None,
            inherited: Vec::new(),
            terminal: None,
            background: false,
            limits: Vec::new(),
            binds: Vec::new(),
            directory: None,
            failing: Vec::new(),
            watched: false,
            filter: Vec::new(),
            user: None,
            prepare: None,
        }
    }

    /// With another `argv[0]` than its path.
    pub fn called(mut self, name: &str) -> Setup {
        self.words[0] = name.into();
        self
    }

    pub fn place(mut self, place: Place) -> Setup {
        self.place = place;
        self
    }

    pub fn variable(mut self, variable: impl AsRef<OsStr>) -> Setup {
        self.variables.push(variable.as_ref().as_bytes().to_vec());
        self
    }

    pub fn no_variables(mut self) -> Setup {
        self.variables.clear();
        self
    }

    /// The namespace has no /proc.
    pub fn without_proc(mut self) -> Setup {
        self.proc_options = None;
        self
    }

    /// /proc shows a user only its own processes.
    pub fn with_hidepid(mut self) -> Setup {
        self.proc_options = Some(c"hidepid=2");
        self
    }

    /// Process IDs in the namespace are so few that each is soon used again. Takes Linux 6.14, where
    /// the largest one is the namespace's own.
    pub fn few_pids(mut self) -> Setup {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap(), numbers.next().unwrap());
        assert!(
            version >= (6, 14),
            "CANNOT RUN: Linux {release} has one pid_max for all namespaces"
        );
        self.pid_max = Some(b"400");
        self
    }

    /// The bystander forks and buries children without a pause. One that is hit by a signal ends it.
    pub fn churning_bystander(mut self) -> Setup {
        self.churning = true;
        self
    }

    pub fn mask(mut self, bits: u64) -> Setup {
        self.mask = bits;
        self
    }

    pub fn ignored(mut self, signals: &[i32]) -> Setup {
        self.ignored.extend(signals);
        self
    }

    pub fn closed(mut self, fds: &[RawFd]) -> Setup {
        self.closed.extend(fds);
        self
    }

    /// Where main's output goes if descriptor 1 is to be closed.
    pub fn output_at(mut self, fd: RawFd) -> Setup {
        self.output = fd;
        self
    }

    pub fn stderr(mut self, fd: &impl AsRawFd) -> Setup {
        self.stderr = Some(fd.as_raw_fd());
        self
    }

    /// Open in sexton too, under the same number.
    pub fn inherit(mut self, fd: &impl AsRawFd) -> Setup {
        self.inherited.push(fd.as_raw_fd());
        self
    }

    pub fn limit(mut self, resource: i32, soft: u64, hard: u64) -> Setup {
        self.limits.push((resource, soft, hard));
        self
    }

    /// The file or folder `source` is seen in place of `target`, which must be there.
    pub fn bind(mut self, source: impl AsRef<OsStr>, target: &str) -> Setup {
        let source = CString::new(source.as_ref().as_bytes()).unwrap();
        self.binds.push((source, CString::new(target).unwrap()));
        self
    }

    /// sexton's working directory, instead of this process's.
    pub fn directory(mut self, path: &str) -> Setup {
        self.directory = Some(CString::new(path).unwrap());
        self
    }

    /// The system call fails with this errno; if an argument is given as index and value, then only with
    /// that.
    pub fn failing(mut self, call: i64, argument: Option<(u32, u32)>, errno: i32) -> Setup {
        self.failing.push(Failing { call, argument, errno });
        self
    }

    /// Each system call of sexton and of what it starts waits for [`Running::listener`].
    #[allow(dead_code, reason = "tests/faults uses it")]
    pub fn watched(mut self) -> Setup {
        self.watched = true;
        self
    }

    /// sexton and all that it starts are under this seccomp filter.
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn filter(mut self, filter: Vec<libc::sock_filter>) -> Setup {
        self.filter = filter;
        self
    }

    /// sexton runs as this user, with the group of the same number as its only one, and without any
    /// capabilities.
    pub fn user(mut self, id: u32) -> Setup {
        self.user = Some(id);
        self
    }

    /// Before sexton is executed, while there still are all privileges. Must be async-signal-safe.
    pub fn prepare(mut self, action: fn()) -> Setup {
        self.prepare = Some(action);
        self
    }

    /// sexton leads a session whose controlling terminal this is.
    pub fn terminal(mut self, fd: &impl AsRawFd) -> Setup {
        self.terminal = Some(fd.as_raw_fd());
        self
    }

    /// sexton's process group is not the terminal's foreground group.
    pub fn in_background(mut self) -> Setup {
        self.background = true;
        self
    }

    pub fn start(self) -> Running {
        Running::start(self)
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Ended {
        self.start().end()
    }
}

/// How sexton ended, and what it printed since the last line that was waited for.
#[derive(Debug)]
pub struct Ended {
    /// The exit status; 1000 + N if signal N killed sexton itself.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A started sexton. All that is left of its namespace is killed when this is dropped.
pub struct Running {
    /// The namespace's PID 1, as seen from here.
    init: i32,
    /// sexton, as seen from here.
    pub pid: i32,
    /// The process that must never be harmed (`Place::Child`).
    pub bystander: i32,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    logged: String,
    /// Reads the wait status of sexton from the namespace's init (`Place::Child`).
    ended: Option<File>,
    /// Is asked about each system call, if they are watched.
    pub listener: Option<OwnedFd>,
    reaped: bool,
}

pub fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap()
}

/// Sends the lines of a stream, one by one, until its end.
fn reader(fd: OwnedFd) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(File::from(fd));
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

impl Running {
    fn start(setup: Setup) -> Running {
        let (out, out_end) = pipe();
        let (err, err_end) = pipe();
        // Room for all that a test tells: on a busy machine the reader lags, and sexton then drops lines.
        // SAFETY: takes integers only.
        assert!(unsafe { libc::fcntl(err_end.as_raw_fd(), libc::F_SETPIPE_SZ, 1 << 20) } > 0);
        let (status, status_end) = pipe();
        let (go, go_end) = pipe();
        let words: Vec<CString> =
            setup.words.iter().map(|word| CString::new(word.clone()).unwrap()).collect();
        let variables: Vec<CString> =
            setup.variables.iter().map(|entry| CString::new(entry.clone()).unwrap()).collect();
        let vector = |strings: &[CString]| -> Vec<*const libc::c_char> {
            strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let child = Child {
            setup: &setup,
            argv: vector(&words),
            environment: vector(&variables),
            stdout: out_end.as_raw_fd(),
            stderr: setup.stderr.unwrap_or(err_end.as_raw_fd()),
            status: status_end.as_raw_fd(),
            go: go.as_raw_fd(),
        };
        // SAFETY: the child only makes async-signal-safe calls.
        let init = unsafe { raw_fork(libc::CLONE_NEWPID | libc::CLONE_NEWNS) };
        if init == 0 {
            child.run();
        }
        assert!(
            init > 0,
            "these tests need root, to make PID namespaces: {}",
            std::io::Error::last_os_error()
        );
        drop((out_end, err_end, status_end, go));
        let mut running = Running {
            init,
            pid: init,
            bystander: 0,
            stdout: reader(out),
            stderr: reader(err),
            logged: String::new(),
            ended: None,
            listener: None,
            reaped: false,
        };
        let mut status = File::from(status);
        wait_readable(status.as_raw_fd());
        let mut free = [0];
        status.read_exact(&mut free).expect("sexton is about to be executed");
        if setup.place == Place::Child {
            running.ended = Some(status);
            let pids = children_of(init);
            [running.bystander, running.pid] = pids[..].try_into().expect("two children");
        }
        File::from(go_end).write_all(b"x").ok();
        if setup.watched {
            running.listener = Some(fetch_descriptor(running.pid, free[0].into()));
        }
        running
    }

    /// The next line of main's standard output; `None` at its end.
    pub fn next_line(&mut self) -> Option<String> {
        match self.stdout.recv_timeout(LIMIT) {
            Ok(line) => Some(line.trim_end_matches('\n').to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                panic!("no line came; sexton logged:\n{}", self.log())
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// The next line of main's standard output.
    pub fn line(&mut self) -> String {
        let line = self.next_line();
        line.unwrap_or_else(|| panic!("the output ended; sexton logged:\n{}", self.log()))
    }

    /// Waits for exactly this line.
    pub fn expect(&mut self, line: &str) {
        let got = self.line();
        assert!(got == line, "got {got:?} instead of {line:?}; sexton logged:\n{}", self.log());
    }

    /// Waits for a line that sexton logs and that has this in it.
    pub fn expect_log(&mut self, part: &str) {
        let until = Instant::now() + LIMIT;
        while let Ok(line) =
            self.stderr.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.logged += &line;
            if line.contains(part) {
                return;
            }
        }
        panic!("{part:?} was not logged; this was:\n{}", self.logged);
    }

    /// Whether sexton has done all there was to do, and waits for a signal.
    pub fn is_idle(&self) -> bool {
        let waiting = libc::SYS_rt_sigtimedwait as u64;
        self.has_taken_all() && self.blocked_in().first() == Some(&waiting)
    }

    /// The descriptors that sexton has open, with what each is.
    pub fn descriptors(&self) -> Vec<(i32, String)> {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.pid)).unwrap();
        let target = |path: PathBuf| {
            let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            Some((number, path.read_link().ok()?.into_os_string().into_string().unwrap()))
        };
        entries.filter_map(|entry| target(entry.unwrap().path())).collect()
    }

    /// What was logged, for a test that fails: it waits a little for what is still on its way.
    pub fn log(&mut self) -> &str {
        while let Ok(line) = self.stderr.recv_timeout(Duration::from_millis(500)) {
            self.logged += &line;
        }
        &self.logged
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: takes integers only.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }

    /// sigqueue(3), for realtime signals that the C library would refuse too.
    pub fn queue(&self, signal: i32, value: usize) {
        queue(self.pid, signal, value).unwrap();
    }

    /// A field of /proc/PID/status of sexton.
    pub fn status(&self, field: &str) -> String {
        status_field(self.pid, field)
    }

    /// The children of sexton, as seen from here.
    pub fn children(&self) -> Vec<i32> {
        children_of(self.pid)
    }

    /// Whether the bystander is still there, and no zombie.
    pub fn bystander_lives(&self) -> bool {
        let state = status_field(self.bystander, "State");
        !state.is_empty() && !state.starts_with(['Z', 'X'])
    }

    /// The other processes of the namespace that are children of its init.
    pub fn adopted_by_init(&self) -> Vec<i32> {
        let mut pids = children_of(self.init);
        pids.retain(|pid| ![self.pid, self.bystander].contains(pid));
        pids
    }

    /// Whether sexton is gone, or a zombie.
    pub fn has_ended(&self) -> bool {
        let state = self.status("State");
        state.is_empty() || state.starts_with('Z')
    }

    /// Whether sexton has taken every signal that was sent to it.
    pub fn has_taken_all(&self) -> bool {
        self.status("ShdPnd") == "0000000000000000"
    }

    /// The arguments of the system call that sexton is blocked in, its number first; empty if it runs.
    pub fn blocked_in(&self) -> Vec<u64> {
        let call =
            std::fs::read_to_string(format!("/proc/{}/syscall", self.pid)).unwrap_or_default();
        let number = |word: &str| match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        };
        call.split_whitespace().map_while(number).collect()
    }

    /// Waits for sexton's end, which as a child leaves the namespace's init nobody to adopt.
    pub fn end_with_its_tree(self) -> Ended {
        wait_until("sexton ends", || self.has_ended());
        if self.bystander != 0 {
            assert_eq!(self.adopted_by_init(), []);
        }
        self.end()
    }

    /// Waits for sexton's end.
    pub fn end(mut self) -> Ended {
        let raw = match &mut self.ended {
            Some(file) => {
                wait_readable(file.as_raw_fd());
                let mut raw = [0; 4];
                file.read_exact(&mut raw).expect("the status of sexton");
                i32::from_ne_bytes(raw)
            }
            None => {
                self.wait_init();
                let mut raw = 0;
                // SAFETY: our child, which is not reaped yet.
                assert_eq!(unsafe { libc::waitpid(self.init, &raw mut raw, 0) }, self.init);
                self.reaped = true;
                raw
            }
        };
        let status =
            if libc::WIFEXITED(raw) { libc::WEXITSTATUS(raw) } else { 1000 + libc::WTERMSIG(raw) };
        // With the namespace gone nobody holds the pipes, and the readers come to their end.
        let bystander_lived = self.bystander == 0 || self.bystander_lives();
        self.kill();
        assert!(bystander_lived, "the bystander was harmed");
        let stderr = self.logged.clone() + &self.stderr.iter().collect::<String>();
        Ended { status, stdout: self.stdout.iter().collect(), stderr }
    }

    fn wait_init(&mut self) {
        // SAFETY: takes integers only.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, self.init, 0) } as RawFd;
        // SAFETY: the descriptor is new.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        if !poll(pidfd.as_raw_fd()) {
            panic!("sexton does not end; it logged:\n{}", self.log());
        }
    }

    fn kill(&mut self) {
        if !self.reaped {
            // SAFETY: our child, which is not reaped yet.
            unsafe {
                libc::kill(self.init, libc::SIGKILL);
                libc::waitpid(self.init, std::ptr::null_mut(), 0);
            }
            self.reaped = true;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
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

/// Whether a process waits for a signal, without a time-out.
pub fn sleeps_for_ever(pid: i32) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let words: Vec<&str> = call.split_whitespace().collect();
    let number = libc::SYS_rt_sigtimedwait.to_string();
    words.first() == Some(&number.as_str()) && words.get(3) == Some(&"0x0")
}

/// Another process's descriptor, as soon as it has it (pidfd_getfd(2)).
fn fetch_descriptor(pid: i32, fd: RawFd) -> OwnedFd {
    // SAFETY: takes integers only.
    let process = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let mut found = -1;
    wait_until("a descriptor is there", || {
        // SAFETY: takes integers only.
        found = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, fd, 0) };
        found >= 0
    });
    // SAFETY: both are new.
    unsafe { libc::close(process as RawFd) };
    // SAFETY: as above.
    unsafe { OwnedFd::from_raw_fd(found as RawFd) }
}

/// The children of a process of one thread; none if it is gone.
pub fn children_of(pid: i32) -> Vec<i32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    children.unwrap_or_default().split(' ').filter_map(|pid| pid.parse().ok()).collect()
}

/// Waits until the condition holds; for what the kernel tells nobody about.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < until, "{what} does not happen");
        std::thread::yield_now();
    }
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

/// As fork(2), with more flags, and without the C library's locks: another thread may hold them.
///
/// # Safety
/// The child may only make async-signal-safe calls.
unsafe fn raw_fork(flags: i32) -> i32 {
    // SAFETY: no stack and no pointers are passed.
    unsafe { libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) as i32 }
}

/// Changes the user with raw system calls: those of the C library would tell threads that are not there.
///
/// # Safety
/// Only for a process that [`raw_fork`] made.
unsafe fn become_user(id: u32) {
    // SAFETY: the kernel reads one number.
    let results = unsafe {
        [
            libc::syscall(libc::SYS_setgroups, 1usize, &raw const id),
            libc::syscall(libc::SYS_setresgid, id, id, id),
            libc::syscall(libc::SYS_setresuid, id, id, id),
            // The change has cleared it.
            libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0),
        ]
    };
    if results != [0; 4] {
        // SAFETY: ends this process; the test then sees this status.
        unsafe { libc::_exit(94) };
    }
}

/// Keeps some short-lived children, and ends as soon as one was hit by a signal.
///
/// # Safety
/// Only for a process that [`raw_fork`] made.
unsafe fn churn() -> ! {
    const AT_ONCE: usize = 40;
    // SAFETY: async-signal-safe calls only.
    unsafe {
        let mut alive = 0;
        loop {
            if alive < AT_ONCE {
                match raw_fork(0) {
                    0 => {
                        libc::sched_yield();
                        libc::_exit(0);
                    }
                    pid if pid > 0 => {
                        alive += 1;
                        continue;
                    }
                    _ => {} // no process ID is free
                }
            }
            let mut raw = 0;
            if libc::waitpid(-1, &raw mut raw, 0) > 0 {
                alive -= 1;
                if !libc::WIFEXITED(raw) {
                    libc::_exit(1);
                }
            }
        }
    }
}

/// The part that runs in the cloned process. Only async-signal-safe calls from here on.
struct Child<'a> {
    setup: &'a Setup,
    argv: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
    stdout: RawFd,
    stderr: RawFd,
    status: RawFd,
    go: RawFd,
}

impl Child<'_> {
    fn run(&self) -> ! {
        // SAFETY: system calls with valid arguments, in a process of one thread.
        unsafe {
            // Should the test's thread end first, by a panic elsewhere, this namespace goes with it.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                std::ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                std::ptr::null(),
            );
            let proc = if self.setup.proc_options.is_some() { c"proc" } else { c"tmpfs" };
            let options = self.setup.proc_options.unwrap_or_default();
            libc::mount(
                proc.as_ptr(),
                c"/proc".as_ptr(),
                proc.as_ptr(),
                0,
                options.as_ptr().cast(),
            );
            if let Some(pid_max) = self.setup.pid_max {
                let file = libc::open(c"/proc/sys/kernel/pid_max".as_ptr(), libc::O_WRONLY);
                if libc::write(file, pid_max.as_ptr().cast(), pid_max.len()) < 0 {
                    libc::_exit(97);
                }
                libc::close(file);
            }
            for (source, target) in &self.setup.binds {
                let (none, flags) = (std::ptr::null(), libc::MS_BIND);
                if libc::mount(source.as_ptr(), target.as_ptr(), none, flags, none.cast()) != 0 {
                    libc::_exit(96);
                }
            }
            if self.setup.place == Place::Init {
                self.execute();
            }
            let bystander = raw_fork(0);
            if bystander == 0 {
                libc::setsid();
                libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
                if self.setup.churning {
                    churn();
                }
                loop {
                    libc::pause();
                }
            }
            let sexton = raw_fork(0);
            if sexton == 0 {
                self.execute();
            }
            // Nothing of any test stays open here but the way to tell the status.
            let status = 3;
            libc::dup2(self.status, status);
            libc::syscall(libc::SYS_close_range, status + 1, u32::MAX, 0);
            loop {
                let mut raw = 0;
                let pid = libc::waitpid(-1, &raw mut raw, 0);
                if pid == sexton {
                    libc::write(status, (&raw const raw).cast(), 4);
                }
            }
        }
    }

    unsafe fn execute(&self) -> ! {
        let setup = self.setup;
        // SAFETY: as above.
        unsafe {
            libc::setsid();
            // Out of the way of the descriptors that are asked for.
            let [stdout, stderr, status, go] = [self.stdout, self.stderr, self.status, self.go]
                .map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 500));
            match setup.terminal {
                Some(terminal) => {
                    libc::ioctl(terminal, libc::TIOCSCTTY, 0);
                    for fd in 0..=2 {
                        libc::dup2(terminal, fd);
                    }
                    libc::close(terminal);
                    if setup.background {
                        // A child that is not the session's leader, in a group of its own.
                        let child = raw_fork(0);
                        if child > 0 {
                            let mut raw = 0;
                            libc::waitpid(child, &raw mut raw, 0);
                            libc::_exit(libc::WEXITSTATUS(raw));
                        }
                        libc::setpgid(0, 0);
                    }
                }
                None => {
                    let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY);
                    libc::dup2(null, 0);
                    libc::close(null);
                    libc::dup2(stdout, setup.output);
                    libc::dup2(stderr, 2);
                }
            }
            for &fd in &setup.inherited {
                libc::fcntl(fd, libc::F_SETFD, 0);
            }
            for &fd in &setup.closed {
                libc::close(fd);
            }
            for &(resource, soft, hard) in &setup.limits {
                libc::setrlimit(resource as _, &libc::rlimit { rlim_cur: soft, rlim_max: hard });
            }
            for signal in 1..=64 {
                // Rust's test harness ignores SIGPIPE; nothing else is as it should be by accident.
                let handler = if setup.ignored.contains(&signal) { 1u64 } else { 0 };
                let action = [handler, 0, 0, 0];
                libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), 0, 8);
            }
            if let Some(directory) = &setup.directory
                && libc::chdir(directory.as_ptr()) != 0
            {
                libc::_exit(95);
            }
            if let Some(prepare) = setup.prepare {
                prepare();
            }
            if setup.failing.iter().any(|failing| filter::fail(failing).is_err()) {
                libc::_exit(98);
            }
            if let Some(id) = setup.user {
                become_user(id);
            }
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &setup.mask, 0, 8);
            // Everything is in place: from here on the test may send signals.
            // The number that the listener will have.
            let free = libc::dup(0) as u8;
            libc::close(free.into());
            libc::write(status, (&raw const free).cast(), 1);
            libc::read(go, [0u8; 1].as_mut_ptr().cast(), 1);
            if setup.watched && filter::install_listener().ok() != Some(free.into()) {
                libc::_exit(93);
            }
            if !setup.filter.is_empty() && filter::install(&setup.filter).is_err() {
                libc::_exit(92);
            }
            libc::execve(setup.program.as_ptr(), self.argv.as_ptr(), self.environment.as_ptr());
            libc::_exit(99);
        }
    }
}

/// A pseudo-terminal: what is typed on one side, and what the programs on the other side use.
pub struct Terminal {
    pub user: File,
    pub program: OwnedFd,
    screen: String,
}

impl Terminal {
    pub fn new() -> Terminal {
        let (mut user, mut program) = (0, 0);
        let null = std::ptr::null_mut();
        // SAFETY: writes two integers.
        let result = unsafe {
            libc::openpty(&raw mut user, &raw mut program, null, null.cast(), null.cast())
        };
        assert_eq!(result, 0, "openpty: {}", std::io::Error::last_os_error());
        for fd in [user, program] {
            // SAFETY: takes integers only.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        // SAFETY: both are new.
        unsafe {
            Terminal {
                user: File::from_raw_fd(user),
                program: OwnedFd::from_raw_fd(program),
                screen: String::new(),
            }
        }
    }

    pub fn type_in(&mut self, text: &str) {
        self.user.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the screen has shown this, and forgets what came before it.
    pub fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(at) = self.screen.find(text) {
                let seen = self.screen[..at].to_owned();
                self.screen.drain(..at + text.len());
                return seen;
            }
            assert!(
                Instant::now() < until && poll(self.user.as_raw_fd()),
                "{text:?} is not shown; this is: {:?}",
                self.screen
            );
            let mut buffer = [0; 4096];
            let length = self.user.read(&mut buffer).unwrap_or(0);
            self.screen += &String::from_utf8_lossy(&buffer[..length]);
            assert!(length > 0, "the terminal is gone; {text:?} is not in {:?}", self.screen);
        }
    }

    /// Everything that has been shown since the last text that was waited for, and is not read yet.
    pub fn shown(&mut self) -> &str {
        while poll_for(self.user.as_raw_fd(), Duration::ZERO) {
            let mut buffer = [0; 4096];
            match self.user.read(&mut buffer) {
                Ok(length @ 1..) => self.screen += &String::from_utf8_lossy(&buffer[..length]),
                _ => break,
            }
        }
        &self.screen
    }

    /// Resizes the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: reads one structure.
        let result =
            unsafe { libc::ioctl(self.user.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0);
    }

    /// The modes: input, output, control, local flags, and the keys (termios(3)).
    pub fn modes(&self) -> ([u32; 4], [u8; 32]) {
        // SAFETY: zeroed memory is a valid termios.
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: writes one structure.
        assert_eq!(unsafe { libc::tcgetattr(self.user.as_raw_fd(), &raw mut modes) }, 0);
        ([modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag], modes.c_cc)
    }

    /// Whether what is typed is shown, by the terminal itself.
    pub fn echoes(&self) -> bool {
        self.modes().0[3] & libc::ECHO != 0
    }

    /// Unplugs it: the side of the programs is hung up.
    pub fn unplug(self) {
        drop(self.user);
    }

    /// The foreground process group, as seen from here.
    pub fn foreground(&self) -> i32 {
        let mut group = 0;
        // SAFETY: writes one integer.
        unsafe { libc::ioctl(self.user.as_raw_fd(), libc::TIOCGPGRP, &raw mut group) };
        group
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
/// main and back. The second logs, which may cost a little.
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

/// A folder of its own for a test's files, gone afterwards.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("sexton-it-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// Writes a file with this mode and gives its path.
    pub fn file(&self, name: &str, mode: &str, text: &str) -> String {
        self.install(name, mode, "/dev/stdin", text)
    }

    /// Copies a file.
    pub fn copy(&self, name: &str, mode: &str, source: &str) -> String {
        self.install(name, mode, source, "")
    }

    /// install(1) writes it, so that this process never has it open: a process that another test forks
    /// at that moment would keep it busy, and it could not be executed.
    fn install(&self, name: &str, mode: &str, source: &str, text: &str) -> String {
        let path = self.0.join(name);
        let mut install = Command::new("install")
            .args(["-D", "-m", mode, source])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(install.wait().unwrap().success());
        path.into_os_string().into_string().unwrap()
    }

    /// Anybody may create files here.
    pub fn open_to_all(self) -> Folder {
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o777)).unwrap();
        self
    }

    /// Makes a FIFO and gives its path.
    pub fn fifo(&self, name: &str) -> String {
        let path = self.0.join(name).into_os_string().into_string().unwrap();
        let name = CString::new(path.as_bytes()).unwrap();
        // SAFETY: reads a string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o666) }, 0);
        // SAFETY: reads a string. The umask has taken bits from the mode above.
        assert_eq!(unsafe { libc::chmod(name.as_ptr(), 0o666) }, 0);
        path
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The path of a file in it.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }

    /// A /dev of a test's own, for [`Setup::bind`]: with what sexton and shells need, and what the test puts there.
    pub fn with_devices(self) -> Folder {
        for (name, minor) in [("null", 3), ("zero", 5)] {
            let path = CString::new(self.at(name)).unwrap();
            // SAFETY: reads a string.
            let made = unsafe {
                libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(1, minor))
            };
            assert_eq!(made, 0, "mknod: {}", std::io::Error::last_os_error());
        }
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// sexton, stopped and gone on with system call by system call (ptrace(2)).
pub struct Traced(pub i32);

/// What `PTRACE_GET_SYSCALL_INFO` tells.
#[repr(C)]
#[derive(Default)]
pub struct Call {
    /// 1 at the entry, 2 at the exit.
    pub operation: u8,
    _other: [u8; 23],
    /// The call's number at the entry, its result at the exit.
    pub value: i64,
    /// At the entry.
    pub arguments: [u64; 6],
}

impl Traced {
    fn request(&self, request: u32, address: usize, data: usize) {
        let result = unsafe { libc::ptrace(request as _, self.0, address, data) };
        assert!(result >= 0, "ptrace {request}: {}", std::io::Error::last_os_error());
    }

    /// Waits for the next stop and gives the status.
    fn stop(&self) -> i32 {
        let mut raw = 0;
        wait_until("a traced process stops", || {
            (unsafe { libc::waitpid(self.0, &raw mut raw, libc::__WALL | libc::WNOHANG) }) == self.0
        });
        assert!(libc::WIFSTOPPED(raw), "{raw:x}");
        raw
    }

    pub fn seize(pid: i32) -> Traced {
        let traced = Traced(pid);
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        traced.request(libc::PTRACE_SEIZE as _, 0, options as usize);
        traced.request(libc::PTRACE_INTERRUPT as _, 0, 0);
        traced.stop();
        traced
    }

    /// Goes on to the next entry to or exit from a system call.
    pub fn step(&self) -> Call {
        const PTRACE_GET_SYSCALL_INFO: u32 = 0x420e;
        self.request(libc::PTRACE_SYSCALL as _, 0, 0);
        self.stop();
        let mut call = Call::default();
        self.request(PTRACE_GET_SYSCALL_INFO, size_of::<Call>(), (&raw mut call) as usize);
        call
    }

    pub fn release(self) {
        self.request(libc::PTRACE_DETACH as _, 0, 0);
    }

    /// Lets sexton, which was started with `PTRACE_TRACEME`, run until it has forked: itself and main,
    /// both stopped. If main has only borrowed its memory, sexton goes on when main has been executed.
    pub fn until_fork(pid: i32) -> (Traced, Traced) {
        let sexton = Traced(pid);
        sexton.stop(); // after the exec
        let options = libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_EXITKILL
            | libc::PTRACE_O_TRACESYSGOOD;
        sexton.request(libc::PTRACE_SETOPTIONS as _, 0, options as usize);
        sexton.request(libc::PTRACE_CONT as _, 0, 0);
        let event = sexton.stop() >> 16;
        assert!([libc::PTRACE_EVENT_FORK, libc::PTRACE_EVENT_VFORK].contains(&event), "{event}");
        let mut main: libc::c_ulong = 0;
        sexton.request(libc::PTRACE_GETEVENTMSG as _, 0, (&raw mut main) as usize);
        let main = Traced(main as i32);
        main.stop();
        (sexton, main)
    }
}

/// For [`Setup::prepare`] and [`Traced::until_fork`].
pub fn be_traced() {
    unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
}
