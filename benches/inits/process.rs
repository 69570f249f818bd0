//! Starting an init as PID 1 of a namespace of its own, and what the kernel tells of it.

use nix::libc;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// How long anything may take before it counts as stuck.
pub const LIMIT: Duration = Duration::from_secs(60);

/// An init that takes so much CPU time, in nanoseconds, never sleeps.
const SPINS: u64 = 500_000_000;

/// Nanoseconds of CLOCK_MONOTONIC, which the workload tells times by as well.
pub fn now() -> u64 {
    read_clock(libc::CLOCK_MONOTONIC)
}

fn read_clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    assert_eq!(result, 0, "a clock cannot be read");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// This process, and those it starts from now on, run on one CPU only, until this is dropped.
pub struct Pinned {
    before: libc::cpu_set_t,
}

impl Pinned {
    /// To the last CPU that may be used: the first has most of the interrupts.
    pub fn new() -> Pinned {
        let mut before: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::cpu_set_t>();
        assert_eq!(unsafe { libc::sched_getaffinity(0, size, &mut before) }, 0);
        let is_in = |cpu: &usize| unsafe { libc::CPU_ISSET(*cpu, &before) };
        let last = (0..libc::CPU_SETSIZE as usize).rev().find(is_in).expect("a CPU");
        let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        unsafe { libc::CPU_SET(last, &mut one) };
        assert_eq!(unsafe { libc::sched_setaffinity(0, size, &one) }, 0);
        Pinned { before }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let size = size_of::<libc::cpu_set_t>();
        unsafe { libc::sched_setaffinity(0, size, &self.before) };
    }
}

/// This process comes before all others, its children do not; until this is dropped.
pub struct Urgent;

impl Urgent {
    pub fn new() -> Urgent {
        let first = libc::sched_param { sched_priority: 1 };
        let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
        // Without the privilege the times are a little less exact.
        unsafe { libc::sched_setscheduler(0, policy, &first) };
        Urgent
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        let none = libc::sched_param { sched_priority: 0 };
        unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &none) };
    }
}

pub fn pipe() -> (File, File) {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    (high(read), high(write))
}

/// Under a number that is not among those that the started program gets.
fn high(fd: impl AsRawFd) -> File {
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 10) };
    assert!(copy >= 10, "{}", std::io::Error::last_os_error());
    unsafe { File::from_raw_fd(copy) }
}

pub fn null() -> File {
    high(File::options().read(true).write(true).open("/dev/null").unwrap())
}

/// A command line that is ready to be executed, without variables.
pub struct Command {
    _words: Vec<CString>,
    argv: Vec<*const c_char>,
    /// What the program gets as descriptors 0, 1 and so on.
    descriptors: Vec<RawFd>,
    /// A control group's list of processes, which the child joins.
    group: Option<RawFd>,
    flags: c_int,
    stack: Vec<u8>,
    /// When the child was about to execute the program: [`now`].
    executed: u64,
}

impl Command {
    /// As PID 1 of a namespace of its own, with these descriptors as its 0, 1 and so on.
    pub fn new(words: &[String], descriptors: &[&File]) -> Command {
        let strings: Vec<CString> =
            words.iter().map(|word| CString::new(word.as_str()).unwrap()).collect();
        Command {
            argv: strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect(),
            _words: strings,
            descriptors: descriptors.iter().map(|file| file.as_raw_fd()).collect(),
            group: None,
            flags: libc::CLONE_NEWPID | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            stack: vec![0; 64 * 1024],
            executed: 0,
        }
    }

    /// In the namespace of this process.
    pub fn without_namespace(mut self) -> Command {
        self.flags &= !libc::CLONE_NEWPID;
        self
    }

    pub fn in_group(mut self, processes: &File) -> Command {
        self.group = Some(processes.as_raw_fd());
        self
    }

    /// Starts it; the process ID. As vfork(2): cheap and with little noise, as no memory is copied.
    pub fn start(&mut self) -> i32 {
        let command: *mut Command = self;
        let top = self.stack.as_mut_ptr_range().end;
        let top = top.wrapping_sub(top as usize % 16).cast();
        let pid = unsafe { libc::clone(execute, top, self.flags, command.cast()) };
        assert!(pid > 0, "PID namespaces take root: {}", std::io::Error::last_os_error());
        pid
    }

    /// Starts it as a child that is traced with all its descendants (ptrace(2)), and is stopped before the exec; the
    /// process ID. As fork(2), because a vfork would wait for one that is stopped.
    pub fn start_traced(&self) -> i32 {
        const OPTIONS: c_int = libc::PTRACE_O_EXITKILL
            | libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACEEXEC;
        let flags = self.flags & !(libc::CLONE_VM | libc::CLONE_VFORK);
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as i32;
        if pid == 0 {
            for (number, fd) in self.descriptors.iter().enumerate() {
                unsafe { libc::dup2(*fd, number as c_int) };
            }
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
            // PID 1 of a namespace stops itself only by this way, being traced.
            unsafe { libc::raise(libc::SIGSTOP) };
            unsafe { libc::execve(self.argv[0], self.argv.as_ptr(), [ptr::null()].as_ptr()) };
            unsafe { libc::_exit(127) };
        }
        let mut status = 0;
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, libc::__WALL) }, pid);
        assert!(libc::WIFSTOPPED(status), "it is stopped: {status}");
        assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, OPTIONS) }, 0);
        assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, 0) }, 0);
        pid
    }

    /// When the last one was executed: [`now`].
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// Runs it to its end; the wait status.
    pub fn run(&mut self) -> i32 {
        wait(self.start())
    }
}

pub fn wait(pid: i32) -> i32 {
    let mut status = 0;
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    status
}

/// What the child does, in the memory of its parent.
extern "C" fn execute(command: *mut c_void) -> c_int {
    let command = unsafe { &mut *command.cast::<Command>() };
    // A run that is interrupted leaves nobody behind.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if let Some(group) = command.group {
        unsafe { libc::write(group, c"0".as_ptr().cast(), 1) };
    }
    for (number, fd) in command.descriptors.iter().enumerate() {
        unsafe { libc::dup2(*fd, number as c_int) };
    }
    let path = command.argv[0];
    command.executed = now();
    unsafe { libc::execve(path, command.argv.as_ptr(), [ptr::null()].as_ptr()) };
    unsafe { libc::_exit(127) }
}

/// An init that runs, or what stands in its place. It is killed when this is dropped, its tree with it.
pub struct Running {
    pub pid: i32,
    pub handle: OwnedFd,
    commands: File,
    answers: File,
    reaped: bool,
}

impl Running {
    /// Starts a command line whose command is the workload, with `output` as standard output and error.
    /// `None` if the command does not report within the limit.
    pub fn start(words: &[String], output: &File, namespace: bool) -> Option<Running> {
        let (commands_end, commands) = pipe();
        let (answers, answers_end) = pipe();
        let descriptors = [&null(), output, output, &commands_end, &answers_end];
        let mut command = Command::new(words, &descriptors);
        if !namespace {
            command = command.without_namespace();
        }
        let pid = command.start();
        let handle = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as RawFd;
        assert!(handle >= 0, "{}", std::io::Error::last_os_error());
        let handle = unsafe { OwnedFd::from_raw_fd(handle) };
        let mut running = Running { pid, handle, commands, answers, reaped: false };
        running.answer(LIMIT)?;
        running.settle();
        Some(running)
    }

    /// The next word that the command writes; `None` if it does not come in time.
    pub fn answer(&mut self, limit: Duration) -> Option<u64> {
        let mut poll =
            libc::pollfd { fd: self.answers.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        if unsafe { libc::poll(&mut poll, 1, limit.as_millis() as c_int) } <= 0 {
            return None;
        }
        self.read()
    }

    /// The same without a limit, and so without a system call for it.
    pub fn read(&mut self) -> Option<u64> {
        let mut word = [0; 8];
        self.answers.read_exact(&mut word).ok()?;
        Some(u64::from_ne_bytes(word))
    }

    /// Has the command do something, and waits until it is done.
    pub fn order(&mut self, what: char, count: u64) {
        let mut command = [0; 16];
        command[..8].copy_from_slice(&u64::from(what).to_ne_bytes());
        command[8..].copy_from_slice(&count.to_ne_bytes());
        self.commands.write_all(&command).unwrap();
        self.read().expect("main answers");
    }

    pub fn signal(&self, signal: i32) {
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }

    /// The CPU time that the init has taken, all its threads together, in nanoseconds.
    pub fn cpu_time(&self) -> u64 {
        // As clock_getcpuclockid(3), which C libraries need /proc or a guess for.
        const CPU_CLOCK_SCHED: i32 = 2;
        read_clock((!self.pid << 3) | CPU_CLOCK_SCHED)
    }

    /// Waits until the init has had nothing to do for a while: it sleeps, and has taken no CPU time.
    pub fn settle(&self) {
        let begin = self.cpu_time();
        let mut before = begin;
        loop {
            std::thread::sleep(Duration::from_millis(30));
            let after = self.cpu_time();
            if after == before && self.sleeps() || after - begin > SPINS {
                return;
            }
            before = after;
        }
    }

    /// Not if it has work, but waits for a CPU.
    pub fn sleeps(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap();
        stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
    }

    /// How often the init has been switched to, all its threads together.
    pub fn switches(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap();
        let count = |status: String| -> u64 {
            let fields = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
            fields.map(|(_, value)| value.trim().parse::<u64>().unwrap()).sum()
        };
        let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap();
        tasks.map(|task| count(status(task.unwrap()))).sum()
    }

    /// Resident memory and what of it is private and dirty, in KiB.
    pub fn memory(&self) -> Memory {
        let path = format!("/proc/{}/smaps_rollup", self.pid);
        let rollup = fs::read_to_string(&path).unwrap();
        let field = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
        };
        Memory { resident: field("Rss"), private_dirty: field("Private_Dirty") }
    }

    pub fn children(&self) -> usize {
        let path = format!("/proc/{0}/task/{0}/children", self.pid);
        fs::read_to_string(path).unwrap().split_whitespace().count()
    }

    pub fn reap(mut self) {
        self.reaped = true;
        wait(self.pid);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            wait(self.pid);
        }
    }
}

/// In KiB.
#[derive(Clone, Copy, PartialEq)]
pub struct Memory {
    pub resident: u64,
    pub private_dirty: u64,
}

/// Files that have been read or written lately count as dirty until they are on the disk.
pub fn sync() {
    unsafe { libc::sync() };
}
