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
    pub name: Vec<u8>,
    /// Its arguments, each with a null byte behind it; empty for a zombie.
    pub arguments: Vec<u8>,
    /// It executes sexton, or something of that name.
    pub is_sexton: bool,
    /// It is in sigtimedwait(2): for so long the kernel unblocks, and shows as unblocked, what it waits for. `None` if
    /// that cannot be seen.
    awaits_signals: Option<bool>,
}

impl Process {
    /// Reads it; `None` if it is gone, or a thread of the kernel's. `own` is the file that this process executes.
    /// `buffer` is for reading: with thousands of processes it is worth to have one.
    fn read(
        pid: i32,
        now: Duration,
        own: Option<(u64, u64)>,
        buffer: &mut Vec<u8>,
    ) -> Option<Process> {
        let hidden = |errno| matches!(errno, Errno::EACCES | Errno::EPERM);
        let (stat, name) = match processes::file(pid, "stat", buffer) {
            Ok(()) => match Stat::parse(buffer) {
                Some(stat) if stat.is_kernel => return None,
                stat => (stat, procfs::name(buffer).unwrap_or_default().to_vec()),
            },
            Err(errno) if hidden(errno) => (None, Vec::new()),
            Err(_) => return None,
        };
        let status = match processes::file(pid, "status", buffer) {
            Ok(()) => Some(Status::parse(buffer)),
            Err(errno) if hidden(errno) => None,
            Err(_) => return None,
        };
        let zombie = stat.is_some_and(|stat| stat.is_zombie());
        let is_sexton = name == b"sexton" || (own.is_some() && own == processes::executable(pid));
        Some(Process {
            pid,
            stat,
            status,
            age: stat.map(|stat| now.saturating_sub(stat.start_time())),
            open_files: if zombie { None } else { processes::open_files(pid) },
            name,
            arguments: processes::command_line::<COMMAND>(pid),
            is_sexton,
            awaits_signals: if is_sexton { Some(true) } else { processes::awaits_signals(pid) },
        })
    }

    /// Reads no more than its name and `stat`; `None` if it is gone, or hidden.
    fn read_state(pid: i32, buffer: &mut Vec<u8>) -> Option<Process> {
        processes::file(pid, "stat", buffer).ok()?;
        Some(Process {
            pid,
            stat: Stat::parse(buffer),
            status: None,
            age: None,
            open_files: None,
            name: procfs::name(buffer).unwrap_or_default().to_vec(),
            arguments: Vec::new(),
            is_sexton: false,
            awaits_signals: None,
        })
    }

    /// One of which nothing but the state is known.
    #[cfg(test)]
    pub fn in_state(pid: i32, state: char) -> Process {
        let fields = "0 ".repeat(22);
        Process {
            pid,
            stat: Stat::parse(format!("{pid} (x) {state} {fields}").as_bytes()),
            status: None,
            age: None,
            open_files: None,
            name: b"x".to_vec(),
            arguments: Vec::new(),
            is_sexton: false,
            awaits_signals: None,
        }
    }

    pub fn is_zombie(&self) -> bool {
        self.stat.is_some_and(|stat| stat.is_zombie())
    }

    pub fn parent(&self) -> i32 {
        self.stat.map_or(0, |stat| stat.parent)
    }

    /// What SIGTERM does to it; `None` if it cannot be seen, or has ended.
    pub fn on_sigterm(&self) -> Option<Reaction> {
        let status = self.status.filter(|_| !self.is_zombie())?;
        Some(match status.reaction(Signal::TERM) {
            Reaction::Fatal if self.awaits_signals? => Reaction::Blocked,
            Reaction::Fatal if self.pid == process::INIT => Reaction::Ignored, // the kernel spares it: pid_namespaces(7)
            reaction => reaction,
        })
    }

    /// Whether it is a sexton that runs no command.
    fn pauses(&self) -> bool {
        let words = self.arguments.split(|&byte| byte == 0).skip(1);
        let mut options = words.take_while(|word| word.starts_with(b"-") && *word != b"--");
        self.is_sexton && options.any(|word| word == b"--pause" || word == b"-P")
    }

    /// What it was started as: its arguments with blanks between, or, if it has none, its name in brackets.
    pub fn command(&self) -> String {
        let end = self.arguments.iter().rposition(|&byte| byte != 0);
        match end.and_then(|end| self.arguments.get(..=end)) {
            Some(arguments) => String::from_utf8_lossy(arguments).replace('\0', " "),
            None if self.stat.is_none() => "?".to_owned(),
            None => format!("[{}]", self.name()),
        }
    }

    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// One that has ended and that its parent has not waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zombie {
    pub pid: i32,
    pub started: u64,
    pub name: String,
    pub parent: i32,
    /// The process that must wait for it before its parent can: a debugger. 0 for none.
    pub tracer: i32,
}

/// Who is PID 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Init {
    Sexton,
    /// Another init.
    Other(String),
    /// The application itself.
    Application(String),
    /// Nobody that can be seen.
    Hidden,
}

/// What was seen.
pub struct Snapshot {
    /// In the order of their process IDs, without the one that looks.
    pub processes: Vec<Process>,
    /// The users' names.
    pub users: Users,
    pub init: Init,
    /// The command's process ID.
    pub main: Option<i32>,
    /// The command's limits.
    pub limits: Vec<(Resource, Limits)>,
    pub memory: Option<cgroup::Usage>,
    pub pids: Option<cgroup::Usage>,
}

impl Snapshot {
    /// Takes one.
    ///
    /// # Errors
    /// /proc cannot be read; ENOENT if it is not there, or that of another PID namespace.
    pub fn take() -> Result<Snapshot, Errno> {
        let now = clock::since_boot();
        let program = processes::executable(process::id());
        let mut buffer = Vec::new();
        let processes = processes(|pid| Process::read(pid, now, program, &mut buffer))?;
        let init = init(&processes);
        let main = main(&processes, &init);
        let limits = main.and_then(|pid| processes::file(pid, "limits", &mut buffer).ok());
        let limits = limits.map(|()| String::from_utf8_lossy(&buffer)).unwrap_or_default();
        Ok(Snapshot {
            init,
            main,
            limits: procfs::limits(&limits).collect(),
            users: Users::of(&processes),
            processes,
            memory: cgroup::memory(),
            pids: cgroup::pids(),
        })
    }

    /// Takes one for a health check: of each process its state, its parent and its name, and how many process IDs are
    /// in use. Nothing else is looked at.
    ///
    /// # Errors
    /// As for [`Snapshot::take`].
    pub fn of_states() -> Result<Snapshot, Errno> {
        let mut buffer = Vec::new();
        Ok(Snapshot {
            processes: processes(|pid| Process::read_state(pid, &mut buffer))?,
            users: Users(Vec::new()),
            init: Init::Hidden,
            main: None,
            limits: Vec::new(),
            memory: None,
            pids: cgroup::pids(),
        })
    }

    pub fn process(&self, pid: i32) -> Option<&Process> {
        find(&self.processes, pid)
    }

    /// All that have ended and are not reaped yet.
    pub fn zombies(&self) -> Vec<Zombie> {
        let zombies = self.processes.iter().filter(|process| process.is_zombie());
        zombies
            .filter_map(|process| {
                let Stat { started, parent, .. } = process.stat?;
                let tracer = process.status.map_or(0, |status| status.tracer);
                Some(Zombie { pid: process.pid, started, name: process.name(), parent, tracer })
            })
            .collect()
    }

    /// Each process with its depth, children behind their parents.
    pub fn tree(&self) -> Vec<(&Process, usize)> {
        let parents: Vec<(i32, i32)> =
            self.processes.iter().map(|process| (process.pid, process.parent())).collect();
        let order = forest::order(&parents).into_iter();
        order.filter_map(|(index, depth)| Some((self.processes.get(index)?, depth))).collect()
    }
}

/// All processes but the one that looks, in the order of their IDs.
fn processes(mut read: impl FnMut(i32) -> Option<Process>) -> Result<Vec<Process>, Errno> {
    let own = process::id();
    let mut processes = Vec::new();
    processes::numbers()?.visit_all(|pid| {
        if pid != own
            && let Some(process) = read(pid)
        {
            // The kernel lists them in order; no other order would do any harm.
            let at = processes.partition_point(|other: &Process| other.pid < pid);
            processes.insert(at, process);
        }
    })?;
    Ok(processes)
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
        Some(process) if INITS.contains(&process.name().as_str()) => Init::Other(process.name()),
        Some(process) => Init::Application(process.name()),
    }
}

/// The command that the container is there for. Under an init that is its oldest child, and under sexton the
/// oldest that leads a process group, as the command does; once the command has ended, it is one that the command left
/// behind. If the init is that of a pod, or hidden, it is looked for under the only sexton that there is besides.
fn main(processes: &[Process], init: &Init) -> Option<i32> {
    let of_a_pod = find(processes, process::INIT).is_some_and(Process::pauses);
    let sexton = match init {
        Init::Application(_) => return Some(process::INIT),
        Init::Sexton if !of_a_pod => process::INIT,
        Init::Other(name) if name != "pause" => {
            return oldest(processes, |stat| stat.parent == process::INIT);
        }
        Init::Other(_) | Init::Sexton | Init::Hidden => {
            let mut sextons =
                processes.iter().filter(|process| process.is_sexton && !process.pauses());
            let first = sextons.next()?;
            if sextons.next().is_some() {
                return None;
            }
            first.pid
        }
    };
    let leads = |process: &Process| process.stat.is_some_and(|stat| stat.group == process.pid);
    let leaders = processes.iter().filter(|process| leads(process));
    oldest(leaders, |stat| stat.parent == sexton)
}

fn oldest<'a>(
    processes: impl IntoIterator<Item = &'a Process>,
    wanted: impl Fn(&Stat) -> bool,
) -> Option<i32> {
    let mut oldest: Option<(u64, i32)> = None;
    for process in processes {
        let Some(stat) = process.stat.filter(&wanted) else { continue };
        let this = (stat.started, process.pid);
        oldest = Some(oldest.map_or(this, |other| other.min(this)));
    }
    oldest.map(|(_, pid)| pid)
}

/// The names of some users, as far as there are any.
pub struct Users(Vec<(u32, String)>);

impl Users {
    /// Looks each user up once.
    fn of(processes: &[Process]) -> Users {
        let passwd = files::contents(c"/etc/passwd").ok().flatten().unwrap_or_default();
        let mut users = Users(Vec::new());
        for uid in processes.iter().filter_map(|process| process.status?.uid) {
            if users.find(uid).is_none() {
                let name = user::name_of(&passwd, uid);
                let name = name.map(|name| String::from_utf8_lossy(name).into_owned());
                users.0.push((uid, name.unwrap_or_else(|| uid.to_string())));
            }
        }
        users
    }

    fn find(&self, uid: u32) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == uid).map(|(_, name)| name.as_str())
    }

    /// The user's name, or number.
    pub fn name(&self, process: &Process) -> Option<&str> {
        self.find(process.status?.uid?)
    }
}
