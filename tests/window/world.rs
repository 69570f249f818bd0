//! One run of a case: the group, the namespaces, sexton, and the answers to its system calls.

use crate::cases::{Act, Case};
use crate::command::{self, DIRECTORY, PIPE};
use crate::group::{Group, LIMIT, Version};
use nix::libc;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// What a run has shown, besides what is wrong.
pub struct Outcome {
    /// The kernel has killed sexton or the command, too, because the group had no memory for it before the other
    /// process was gone. That is another case.
    pub is_lost: bool,
    pub kills: u64,
    /// The longest time until something was released.
    pub slowest: Duration,
}

/// Where sexton is, which decides how it finds its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Init,
    Child,
    /// PID 1, with its group as the root of the cgroup file system, as engines mount it.
    InitOfEngine,
}

pub fn run(case: &Case, round: u32) -> Result<Outcome, String> {
    const PLACES: [Place; 3] = [Place::Init, Place::Child, Place::InitOfEngine];
    const MIB: usize = 1 << 20;
    // Held up, it makes no difference how long the command takes.
    let size = if case.is_race { [6, 8, 12, 16][round as usize / 2 % 4] * MIB } else { 8 * MIB };
    let mut place = PLACES[round as usize % 3];
    if case.whole && place == Place::Child {
        place = Place::Init; // or the kernel kills what has started sexton
    }
    let outer = Group::new();
    outer.limit(size);
    let inner = case.outer.then(|| outer.inside());
    let group = inner.as_ref().unwrap_or(&outer);
    if case.had_kills {
        kill_in(group);
    }
    if case.whole {
        group.write("memory.oom.group", "1");
    }
    let mut run = Run::start(case, place, group, size, case.is_race && round % 2 == 1)?;
    let result = run.play(case).and_then(|()| run.end(case));
    if result.is_err() {
        unsafe { libc::kill(run.init, libc::SIGKILL) };
        run.reap();
        let kills = u64::from(case.had_kills) + case.kernel_kills();
        if !case.whole && group.kills() > kills {
            return Ok(Outcome { is_lost: true, kills, slowest: Duration::ZERO });
        }
    }
    result.map_err(|why| format!("{why} ({place:?}, {} MiB)", size / MIB))
}

/// A kill by the kernel, before sexton is there.
fn kill_in(group: &Group) {
    let file = File::options().write(true).open(group.0.join("cgroup.procs")).unwrap();
    let child = unsafe { libc::fork() };
    if child == 0 {
        enter(&file);
        command::run("h");
    }
    let mut status = 0;
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(group.kills(), 1, "CANNOT RUN: the OOM killer does nothing");
}

fn enter(procs: &File) {
    unsafe { libc::write(procs.as_raw_fd(), c"0".as_ptr().cast(), 1) };
}

fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap()
}

struct Run<'a> {
    group: &'a Group,
    init: i32,
    sexton: i32,
    process: OwnedFd,
    status: Option<i32>,
    listener: Option<OwnedFd>,
    letters: Option<File>,
    answers: File,
    errors: File,
    pipe: OwnedFd,
    report: String,
    slowest: Duration,
}

impl Run<'_> {
    fn start<'a>(
        case: &Case,
        place: Place,
        group: &'a Group,
        size: usize,
        is_pinned: bool,
    ) -> Result<Run<'a>, String> {
        let (input, letters) = pipe();
        let (answers, output) = pipe();
        let (errors, error) = pipe();
        let (held, holds) = pipe();
        let (ready, is_ready) = pipe();
        let (goes, go) = pipe();
        let report = format!("/tmp/sexton-window-{}", std::process::id());
        fs::create_dir_all(DIRECTORY).unwrap();
        let own = std::env::current_exe().unwrap();
        let sexton = std::env::var("SEXTON").unwrap_or_else(|_| "/bin/sexton".to_owned());
        let protect: &[&str] = if case.whole { &["--protect"] } else { &[] };
        let command = [own.to_str().unwrap(), "command", case.at_once];
        let words = [&[&*sexton], protect, &["--report", &report, "--"], &command].concat();
        let words: Vec<CString> = words.iter().map(|word| CString::new(*word).unwrap()).collect();
        let fill = CString::new(format!("FILL={}", size / 8 * 5)).unwrap();
        let null = std::ptr::null();
        let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([null]).collect();
        let environment = [fill.as_ptr(), null];
        let procs = File::options().write(true).open(group.0.join("cgroup.procs")).unwrap();
        let root = CString::new(group.0.to_str().unwrap()).unwrap();
        let child = Child {
            place,
            root: &root,
            procs: &procs,
            streams: [&input, &output, &error].map(AsRawFd::as_raw_fd),
            pipe: holds.as_raw_fd(),
            ready: is_ready.as_raw_fd(),
            go: goes.as_raw_fd(),
            is_race: case.is_race,
            is_pinned,
            argv: &argv,
            environment: &environment,
        };
        let flags = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::SIGCHLD;
        let init = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as i32;
        if init == 0 {
            child.run();
        }
        assert!(init > 0, "CANNOT RUN: {}", std::io::Error::last_os_error());
        drop((input, output, error, holds, is_ready, goes));
        let mut number = [0];
        File::from(ready).read_exact(&mut number).map_err(|_| "sexton is not started")?;
        let sexton = if place == Place::Child { children_of(init)[0] } else { init };
        let process = open_process(sexton);
        let listener = (!case.is_race).then(|| fetch_descriptor(&process, number[0].into()));
        File::from(go).write_all(b"x").ok();
        Ok(Run {
            group,
            init,
            sexton,
            process,
            status: None,
            listener,
            letters: Some(letters.into()),
            answers: answers.into(),
            errors: errors.into(),
            pipe: held,
            report,
            slowest: Duration::ZERO,
        })
    }

    fn play(&mut self, case: &Case) -> Result<(), String> {
        if !case.is_race {
            let [first, second] = [libc::SYS_sched_yield, libc::SYS_close_range];
            self.hold(first, case.before)?;
            if !self.hold_if(second, case.after)? && !case.after.is_empty() {
                return Err("sexton has released nothing".to_owned());
            }
        }
        case.released.iter().try_for_each(|act| self.act(act))
    }

    fn hold(&mut self, call: i64, acts: &[Act]) -> Result<(), String> {
        if self.hold_if(call, acts)? { Ok(()) } else { Err(format!("no call {call}")) }
    }

    /// Does this while sexton is in that system call; false if it ends without it.
    fn hold_if(&mut self, call: i64, acts: &[Act]) -> Result<bool, String> {
        let process = self.process.as_raw_fd();
        let Some((id, pid, number)) = self.next_call(process)? else { return Ok(false) };
        if (pid, number) != (self.sexton, call) {
            return Err(format!("process {pid} makes call {number} instead of {call}"));
        }
        let result = acts.iter().try_for_each(|act| self.act(act));
        self.let_go(id);
        result.map(|()| true)
    }

    /// The next call that waits: its ID, the process, its number. `None` if before that the descriptor is readable or
    /// at its end, or if nothing is left that could make a call.
    fn next_call(&mut self, fd: RawFd) -> Result<Option<(u64, i32, i64)>, String> {
        const NOTIF_RECV: u64 = 0xc050_2100;
        let listener = self.listener.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let entry = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut entries = [entry(listener), entry(fd)];
        let found = unsafe { libc::poll(entries.as_mut_ptr(), 2, LIMIT.as_millis() as i32) };
        if found <= 0 {
            return Err("nothing happens".to_owned());
        }
        if entries[0].revents & libc::POLLIN == 0 {
            if entries[0].revents != 0 {
                self.listener = None; // its end
            }
            return Ok(None);
        }
        // `struct seccomp_notif`: id; pid and flags; the call's number and the architecture; and more.
        let mut request = [0u64; 10];
        let result = unsafe { libc::ioctl(listener, NOTIF_RECV as _, request.as_mut_ptr()) };
        let [pid, number] = [request[1], request[2]].map(|word| word as u32 as i32);
        Ok((result == 0).then_some((request[0], pid, number.into())))
    }

    /// Lets a call be made.
    fn let_go(&self, id: u64) {
        const NOTIF_SEND: u64 = 0xc018_2101;
        const CONTINUE: u64 = 1;
        // `struct seccomp_notif_resp`: id; the result; error, and flags above it.
        let response = [id, 0, CONTINUE << 32];
        if let Some(listener) = &self.listener {
            unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_SEND as _, response.as_ptr()) };
        }
    }

    /// Waits until a descriptor is readable, or at its end. Nobody is held up meanwhile.
    fn wait_for(&mut self, fd: RawFd) -> Result<(), String> {
        loop {
            match self.next_call(fd)? {
                Some((id, ..)) => self.let_go(id),
                None if is_readable(fd) => return Ok(()),
                None => {}
            }
        }
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        match *act {
            Act::Do(letter) => {
                self.ask(letter);
                self.answer(&[letter])
            }
            Act::Ask(letter) => {
                self.ask(letter);
                Ok(())
            }
            Act::Answer(letter) => {
                let begin = Instant::now();
                self.answer(&[letter])?;
                if letter == b'm' {
                    self.slowest = self.slowest.max(begin.elapsed());
                }
                Ok(())
            }
            Act::End(letter) => {
                let command = self.command()?;
                self.ask(letter);
                wait_until("the command ends", || is_zombie(command))
            }
            Act::Dying(letter) => {
                let before = self.group.kills();
                self.ask(letter);
                wait_until("the OOM killer strikes", || self.group.kills() > before)
            }
            Act::Alone => wait_until("the group empties", || {
                let processes = fs::read_to_string(self.group.0.join("cgroup.procs"));
                processes.unwrap_or_default().lines().count() == 1
            }),
            Act::Send(signal) => {
                unsafe { libc::kill(self.sexton, signal) };
                Ok(())
            }
            Act::Counted(counts) => {
                unsafe { libc::kill(self.sexton, command::FENCE) };
                self.ask(b'n');
                self.answer(&counts)
            }
            Act::EndOfFile => {
                let begin = Instant::now();
                self.wait_for(self.pipe.as_raw_fd())?;
                self.slowest = self.slowest.max(begin.elapsed());
                Ok(())
            }
        }
    }

    fn command(&self) -> Result<i32, String> {
        children_of(self.sexton).first().copied().ok_or_else(|| "there is no command".to_owned())
    }

    fn ask(&mut self, letter: u8) {
        if let Some(letters) = &mut self.letters {
            letters.write_all(&[letter]).ok();
        }
    }

    fn answer(&mut self, expected: &[u8]) -> Result<(), String> {
        let mut got = [0; 4];
        for byte in got.iter_mut().take(expected.len()) {
            self.wait_for(self.answers.as_raw_fd())?;
            let mut one = [0];
            let length = self.answers.read(&mut one).unwrap_or(0);
            *byte = if length == 1 { one[0] } else { b'-' };
        }
        let got = &got[..expected.len()];
        if got == expected {
            Ok(())
        } else {
            Err(format!("answer {got:?} instead of {expected:?}"))
        }
    }

    /// What sexton exits with.
    fn reap(&mut self) -> i32 {
        if let Some(status) = self.status {
            return status;
        }
        let mut status = 0;
        unsafe { libc::waitpid(self.init, &raw mut status, 0) };
        let status = if libc::WIFSIGNALED(status) {
            -libc::WTERMSIG(status)
        } else {
            libc::WEXITSTATUS(status)
        };
        *self.status.insert(status)
    }

    fn end(&mut self, case: &Case) -> Result<Outcome, String> {
        if case.status == command::STATUS {
            self.letters = None; // the command exits
        }
        let mut log = String::new();
        // Only sexton and the command have the other end.
        loop {
            self.wait_for(self.errors.as_raw_fd())?;
            let mut buffer = [0; 4096];
            match self.errors.read(&mut buffer) {
                Ok(length @ 1..) => log.push_str(&String::from_utf8_lossy(&buffer[..length])),
                _ => break,
            }
        }
        let status = self.reap();
        let report = fs::read_to_string(&self.report).unwrap_or_default();
        fs::remove_file(&self.report).ok();
        let number = |name: &str| {
            let (_, rest) = report.split_once(&format!("\"{name}\":"))?;
            let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        };
        let kills = number("oom_kills").unwrap_or(u64::MAX);
        let word = case.word.map_or(String::new(), |word| format!(",\"out_of_memory\":\"{word}\""));
        let members = [
            format!("\"cause\":\"{}\"", case.cause),
            format!("\"oom_killed\":{},\"oom_kills\":{kills}{word},", case.word.is_some()),
        ];
        let is_right = status == case.status
            && case.counts.contains(&kills)
            && members.iter().all(|member| report.contains(member))
            && report.contains("out_of_memory") == case.word.is_some()
            && log.contains(": kernel OOM killer") == case.word.is_some();
        if is_right {
            return Ok(Outcome { is_lost: false, kills, slowest: self.slowest });
        }
        let (counts, cause) = (case.counts, case.cause);
        Err(format!(
            "status {status} instead of {}; instead of {counts:?} kills, {:?}, cause {cause}: {report} {log}",
            case.status, case.word
        ))
    }
}

/// The part before sexton.
struct Child<'a> {
    place: Place,
    root: &'a CStr,
    procs: &'a File,
    streams: [RawFd; 3],
    pipe: RawFd,
    ready: RawFd,
    go: RawFd,
    is_race: bool,
    is_pinned: bool,
    argv: &'a [*const libc::c_char],
    environment: &'a [*const libc::c_char],
}

impl Child<'_> {
    fn run(&self) -> ! {
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            let none = std::ptr::null();
            let private = libc::MS_REC | libc::MS_PRIVATE;
            check(libc::mount(c"none".as_ptr(), c"/".as_ptr(), none, private, none.cast()));
            let proc = c"proc".as_ptr();
            check(libc::mount(proc, c"/proc".as_ptr(), proc, 0, none.cast()));
            let directory = CString::new(DIRECTORY).unwrap();
            let tmpfs = c"tmpfs".as_ptr();
            check(libc::mount(tmpfs, directory.as_ptr(), tmpfs, 0, none.cast()));
            if self.place == Place::InitOfEngine {
                let mount = CString::new(Version::of_this_machine().mount()).unwrap();
                let (root, mount) = (self.root.as_ptr(), mount.as_ptr());
                check(libc::mount(root, mount, none, libc::MS_BIND, none.cast()));
            }
            check(libc::chdir(directory.as_ptr()));
            if self.place == Place::Child {
                let sexton = libc::fork();
                if sexton == 0 {
                    self.execute();
                }
                // The ends of the pipes are sexton's.
                libc::dup2(self.ready, 3);
                libc::syscall(libc::SYS_close_range, 0, 2, 0);
                libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
                check(libc::chdir(c"/".as_ptr()));
                let mut status = 0;
                while libc::waitpid(-1, &raw mut status, 0) != sexton {}
                let is_killed = libc::WIFSIGNALED(status);
                let status = if is_killed {
                    128 + libc::WTERMSIG(status)
                } else {
                    libc::WEXITSTATUS(status)
                };
                libc::_exit(status);
            }
            self.execute()
        }
    }

    unsafe fn execute(&self) -> ! {
        unsafe {
            enter(self.procs);
            if self.is_pinned {
                let mut set: libc::cpu_set_t = std::mem::zeroed();
                libc::CPU_SET(libc::sched_getcpu() as usize, &mut set);
                libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
            }
            let [ready, go] =
                [self.ready, self.go].map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 200));
            let pipe = libc::fcntl(self.pipe, libc::F_DUPFD_CLOEXEC, 200);
            for (at, fd) in self.streams.iter().enumerate() {
                libc::dup2(*fd, at as i32);
            }
            libc::dup2(pipe, PIPE);
            libc::close(pipe);
            let listener = if self.is_race { 0 } else { install_listener() };
            check(if listener < 0 { -1 } else { 0 });
            let number = listener as u8;
            libc::write(ready, (&raw const number).cast(), 1);
            libc::read(go, [0u8; 1].as_mut_ptr().cast(), 1);
            libc::execve(self.argv[0], self.argv.as_ptr(), self.environment.as_ptr());
            libc::_exit(99)
        }
    }
}

fn check(result: i32) {
    if result != 0 {
        eprintln!("CANNOT RUN: {}", std::io::Error::last_os_error());
        unsafe { libc::_exit(98) };
    }
}

/// Makes two system calls of this process, and of what it starts, wait for the holder of the descriptor
/// (seccomp_unotify(2)).
fn install_listener() -> i32 {
    const NEW_LISTENER: libc::c_ulong = 1 << 3;
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let is = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(is, 1, 0, libc::SYS_sched_yield as u32),
        step(is, 0, 1, libc::SYS_close_range as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    unsafe { libc::syscall(libc::SYS_seccomp, mode, NEW_LISTENER, &raw const program) as i32 }
}

fn open_process(pid: i32) -> OwnedFd {
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32;
        assert!(fd >= 0, "CANNOT RUN: pidfd_open: {}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}

fn fetch_descriptor(process: &OwnedFd, number: i32) -> OwnedFd {
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) as i32;
        assert!(fd >= 0, "CANNOT RUN: pidfd_getfd: {}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}

fn is_readable(fd: RawFd) -> bool {
    let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    unsafe { libc::poll(&raw mut entry, 1, 0) == 1 }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> Result<(), String> {
    let begin = Instant::now();
    while !condition() {
        if begin.elapsed() > LIMIT {
            return Err(format!("{what}: that does not happen"));
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    Ok(())
}

fn children_of(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    children.unwrap_or_default().split(' ').filter_map(|pid| pid.parse().ok()).collect()
}

fn is_zombie(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.contains(") Z ")
}
