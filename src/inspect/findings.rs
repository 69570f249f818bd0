//! What is wrong, and what can be done about it.

use super::snapshot::{Init, Process, Snapshot, Zombie};
use crate::kernel::cgroup::Usage;
use crate::kernel::processes::is_shell;
use crate::kernel::procfs::Reaction;
use crate::sys::process::INIT;
use crate::text::escape::visible;
use std::fmt::Write;

/// The pids limit is nearly reached when so many hundredths of it are in use.
const NEARLY: u64 = 90;

/// Zombies that one process does not wait for.
pub struct Unreaped {
    /// Their parent; 0 if it is outside of the PID namespace.
    pub parent: i32,
    /// The parent's name; empty if it cannot be seen.
    pub name: String,
    pub zombies: Vec<Zombie>,
    /// What can be done.
    pub advice: String,
}

/// What is wrong.
pub struct Findings {
    /// Stuck zombies, by their parents.
    pub neglects: Vec<Unreaped>,
    /// The limit on process IDs is reached, or nearly.
    pub pids: Option<(u64, u64)>,
}

impl Findings {
    pub fn new(snapshot: &Snapshot, mut stuck: Vec<Zombie>) -> Findings {
        let mut neglects = Vec::new();
        while let Some(parent) = stuck.iter().map(|zombie| zombie.parent).min() {
            let (family, others) =
                stuck.into_iter().partition::<Vec<_>, _>(|zombie| zombie.parent == parent);
            neglects.extend(unreaped(snapshot, family));
            stuck = others;
        }
        Findings { neglects, pids: snapshot.pids.and_then(nearly_reached) }
    }

    pub fn are_none(&self) -> bool {
        self.neglects.is_empty() && self.pids.is_none()
    }

    /// All that is wrong, each in a few words.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let zombies = self.neglects.iter().map(|unreaped| {
            let Unreaped { zombies, .. } = unreaped;
            let count = zombies.len();
            let zombies = if count == 1 { "zombie" } else { "zombies" };
            format!("{count} {zombies} not reaped by {}", unreaped.parent())
        });
        let pids = self.pids.map(|(used, limit)| format!("{used} of {limit} process IDs in use"));
        zombies.chain(pids)
    }

    /// One line, or nothing if nothing is wrong.
    pub fn line(&self) -> String {
        let mut line = String::new();
        for problem in self.problems() {
            let before = if line.is_empty() { "sexton: unhealthy: " } else { "; " };
            write!(line, "{before}{}", visible(&problem)).ok();
        }
        if !line.is_empty() {
            line.push('\n');
        }
        line
    }
}

impl Unreaped {
    /// The parent, with its name.
    pub fn parent(&self) -> String {
        match (self.parent, self.name.as_str()) {
            (0, _) => "a process outside of the PID namespace".to_owned(),
            (pid, "") => format!("process {pid}"),
            (pid, name) => format!("process {pid} ({name})"),
        }
    }
}

fn unreaped(snapshot: &Snapshot, zombies: Vec<Zombie>) -> Option<Unreaped> {
    let first = zombies.first()?;
    let parent = snapshot.process(first.parent);
    Some(Unreaped {
        parent: first.parent,
        name: parent.map(Process::name).unwrap_or_default(),
        advice: advice(snapshot, first, parent),
        zombies,
    })
}

fn advice(snapshot: &Snapshot, zombie: &Zombie, parent: Option<&Process>) -> String {
    let state = parent.and_then(|parent| parent.stat).map(|stat| stat.state);
    let traced = zombie.tracer != 0 && zombie.tracer != zombie.parent;
    match (state, &snapshot.init) {
        _ if traced => {
            format!("process {} traces them and must wait for them first", zombie.tracer)
        }
        (Some('T'), _) => "it is stopped: continue it with SIGCONT".to_owned(),
        (Some('t'), _) => "it is stopped by its tracer, which must continue it".to_owned(),
        _ if zombie.parent == 0 => "the container runtime must wait for them".to_owned(),
        (_, Init::Application(_)) if zombie.parent == INIT => {
            "as PID 1 it gets every orphan: run it under an init, such as sexton".to_owned()
        }
        _ => "it must call waitpid() on SIGCHLD; no other process can until it ends".to_owned(),
    }
}

/// What is in use and the limit, if that is near.
fn nearly_reached(pids: Usage) -> Option<(u64, u64)> {
    let limit = pids.limit?;
    let near = u128::from(pids.current) * 100 >= u128::from(limit) * u128::from(NEARLY);
    near.then_some((pids.current, limit))
}

/// The program that is PID 1, and the remedy if it should not be.
pub fn of_init(snapshot: &Snapshot) -> (String, Option<&'static str>) {
    let reaction = snapshot.process(INIT).and_then(Process::on_sigterm);
    match (&snapshot.init, reaction) {
        (Init::Sexton, _) => ("sexton".to_owned(), None),
        (Init::Other(name), _) => (format!("{name}, another init"), None),
        (Init::Hidden, _) => (
            "hidden; other processes may be hidden too".to_owned(),
            Some("run this as root or as the owner of the processes"),
        ),
        (Init::Application(name), reaction) => {
            let (what, advice) = if is_shell(name) && sexton_is_below(snapshot) {
                (
                    "a shell, with sexton below it",
                    "it gets the container's signals: write ENTRYPOINT as a list, [\"/sexton\", ...]",
                )
            } else if reaction == Some(Reaction::Ignored) {
                (
                    "the application itself, without a handler for SIGTERM",
                    "only SIGKILL after the time-out ends it: run it under sexton",
                )
            } else {
                (
                    "the application itself",
                    "it gets every orphan: run it under sexton if it does not reap them",
                )
            };
            (format!("{name}, {what}"), Some(advice))
        }
    }
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
            let parent = Process::in_state(7, state);
            let snapshot = Snapshot::of_states().unwrap();
            let zombie = Zombie { pid: 8, started: 1, name: "z".to_owned(), parent: 7, tracer: 0 };
            advice(&snapshot, &zombie, Some(&parent))
        };
        assert_eq!(advised('T'), "it is stopped: continue it with SIGCONT");
        assert_eq!(advised('t'), "it is stopped by its tracer, which must continue it");
        assert!(advised('S').contains("waitpid()"));
    }

    fn findings(names: &[(i32, &str, usize)], pids: Option<(u64, u64)>) -> Findings {
        let zombie = |pid| Zombie { pid, started: 1, name: "z".to_owned(), parent: 1, tracer: 0 };
        let neglects = names.iter().map(|&(parent, name, count)| Unreaped {
            parent,
            name: name.to_owned(),
            zombies: (0..count).map(|pid| zombie(pid as i32)).collect(),
            advice: String::new(),
        });
        Findings { neglects: neglects.collect(), pids }
    }

    #[test]
    fn a_health_check_says_all_in_one_line() {
        assert_eq!(findings(&[], None).line(), "");
        let line = findings(&[(7, "app", 1), (0, "", 2), (9, "", 3)], Some((95, 100))).line();
        let expected = "sexton: unhealthy: 1 zombie not reaped by process 7 (app); \
            2 zombies not reaped by a process outside of the PID namespace; \
            3 zombies not reaped by process 9; 95 of 100 process IDs in use\n";
        assert_eq!(line, expected);
        assert_eq!(findings(&[(7, "a\nb", 1)], None).line().lines().count(), 1);
    }
}
