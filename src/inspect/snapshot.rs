//! What /proc and the cgroups say now.

use super::forest;
use crate::kernel::procfs::{self, Reaction, Stat, Status};
use crate::kernel::{cgroup, processes};
use crate::sys::clock;
use crate::sys::{Errno, files, process};
use crate::values::rlimit::{Limits, Resource};
use crate::values::signal::Signal;
use crate::values::user;
use std::time::Duration;

/// Commands are shown up to so many bytes.
const COMMAND: usize = 4096;

/// One process.
#[derive(Default)]
pub struct Process {
    pub pid: i32,
    /// `None` if the process is somebody else's and /proc hides it (`hidepid`).
    pub stat: Option<Stat>,
    pub status: Option<Status>,
    /// How long ago it was started.
    pub age: Option<Duration>,
    /// `None` if the process is somebody else's.
    pub open_files: Option<u64>,
    /// The name of the program that it executes, or what it calls itself; at most 15 bytes.
    pub name: String,
    /// What it was started as: its arguments with blanks between, or, if it has none, its name in brackets.
    pub command: String,
    /// Its user's name, or number.
    pub user: Option<String>,
    /// It executes sexton, or something of that name.
    pub is_sexton: bool,
    /// It is a sexton that runs no command.
    pauses: bool,
    /// It is in sigtimedwait(2): for so long the kernel unblocks, and shows as unblocked, what it waits for. `None` if
    /// that cannot be seen.
    awaits_signals: Option<bool>,
}

impl Process {
    /// Reads no more than its name and `stat`; `None` if it is gone, or a thread of the kernel's. `buffer` is for
    /// reading: with thousands of processes it is worth to have one.
    fn read_state(pid: i32, buffer: &mut Vec<u8>) -> Option<Process> {
        let mut process = Process { pid, ..Process::default() };
        if is_shown(processes::file(pid, "stat", buffer))? {
            process.stat = Stat::parse(buffer);
            process.name = text(procfs::name(buffer).unwrap_or_default());
        }
        let is_kernel = process.stat.is_some_and(|stat| stat.is_kernel);
        (!is_kernel).then_some(process)
    }

    /// Reads the rest; false if it is gone. `own` is the file that this process executes.
    fn read_more(&mut self, now: Duration, own: Option<(u64, u64)>, buffer: &mut Vec<u8>) -> bool {
        let pid = self.pid;
        match is_shown(processes::file(pid, "status", buffer)) {
            Some(true) => self.status = Some(Status::parse(buffer)),
            Some(false) => {}
            None => return false,
        }
        self.age = self.stat.map(|stat| now.saturating_sub(stat.start_time()));
        if !self.is_zombie() {
            self.open_files = processes::open_files(pid);
        }
        self.is_sexton =
            self.name == "sexton" || (own.is_some() && own == processes::executable(pid));
        self.awaits_signals =
            if self.is_sexton { Some(true) } else { processes::awaits_signals(pid) };
        let arguments = processes::command_line::<COMMAND>(pid);
        self.pauses = self.is_sexton && has_pause(&arguments);
        self.command = self.command(arguments);
        true
    }

    /// One of which nothing but the state is known.
    #[cfg(test)]
    pub fn in_state(pid: i32, state: char, parent: i32) -> Process {
        let fields = "0 ".repeat(22);
        let stat = Stat::parse(format!("{pid} (x) {state} {parent} {fields}").as_bytes());
        Process { pid, stat, name: "x".to_owned(), ..Process::default() }
    }

    pub fn is_zombie(&self) -> bool {
        self.stat.is_some_and(|stat| stat.is_zombie())
    }

    pub fn parent(&self) -> i32 {
        self.stat.map_or(0, |stat| stat.parent)
    }

    pub fn uid(&self) -> Option<u32> {
        self.status.and_then(|status| status.uid)
    }

    /// What SIGTERM does to it; `None` if it cannot be seen, or has ended.
    pub fn on_sigterm(&self) -> Option<Reaction> {
        let status = self.status.filter(|_| !self.is_zombie())?;
        Some(match status.reaction(Signal::TERM) {
            Reaction::Fatal if self.awaits_signals? => Reaction::Blocked,
            Reaction::Fatal if self.pid == process::INIT => Reaction::Ignored, // spared: pid_namespaces(7)
            reaction => reaction,
        })
    }

    fn command(&self, mut arguments: Vec<u8>) -> String {
        match arguments.iter().rposition(|&byte| byte != 0) {
            Some(last) => {
                arguments.truncate(last + 1);
                arguments.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
                text(&arguments)
            }
            None if self.stat.is_none() => "?".to_owned(),
            None => format!("[{}]", self.name),
        }
    }

    /// A word for the state; `None` if it cannot be seen.
    pub fn state(&self) -> Option<&'static str> {
        Some(match self.stat?.state {
            _ if self.is_zombie() => "zombie",
            'R' => "running",
            'S' => "sleeping",
            'D' => "disk",
            'T' => "stopped",
            't' => "traced",
            'I' => "idle",
            'Z' => "leaderless", // its first thread has ended, others go on
            _ => "other",
        })
    }
}

/// Whether a file of a process was read, or is hidden; `None` if the process is gone.
fn is_shown(read: Result<(), Errno>) -> Option<bool> {
    match read {
        Ok(()) => Some(true),
        Err(Errno::EACCES | Errno::EPERM) => Some(false),
        Err(_) => None,
    }
}

/// Whether a command line of sexton's asks it to run no command.
fn has_pause(arguments: &[u8]) -> bool {
    let words = arguments.split(|&byte| byte == 0).skip(1);
    let mut options = words.take_while(|word| word.starts_with(b"-") && *word != b"--");
    options.any(|word| word == b"--pause" || word == b"-P")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Who is PID 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Init {
    Sexton,
    /// Another init.
    Other,
    /// The application itself.
    Application,
    /// Nobody that can be seen.
    Hidden,
}

/// What was seen.
pub struct Snapshot {
    /// In the order of their process IDs, without the one that looks.
    pub processes: Vec<Process>,
    pub init: Init,
    /// The command's process ID.
    pub main: Option<i32>,
    /// The command's limits.
    pub limits: Vec<(Resource, Limits)>,
    pub memory: Option<cgroup::Usage>,
    pub pids: Option<cgroup::Usage>,
}

impl Snapshot {
    /// Takes one. With `states_only`, for a health check, it has of each process its state, its parent and its name,
    /// and how many process IDs are in use; nothing else is looked at.
    ///
    /// # Errors
    /// /proc cannot be read; ENOENT if it is not there, or that of another PID namespace.
    pub fn take(states_only: bool) -> Result<Snapshot, Errno> {
        let mut buffer = Vec::new();
        let mut snapshot = Snapshot {
            processes: Vec::new(),
            init: Init::Hidden,
            main: None,
            limits: Vec::new(),
            memory: None,
            pids: None,
        };
        let own = process::id();
        let closer = (!states_only).then(|| (clock::since_boot(), processes::executable(own)));
        processes::numbers()?.visit_all(&mut |pid| {
            if pid != own
                && let Some(mut process) = Process::read_state(pid, &mut buffer)
                && closer.is_none_or(|(now, program)| process.read_more(now, program, &mut buffer))
            {
                // The kernel lists them in order; no other order would do any harm.
                let at = snapshot.processes.partition_point(|other| other.pid < pid);
                snapshot.processes.insert(at, process);
            }
        })?;
        snapshot.pids = cgroup::pids();
        if !states_only {
            snapshot.memory = cgroup::memory();
            snapshot.init = init(&snapshot.processes);
            snapshot.main = main(&snapshot);
            if let Some(main) = snapshot.main
                && processes::file(main, "limits", &mut buffer).is_ok()
            {
                snapshot.limits = procfs::limits(&text(&buffer));
            }
            name_users(&mut snapshot.processes);
        }
        Ok(snapshot)
    }

    pub fn process(&self, pid: i32) -> Option<&Process> {
        find(&self.processes, pid)
    }

    /// The name of PID 1; empty if it cannot be seen.
    pub fn init_name(&self) -> &str {
        match self.init {
            Init::Sexton => "sexton", // whatever it calls itself
            _ => self.process(process::INIT).map_or("", |init| &init.name),
        }
    }

    /// All that have ended and are not reaped yet.
    pub fn zombies(&self) -> Vec<&Process> {
        let mut zombies = Vec::new();
        for process in &self.processes {
            if process.is_zombie() {
                zombies.push(process);
            }
        }
        zombies
    }

    /// The indices of the processes, children behind their parents, each with its depth.
    pub fn tree(&self) -> Vec<(usize, usize)> {
        let parents: Vec<(i32, i32)> =
            self.processes.iter().map(|process| (process.pid, process.parent())).collect();
        forest::order(&parents)
    }
}

fn find(processes: &[Process], pid: i32) -> Option<&Process> {
    let index = processes.binary_search_by_key(&pid, |process| process.pid).ok()?;
    processes.get(index)
}

/// Names under which inits for containers, and others, are known.
const INITS: [&str; 13] = [
    "tini",
    "tini-static",
    "docker-init",
    "podman-init",
    "dumb-init",
    "catatonit",
    "pid1",
    "tino",
    "init",
    "systemd",
    "s6-svscan",
    "runit",
    "pause",
];

fn init(processes: &[Process]) -> Init {
    match find(processes, process::INIT).filter(|process| process.stat.is_some()) {
        None => Init::Hidden,
        Some(process) if process.is_sexton => Init::Sexton,
        Some(process) if INITS.contains(&process.name.as_str()) => Init::Other,
        Some(_) => Init::Application,
    }
}

/// The command that the container is there for. Under an init that is its oldest child, and under sexton the
/// oldest that leads a process group, as the command does; once the command has ended, it is one that the command left
/// behind. If the init is that of a pod, or hidden, it is looked for under the only sexton that there is besides.
fn main(snapshot: &Snapshot) -> Option<i32> {
    let init_pauses = snapshot.process(process::INIT).is_some_and(|init| init.pauses);
    let (parent, must_lead) = match snapshot.init {
        Init::Application => return Some(process::INIT),
        Init::Sexton if !init_pauses => (process::INIT, true),
        Init::Other if snapshot.init_name() != "pause" => (process::INIT, false),
        Init::Other | Init::Sexton | Init::Hidden => (only_sexton(&snapshot.processes)?, true),
    };
    let mut oldest: Option<(u64, i32)> = None;
    for Process { pid, stat, .. } in &snapshot.processes {
        if let Some(stat) = stat
            && stat.parent == parent
            && (stat.group == *pid || !must_lead)
            && oldest.is_none_or(|(started, _)| stat.started < started)
        {
            oldest = Some((stat.started, *pid));
        }
    }
    oldest.map(|(_, pid)| pid)
}

/// The sexton that runs a command, if it is the only one.
fn only_sexton(processes: &[Process]) -> Option<i32> {
    let mut sextons = processes.iter().filter(|process| process.is_sexton && !process.pauses);
    let first = sextons.next()?;
    sextons.next().is_none().then_some(first.pid)
}

/// Looks each user up once.
fn name_users(processes: &mut [Process]) {
    let passwd = files::contents(c"/etc/passwd").ok().flatten().unwrap_or_default();
    for index in 0..processes.len() {
        let Some(uid) = processes.get(index).and_then(Process::uid) else { continue };
        let same = processes.iter().find(|process| process.uid() == Some(uid));
        let known = same.and_then(|process| process.user.clone());
        let user = known.unwrap_or_else(|| match user::name_of(&passwd, uid) {
            Some(name) => text(name),
            None => format!("{uid}"),
        });
        if let Some(process) = processes.get_mut(index) {
            process.user = Some(user);
        }
    }
}
