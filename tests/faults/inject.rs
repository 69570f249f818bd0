//! Every system call of sexton is looked at before the kernel does it, and one is made to fail
//! (seccomp_unotify(2)). Unlike a tracer this leaves alone how stops and waits work.

use crate::calls;
use crate::harness::children_of;
use nix::libc;
use std::collections::HashSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// When a call is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// By the C library, before sexton's first instruction.
    Library,
    /// Before the fork.
    Start,
    /// By the child, before it is the command.
    Child,
    /// After the fork, before the first wait for a signal.
    Started,
    /// In the loop, to the end.
    Loop,
}

/// A call, told from others of the same name by what it is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Site {
    pub phase: Phase,
    pub call: &'static str,
    pub detail: String,
}

/// What is to fail.
#[derive(Clone, Debug)]
pub struct Fault {
    pub site: Site,
    /// So many calls at this site succeed before.
    pub after: usize,
    pub errno: i32,
    /// From then on this call always fails, whatever it is about, in sexton or its child.
    pub for_ever: bool,
}

/// What was seen of a run.
#[derive(Default)]
pub struct Seen {
    /// One entry a call of sexton and its child, as far as [`MOST`].
    pub sites: Vec<Site>,
    /// How many calls these made.
    pub calls: usize,
    /// The fault has had its place.
    pub injected: bool,
    pub command_ran: bool,
    /// A call that `calls.rs` does not have.
    pub unknown: Option<i64>,
    /// Children that sexton had when it ended: `state of pid`.
    pub left: Vec<String>,
}

/// A run that takes more calls than so many is one that spins.
pub const MOST: usize = 20_000;

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Request {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    architecture: u32,
    instruction: u64,
    arguments: [u64; 6],
}

#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

const RECEIVE: u64 = 0xc050_2100; // _IOWR('!', 0, struct seccomp_notif)
const SEND: u64 = 0xc018_2101; // _IOWR('!', 1, struct seccomp_notif_resp)
const CONTINUE: u32 = 1;

const _: () = assert!(size_of::<Request>() == 0x50 && size_of::<Answer>() == 0x18);

/// Answers until nobody is left to ask, or `stop`.
pub fn serve(listener: &OwnedFd, sexton: i32, fault: Option<&Fault>, stop: &AtomicBool) -> Seen {
    let mut server = Server {
        sexton,
        fault,
        binary: String::new(),
        executed: false,
        phase: Phase::Library,
        others: HashSet::new(),
        passed: 0,
        seen: Seen::default(),
    };
    while !stop.load(Ordering::Relaxed) {
        let mut entry = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one live entry.
        let ready = unsafe { libc::poll(&raw mut entry, 1, 1000) };
        if ready > 0 && entry.revents & libc::POLLIN == 0 {
            break; // all have ended
        }
        let mut request = Request::default();
        // SAFETY: writes one structure of the size that the number of the request tells.
        if ready <= 0
            || unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE as _, &raw mut request) } != 0
        {
            continue; // whoever asked was killed
        }
        let errno = server.decide(&request).unwrap_or(0);
        let flags = if errno == 0 { CONTINUE } else { 0 };
        let answer = Answer { id: request.id, value: 0, error: -errno, flags };
        // SAFETY: reads one structure of the size that the number of the request tells.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, &raw const answer) };
    }
    server.seen
}

struct Server<'f> {
    sexton: i32,
    fault: Option<&'f Fault>,
    /// The path of sexton's binary.
    binary: String,
    executed: bool,
    phase: Phase,
    /// Processes that are not sexton any more.
    others: HashSet<i32>,
    /// Calls at the fault's site that succeeded.
    passed: usize,
    seen: Seen,
}

impl Server<'_> {
    /// The errno that the call is to fail with.
    fn decide(&mut self, request: &Request) -> Option<i32> {
        let (pid, number) = (request.pid as i32, i64::from(request.number));
        let is_sexton = pid == self.sexton;
        if is_sexton && !self.executed {
            self.executed = true; // that is the exec of sexton itself
            return None;
        }
        if self.binary.is_empty() {
            self.binary = executable(pid);
        }
        if self.others.contains(&pid) {
            return None;
        }
        if !is_sexton && executable(pid) != self.binary {
            self.others.insert(pid);
            self.seen.command_ran = true;
            return None;
        }
        if number == libc::SYS_exit_group {
            if is_sexton {
                self.seen.left = children_of(pid).into_iter().map(describe).collect();
            }
            return None;
        }
        let Some(call) = calls::call(number) else {
            self.seen.unknown = Some(number);
            return None;
        };
        // Where there are neither close_range(2) nor /proc, as many as the limit allows are closed one by one.
        self.seen.calls += usize::from(call.name != "close");
        let phase = self.enter(is_sexton, call.name);
        let site = Site { phase, call: call.name, detail: detail(call.name, request) };
        let errno = self.fault.filter(|fault| self.applies(fault, &site)).map(|fault| fault.errno);
        if self.fault.is_some_and(|fault| fault.site == site) {
            self.passed += 1;
        }
        self.seen.injected |= errno.is_some();
        if self.seen.sites.len() < MOST {
            self.seen.sites.push(site);
        }
        errno
    }

    /// The phase that a call belongs to.
    fn enter(&mut self, is_sexton: bool, call: &str) -> Phase {
        if !is_sexton {
            return Phase::Child;
        }
        let phase = self.phase;
        // The first of all blocks every signal.
        if call == "rt_sigprocmask" && phase == Phase::Library {
            self.phase = Phase::Start;
            return Phase::Start;
        }
        // A child to get rid of the terminal comes before the command.
        if call == "clone" && phase == Phase::Start {
            self.phase = Phase::Started;
            return Phase::Start;
        }
        if call == "rt_sigtimedwait" {
            self.phase = Phase::Loop;
        }
        self.phase
    }

    fn applies(&self, fault: &Fault, site: &Site) -> bool {
        if fault.for_ever && self.seen.injected {
            return site.call == fault.site.call;
        }
        *site == fault.site
            && (self.passed == fault.after || (fault.for_ever && self.passed > fault.after))
    }
}

fn executable(pid: i32) -> String {
    let path = std::fs::read_link(format!("/proc/{pid}/exe"));
    path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

fn describe(pid: i32) -> String {
    format!("{} {}", crate::harness::status_field(pid, "State"), executable(pid))
}

/// What the call is about, without what differs from run to run.
fn detail(call: &str, request: &Request) -> String {
    let [first, second, ..] = request.arguments;
    match call {
        "openat" | "newfstatat" | "faccessat" | "faccessat2" | "readlinkat" => {
            text(request, second)
        }
        "open" | "access" | "chdir" | "readlink" | "stat" | "execve" => text(request, first),
        "read" | "write" | "close" | "fstat" | "getdents64" => descriptor(request),
        "fcntl" => match second as i32 {
            libc::F_GETFD => "F_GETFD".into(),
            libc::F_DUPFD_CLOEXEC => "F_DUPFD_CLOEXEC".into(),
            other => format!("{other}"),
        },
        "prctl" => format!("option {}", first as i32),
        "ioctl" => format!("request {:#x}", second as u32),
        "rt_sigaction" => {
            // Setting and asking are different calls.
            format!("signal {first}{}", if second == 0 { ", to ask" } else { "" })
        }
        "prlimit64" => format!("limit {second}"),
        "kill" => {
            let whom = match first as i32 {
                -1 => "everybody",
                ..-1 => "a group",
                _ => "a process",
            };
            format!("{whom}, signal {}", second as i32)
        }
        "wait4" => if first as i32 == -1 { "any child" } else { "one child" }.into(),
        "rt_sigtimedwait" => {
            let timeout = request.arguments[2];
            if timeout == 0 { "for ever" } else { "with a time-out" }.into()
        }
        _ => String::new(),
    }
}

fn descriptor(request: &Request) -> String {
    let path = format!("/proc/{}/fd/{}", request.pid, request.arguments[0]);
    let target = std::fs::read_link(path).map(|path| path.to_string_lossy().into_owned());
    stable(target.as_deref().unwrap_or("nothing"))
}

/// A string of the process that asks.
fn text(request: &Request, address: u64) -> String {
    let mut bytes = [0; 200];
    let length = std::fs::File::open(format!("/proc/{}/mem", request.pid))
        .and_then(|memory| memory.read_at(&mut bytes, address))
        .unwrap_or(0);
    let text = bytes[..length].split(|&byte| byte == 0).next().unwrap_or_default();
    stable(&String::from_utf8_lossy(text))
}

/// Without numbers that differ from run to run, and without the test's own folder.
fn stable(text: &str) -> String {
    if let Some((kind, _)) = text.split_once(":[") {
        return format!("a {kind}");
    }
    let part = |part: &str| match part {
        part if part.starts_with("sexton-it-") => "folder".to_owned(),
        part if part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            "group".into()
        }
        part if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => "N".into(),
        part => part.to_owned(),
    };
    text.split('/').map(part).collect::<Vec<_>>().join("/")
}
