//! What is wrong, and what can be done about it.

use super::snapshot::{Init, Process, Snapshot};
use crate::kernel::cgroup::Usage;
use crate::kernel::processes::is_shell;
use crate::kernel::procfs::Reaction;
use crate::sys::process::INIT;
use crate::text::escape::Visible;
use std::fmt::{self, Write};

/// The pids limit is nearly reached when so many hundredths of it are in use.
const NEARLY: u64 = 90;

/// Zombies that one process does not wait for.
pub struct Unreaped<'a> {
    pub parent: Parent<'a>,
    pub zombies: Vec<&'a Process>,
    /// What can be done.
    pub advice: String,
}

/// The parent of a zombie. Displays with its name.
pub struct Parent<'a> {
    /// 0 if it is outside of the PID namespace.
    pub pid: i32,
    /// Empty if it cannot be seen.
    pub name: &'a str,
}

impl fmt::Display for Parent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.name) {
            (0, _) => f.write_str("a process outside of the PID namespace"),
            (pid, "") => write!(f, "process {pid}"),
            (pid, name) => write!(f, "process {pid} ({name})"),
        }
    }
}

/// What is wrong.
pub struct Findings<'a> {
    /// Stuck zombies, by their parents.
    pub neglects: Vec<Unreaped<'a>>,
    /// The limit on process IDs is reached, or nearly.
    pub pids: Option<(u64, u64)>,
}

impl<'a> Findings<'a> {
    pub fn new(snapshot: &'a Snapshot, stuck: Vec<&'a Process>) -> Findings<'a> {
        let mut neglects: Vec<Unreaped> = Vec::new();
        for zombie in stuck {
            let pid = zombie.parent();
            let at = neglects.partition_point(|unreaped| unreaped.parent.pid < pid);
            match neglects.get_mut(at) {
                Some(unreaped) if unreaped.parent.pid == pid => unreaped.zombies.push(zombie),
                _ => neglects.insert(at, unreaped(snapshot, zombie)),
            }
        }
        Findings { neglects, pids: snapshot.pids.and_then(nearly_reached) }
    }

    pub fn are_none(&self) -> bool {
        self.neglects.is_empty() && self.pids.is_none()
    }

    /// Calls `visit` with all that is wrong, each in a few words.
    pub fn each_problem(&self, visit: &mut dyn FnMut(fmt::Arguments)) {
        for Unreaped { parent, zombies, .. } in &self.neglects {
            let count = zombies.len();
            let zombies = if count == 1 { "zombie" } else { "zombies" };
            visit(format_args!("{count} {zombies} not reaped by {parent}"));
        }
        if let Some((used, limit)) = self.pids {
            visit(format_args!("{used} of {limit} process IDs in use"));
        }
    }

    /// One line, or nothing if nothing is wrong.
    pub fn line(&self) -> String {
        let mut line = String::new();
        self.each_problem(&mut |problem| {
            let before = if line.is_empty() { "sexton: unhealthy: " } else { "; " };
            write!(line, "{before}{problem}").ok();
        });
        if line.is_empty() { line } else { format!("{}\n", Visible(&line)) }
    }
}

/// The first zombie of a parent.
fn unreaped<'a>(snapshot: &'a Snapshot, zombie: &'a Process) -> Unreaped<'a> {
    let pid = zombie.parent();
    let parent = snapshot.process(pid);
    Unreaped {
        parent: Parent { pid, name: parent.map_or("", |parent| &parent.name) },
        advice: advice(snapshot, zombie, parent),
        zombies: vec![zombie],
    }
}

fn advice(snapshot: &Snapshot, zombie: &Process, parent: Option<&Process>) -> String {
    let tracer = zombie.status.map_or(0, |status| status.tracer);
    if tracer != 0 && tracer != zombie.parent() {
        return format!("process {tracer} traces them and must wait for them first");
    }
    let advice = match parent.and_then(|parent| parent.stat).map(|stat| stat.state) {
        Some('T') => "it is stopped: continue it with SIGCONT",
        Some('t') => "it is stopped by its tracer, which must continue it",
        _ if zombie.parent() == 0 => "the container runtime must wait for them",
        _ if zombie.parent() == INIT && snapshot.init == Init::Application => {
            "as PID 1 it gets every orphan: run it under an init, such as sexton"
        }
        _ => "it must call waitpid() on SIGCHLD; no other process can until it ends",
    };
    advice.to_owned()
}

/// What is in use and the limit, if that is near.
fn nearly_reached(pids: Usage) -> Option<(u64, u64)> {
    let limit = pids.limit?;
    let near = u128::from(pids.current) * 100 >= u128::from(limit) * u128::from(NEARLY);
    near.then_some((pids.current, limit))
}

/// What the program is that is PID 1, to be written behind its name; and the remedy if it should not be.
pub fn of_init(snapshot: &Snapshot) -> (&'static str, Option<&'static str>) {
    match snapshot.init {
        Init::Sexton => ("", None),
        Init::Other => (", another init", None),
        Init::Hidden => (
            "hidden; other processes may be hidden too",
            Some("run this as root or as the owner of the processes"),
        ),
        Init::Application if is_shell(snapshot.init_name()) && sexton_is_below(snapshot) => (
            ", a shell, with sexton below it",
            Some("it gets the container's signals: write ENTRYPOINT as a list, [\"/sexton\", ...]"),
        ),
        Init::Application if ignores_term(snapshot) => (
            ", the application itself, without a handler for SIGTERM",
            Some("only SIGKILL after the time-out ends it: run it under sexton"),
        ),
        Init::Application => (
            ", the application itself",
            Some("it gets every orphan: run it under sexton if it does not reap them"),
        ),
    }
}

fn ignores_term(snapshot: &Snapshot) -> bool {
    snapshot.process(INIT).and_then(Process::on_sigterm) == Some(Reaction::Ignored)
}

fn sexton_is_below(snapshot: &Snapshot) -> bool {
    snapshot.processes.iter().any(|process| process.is_sexton && process.pid != INIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pids(current: u64, limit: Option<u64>) -> Option<(u64, u64)> {
        nearly_reached(Usage { current, limit, hits: None, by_own_limit: false })
    }

    #[test]
    fn nine_tenths_of_the_limit_are_near() {
        assert_eq!(pids(90, Some(100)), Some((90, 100)));
        assert_eq!(pids(89, Some(100)), None);
        assert_eq!(pids(u64::MAX, Some(u64::MAX)), Some((u64::MAX, u64::MAX)));
        assert_eq!(pids(1000, None), None);
    }

    #[test]
    fn a_parent_that_a_tracer_has_stopped_is_not_continued_by_sigcont() {
        let advised = |state| {
            let parent = Process::in_state(7, state, 1);
            let snapshot = Snapshot::take(true).unwrap();
            let zombie = Process::in_state(8, 'Z', 7);
            advice(&snapshot, &zombie, Some(&parent))
        };
        assert_eq!(advised('T'), "it is stopped: continue it with SIGCONT");
        assert_eq!(advised('t'), "it is stopped by its tracer, which must continue it");
        assert!(advised('S').contains("waitpid()"));
    }

    fn line(names: &[(i32, &str, usize)], pids: Option<(u64, u64)>) -> String {
        let zombie = Process::in_state(8, 'Z', 1);
        let neglects = names.iter().map(|&(pid, name, count)| Unreaped {
            parent: Parent { pid, name },
            zombies: vec![&zombie; count],
            advice: String::new(),
        });
        Findings { neglects: neglects.collect(), pids }.line()
    }

    #[test]
    fn a_health_check_says_all_in_one_line() {
        assert_eq!(line(&[], None), "");
        let all = line(&[(7, "app", 1), (0, "", 2), (9, "", 3)], Some((95, 100)));
        let expected = "sexton: unhealthy: 1 zombie not reaped by process 7 (app); \
            2 zombies not reaped by a process outside of the PID namespace; \
            3 zombies not reaped by process 9; 95 of 100 process IDs in use\n";
        assert_eq!(all, expected);
        assert_eq!(line(&[(7, "a\nb", 1)], None).lines().count(), 1);
    }
}
