//! What the kernel's text files say: `/proc/PID/stat`, `status` and `limits` (proc(5)), and those of cgroups
//! (the kernel's `admin-guide/cgroup-v2.rst` and `cgroup-v1/`). Whatever is in them, nothing panics; what
//! cannot be read is not there.

#![forbid(unsafe_code)]

use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use crate::values::signal::{Signal, SignalSet};
use std::time::Duration;

/// How many clock ticks /proc counts in a second: USER_HZ, which is the same on all machines that Linux
/// runs on but alpha and ia64 (time(7)).
const TICKS_PER_SECOND: u64 = 100;

/// Among the flags of a process: a thread of the kernel's (`include/linux/sched.h`).
const PF_KTHREAD: u64 = 0x0020_0000;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// The letter of its state: R, S, D, Z, T, t, ...
    pub state: char,
    /// The parent's process ID; 0 if it is outside of the PID namespace.
    pub parent: i32,
    /// The process group.
    pub group: i32,
    /// The session; 0 if its leader is outside of the PID namespace.
    pub session: i32,
    /// The device number of the controlling terminal; 0 if there is none.
    pub terminal: i32,
    /// The foreground process group of that terminal; -1 if there is none.
    pub foreground: i32,
    /// A thread of the kernel's own, which shows in the initial PID namespace alone.
    pub is_kernel: bool,
    /// CPU time that it has used, its children not included, in clock ticks.
    cpu: u64,
    /// How many threads it has, one that has ended before the others included.
    pub threads: u64,
    /// Start time in clock ticks since boot: with the ID it identifies the process.
    pub started: u64,
}

impl Stat {
    /// Reads it. The name is in parentheses and may hold any byte, parentheses too: the last one ends it.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Stat> {
        let name_end = text.iter().rposition(|&byte| byte == b')')?;
        let fields = std::str::from_utf8(text.get(name_end + 1..)?).ok()?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?; // field 3
        let parent = number(fields.next())?;
        let group = number(fields.next())?;
        let session = number(fields.next())?;
        let terminal = number(fields.next())?;
        let foreground = number(fields.next())?;
        let flags: u64 = number(fields.next())?;
        let user: u64 = number(fields.nth(14 - 10))?;
        let system: u64 = number(fields.next())?;
        let threads = number(fields.nth(20 - 16))?;
        let started = number(fields.nth(22 - 21))?;
        let cpu = user.saturating_add(system);
        let is_kernel = flags & PF_KTHREAD != 0;
        Some(Stat {
            state,
            parent,
            group,
            session,
            terminal,
            foreground,
            is_kernel,
            cpu,
            threads,
            started,
        })
    }

    /// A process that has ended and is not reaped. One whose first thread has ended before the others shows the
    /// same letter, and lives.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }

    /// Whether a terminal that goes away sends SIGHUP to this process: it leads the session that has the terminal, or
    /// belongs to the foreground process group (`drivers/tty/tty_jobctrl.c`).
    #[must_use]
    pub fn is_hung_up_with_terminal(&self, pid: i32) -> bool {
        self.terminal != 0 && (self.session == pid || self.group == self.foreground)
    }

    /// CPU time that it has used, its children not included.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        ticks(self.cpu)
    }

    /// How long after boot it was started.
    #[must_use]
    pub fn start_time(&self) -> Duration {
        ticks(self.started)
    }
}

fn ticks(count: u64) -> Duration {
    const MILLISECONDS: u64 = 1000 / TICKS_PER_SECOND;
    Duration::from_millis(count.saturating_mul(MILLISECONDS))
}

/// The name in `/proc/PID/stat`.
#[must_use]
pub fn name(stat: &[u8]) -> Option<&[u8]> {
    let start = stat.iter().position(|&byte| byte == b'(')? + 1;
    stat.get(start..stat.iter().rposition(|&byte| byte == b')')?)
}

/// What `/proc/PID/status` says besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// The effective user ID.
    pub uid: Option<u32>,
    /// The process that traces it; 0 if none does, or one outside of the PID namespace.
    pub tracer: i32,
    /// It is the first process of another PID namespace than the one that /proc shows.
    pub leads_namespace: bool,
    /// Resident memory in bytes; none for a zombie.
    pub memory: Option<u64>,
    /// Signals that are pending, for the process or its first thread.
    pub pending: SignalSet,
    /// The first thread's signal mask.
    pub blocked: SignalSet,
    /// Signals that are ignored.
    pub ignored: SignalSet,
    /// Signals that have a handler.
    pub caught: SignalSet,
}

impl Status {
    /// Reads it; what is not in it is empty. The name in it cannot hold a line break: the kernel escapes that.
    #[must_use]
    pub fn parse(text: &[u8]) -> Status {
        let mut status = Status::default();
        for line in text.split(|&byte| byte == b'\n') {
            // The name may be no UTF-8; no other line is.
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Some((key, value)) = split_at(line, b':') else { continue };
            let mut words = value.split_ascii_whitespace();
            let first = words.next();
            let set = match key {
                "Uid" => {
                    status.uid = number(words.next());
                    continue;
                }
                "TracerPid" => {
                    status.tracer = number(first).unwrap_or_default();
                    continue;
                }
                "NSpid" => {
                    status.leads_namespace = value.ends_with("\t1");
                    continue;
                }
                "VmRSS" => {
                    let kibibytes: Option<u64> = number(first);
                    status.memory = kibibytes.and_then(|count| count.checked_mul(1024));
                    continue;
                }
                "SigPnd" | "ShdPnd" => &mut status.pending,
                "SigBlk" => &mut status.blocked,
                "SigIgn" => &mut status.ignored,
                "SigCgt" => &mut status.caught,
                _ => continue,
            };
            let bits = u64::from_str_radix(first.unwrap_or_default(), 16).unwrap_or_default();
            *set = set.or(SignalSet::from_bits(bits));
        }
        status
    }
}

/// Counts the connections in `/proc/PID/net/tcp`, piece by piece: not sockets that listen, nor what the kernel keeps
/// after a connection's end.
#[derive(Default)]
pub struct Connections {
    /// How many there were so far.
    pub count: u64,
    /// How many words of the line have begun.
    words: usize,
    in_word: bool,
    state: u32,
}

impl Connections {
    /// The state is the fourth word of a line. In the heading it is no number.
    const STATE: usize = 4;
    /// TCP_TIME_WAIT, TCP_CLOSE and TCP_LISTEN (`include/net/tcp_states.h`).
    const NONE: [u32; 4] = [0, 6, 7, 10];

    /// Reads on.
    pub fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.count += u64::from(!Connections::NONE.contains(&self.state));
                *self = Connections { count: self.count, ..Connections::default() };
            } else if byte == b' ' {
                self.in_word = false;
            } else {
                self.words += usize::from(!std::mem::replace(&mut self.in_word, true));
                if self.words == Connections::STATE {
                    let digit = char::from(byte).to_digit(16).unwrap_or(0);
                    self.state = self.state.wrapping_mul(16).wrapping_add(digit);
                }
            }
        }
    }
}

/// What a signal does to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// A handler runs.
    Handled,
    /// Nothing.
    Ignored,
    /// It dies.
    Fatal,
    /// The signal waits until the process unblocks it, or asks for it, as sexton does.
    Blocked,
}

impl Reaction {
    /// In lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reaction::Handled => "handled",
            Reaction::Ignored => "ignored",
            Reaction::Fatal => "fatal",
            Reaction::Blocked => "blocked",
        }
    }
}

impl Status {
    /// What a signal does to the process, by its mask and dispositions.
    #[must_use]
    pub fn reaction(&self, signal: Signal) -> Reaction {
        if self.ignored.contains(signal) {
            Reaction::Ignored
        } else if self.blocked.contains(signal) {
            Reaction::Blocked
        } else if self.caught.contains(signal) {
            Reaction::Handled
        } else {
            Reaction::Fatal
        }
    }
}

#[inline(never)]
fn number<T: std::str::FromStr>(word: Option<&str>) -> Option<T> {
    word?.parse().ok()
}

/// What the lines of `/proc/PID/limits` begin with, in the order of [`Resource::ALL`].
const LIMITS: [&str; 16] = [
    "Max cpu time",
    "Max file size",
    "Max data size",
    "Max stack size",
    "Max core file size",
    "Max resident set",
    "Max processes",
    "Max open files",
    "Max locked memory",
    "Max address space",
    "Max file locks",
    "Max pending signals",
    "Max msgqueue size",
    "Max nice priority",
    "Max realtime priority",
    "Max realtime timeout",
];

/// The limits in `/proc/PID/limits`.
#[must_use]
pub fn limits(text: &str) -> Vec<(Resource, Limits)> {
    let value = |word: Option<&str>| match word {
        Some("unlimited") => Some(UNLIMITED),
        word => number(word),
    };
    let mut limits = Vec::new();
    for (&resource, name) in Resource::ALL.iter().zip(&LIMITS) {
        let values = parts(text, b'\n').find_map(|line| line.strip_prefix(name));
        let Some(values) = values else { continue };
        let mut words = values.split_ascii_whitespace();
        if let (Some(soft), Some(hard)) = (value(words.next()), value(words.next())) {
            limits.push((resource, Limits { soft, hard }));
        }
    }
    limits
}

/// The path of the group in `/proc/PID/cgroup` for a controller of v1; for an empty name, that of v2.
#[must_use]
pub fn cgroup<'a>(text: &'a str, controller: &str) -> Option<&'a str> {
    // A group may be called anything; `lines` would take a carriage return at the end for the line's.
    parts(text, b'\n').find_map(|line| {
        let (_, rest) = split_at(line, b':')?;
        let (controllers, path) = split_at(rest, b':')?;
        parts(controllers, b',').any(|name| name == controller).then_some(path)
    })
}

/// The number behind a key of a file such as `memory.events`.
#[must_use]
pub fn entry(text: &str, key: &str) -> Option<u64> {
    parts(text, b'\n').find_map(|line| {
        let (name, value) = split_at(line, b' ')?;
        if name == key { value.trim_ascii().parse().ok() } else { None }
    })
}

/// What is before the first separator, and after it.
///
/// `str` has this and the next one, but searches for characters: that takes ten times as long, in the start as well,
/// and by code that could panic, while the loop comes here.
fn split_at(text: &str, separator: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// What is between separators; at least one part.
pub(super) fn parts(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let split = split_at(text, separator);
        rest = split.map(|(_, after)| after);
        Some(split.map_or(text, |(before, _)| before))
    })
}

/// The limit in a file such as `memory.max`: none for `max`, and for what v1 shows for it, the largest
/// multiple of a page that fits into 63 bits.
#[must_use]
pub fn cgroup_limit(text: &str) -> Option<u64> {
    text.trim_ascii().parse().ok().filter(|&limit| limit < 1 << 62)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Stat = Stat {
        state: 'S',
        parent: 1,
        group: 1,
        session: 1,
        terminal: 0,
        foreground: -1,
        is_kernel: false,
        cpu: 0,
        threads: 1,
        started: 0,
    };

    #[test]
    fn a_terminal_hangs_up_its_session_leader_and_its_foreground_group() {
        let shell = Stat { session: 7, group: 7, terminal: 0x8800, foreground: 9, ..IDLE };
        assert!(shell.is_hung_up_with_terminal(7), "the leader");
        assert!(!shell.is_hung_up_with_terminal(8), "a background process");
        assert!(Stat { group: 9, ..shell }.is_hung_up_with_terminal(9), "the foreground");
        let daemon = Stat { terminal: 0, foreground: -1, ..shell };
        assert!(!daemon.is_hung_up_with_terminal(7), "no terminal");
    }

    #[test]
    fn stat_is_read_behind_the_last_parenthesis() {
        let fields = (4..=52).map(|n| (n * 10).to_string()).collect::<Vec<_>>().join(" ");
        for name in ["sh", "a b", ") R 7 (", "", "\u{fffd}"] {
            let text = format!("42 ({name}) S {fields}\n");
            assert_eq!(super::name(text.as_bytes()), Some(name.as_bytes()));
            let stat = Stat::parse(text.as_bytes()).unwrap();
            let expected = Stat {
                parent: 40,
                group: 50,
                session: 60,
                terminal: 70,
                foreground: 80,
                cpu: 290,
                threads: 200,
                started: 220,
                ..IDLE
            };
            assert_eq!(stat, expected, "{name:?}");
            assert_eq!(stat.cpu_time(), Duration::from_millis(2900));
            assert_eq!(stat.start_time(), Duration::from_millis(2200));
        }
        assert_eq!(Stat::parse(b"42 (sh) S 1 2 3"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    /// As Linux 6.1 shows them in a virtual machine.
    #[test]
    fn the_kernel_s_threads_are_distinguished_from_others() {
        let is_kernel = |text: &str| Stat::parse(text.as_bytes()).unwrap().is_kernel;
        let rest = "0 0 0 0 0 0 0 0 20 0 1 0 4 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0";
        assert!(is_kernel(&format!("2 (kthreadd) S 0 0 0 0 -1 2129984 {rest}")));
        assert!(is_kernel(&format!("12 (kworker/u2:0-events) I 2 0 0 0 -1 69238880 {rest}")));
        assert!(!is_kernel(&format!("1 (init) S 0 1 1 0 -1 4194560 {rest}")));
        assert!(!is_kernel(&format!("76 (sh) S 1 76 76 34816 81 4194304 {rest}")));
    }

    #[test]
    fn a_zombie_has_no_thread_left() {
        let stat = |state, threads| Stat { state, threads, ..IDLE };
        assert!(stat('Z', 1).is_zombie() && stat('X', 0).is_zombie());
        assert!(!stat('Z', 2).is_zombie() && !stat('S', 1).is_zombie());
    }

    #[test]
    fn status_is_read_line_by_line() {
        let text = b"Name:\t\xff:x\nUid:\t1\t2\t3\t4\nTracerPid:\t77\nNSpid:\t31\t1\nVmRSS:\t     108 kB\n\
            SigPnd:\t0000000000004000\nShdPnd:\t0000000000000001\n\
            SigBlk:\t0000000000004000\nSigIgn:\t0000000000000001\nSigCgt:\t8000000000000000\n";
        let set = |signal| SignalSet::EMPTY.with(signal);
        let expected = Status {
            uid: Some(2),
            tracer: 77,
            leads_namespace: true,
            memory: Some(108 << 10),
            pending: set(Signal::TERM).with(Signal::HUP),
            blocked: set(Signal::TERM),
            ignored: set(Signal::HUP),
            caught: set(Signal::MAX),
        };
        assert_eq!(Status::parse(text), expected);
        for text in ["NSpid:\t31", "NSpid:\t31\t11", "NSpid:\t31\t1\t2"] {
            assert!(!Status::parse(text.as_bytes()).leads_namespace, "{text}");
        }
        assert_eq!(Status::parse(b"Uid:\tx\nVmRSS:\t\nSigBlk:\tg\n:\n"), Status::default());
    }

    #[test]
    fn all_limits_of_this_process_are_read() {
        let text = std::fs::read_to_string("/proc/self/limits").unwrap();
        let read = limits(&text);
        assert_eq!(read.len(), 16, "{text}");
        for (resource, limits) in read {
            assert_eq!(Ok(limits), crate::sys::limits::get(resource), "{}", resource.name());
        }
        assert_eq!(limits("Max open files  10  x  files\nMax processes 1").len(), 0);
    }

    #[test]
    fn the_group_is_that_of_the_controller() {
        let own = "9:cpu,cpuacct:/a\n5:memory:/docker/x:y\n0::/v2\n";
        assert_eq!(cgroup(own, "memory"), Some("/docker/x:y"));
        assert_eq!(cgroup(own, ""), Some("/v2"));
        assert_eq!(cgroup(own, "cpuacct"), Some("/a"));
        assert_eq!(cgroup(own, "pids"), None);
        assert_eq!(cgroup("5:pids:/a\r\n", "pids"), Some("/a\r"));
        assert_eq!(cgroup("", ""), None);
    }

    #[test]
    fn entries_are_found_by_their_whole_keys() {
        let v2 = "low 0\nhigh 3\nmax 9\noom 2\noom_kill 7\noom_group_kill 1\n";
        assert_eq!(entry(v2, "oom_kill"), Some(7));
        assert_eq!(entry(v2, "oom"), Some(2));
        assert_eq!(entry("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n", "oom_kill"), Some(4));
        assert_eq!(entry("oom_kill_disable 0\nunder_oom 0\n", "oom_kill"), None);
        assert_eq!(entry("oom_kill x\n", "oom_kill"), None);
    }

    #[test]
    fn connections_are_counted_whatever_the_pieces() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout \
            inode\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n   \
            1: 0100007F:1F90 0100007F:8D1C 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0\n   \
            2: 0100007F:1F90 0100007F:8D1E 08 00000000:00000000 00:00000000 00000000  1000        0 333 1 0\n   \
            3: 0100007F:1F90 0100007F:8D20 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0\n";
        for size in [1, 7, 4096] {
            let mut lines = Connections::default();
            table.as_bytes().chunks(size).for_each(|piece| lines.read(piece));
            assert_eq!(lines.count, 2);
        }
    }

    #[test]
    fn no_limit_of_a_cgroup_is_none() {
        assert_eq!(cgroup_limit("4096\n"), Some(4096));
        for text in ["max\n", "9223372036854771712\n", "", "x"] {
            assert_eq!(cgroup_limit(text), None, "{text}");
        }
    }
}
