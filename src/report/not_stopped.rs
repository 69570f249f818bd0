//! Processes that have not ended after a stop signal, and why: as log lines, and for the report.

#![forbid(unsafe_code)]

use super::numbers::Counted;
use crate::kernel::processes::Name;
use crate::kernel::procfs::Reaction;
use crate::kernel::unstopped::{Cause, Found, Unstopped};
use crate::supervisor::Search;
use crate::text::json::Object;
use crate::values::signal::Signal;
use log::warn;
use std::fmt;
use std::mem::discriminant;

/// What a look has found.
#[derive(Clone, Copy, Debug)]
pub struct NotStopped {
    /// What was looked for.
    pub search: Search,
    /// The processes.
    pub found: Found,
}

impl NotStopped {
    /// Logs a line for each process that is named, and one for the others; not what the look before has found, too.
    pub fn log(&self, before: Option<&NotStopped>) {
        let found = before.map(|before| &before.found);
        let is_known = |process: &Unstopped| {
            let same = |other: &Unstopped| {
                other.pid == process.pid
                    && discriminant(&other.cause) == discriminant(&process.cause)
            };
            found.is_some_and(|found| found.named().any(same))
        };
        for process in self.found.named().filter(|&process| !is_known(process)) {
            warn!("{}: {}", When(self), Explained(process, self.search.signal));
        }
        if self.found.more > found.map_or(0, |found| found.more) {
            warn!("{}: {}", When(self), Counted(self.found.more, "more process", "more processes"));
        }
    }

    /// The processes that are named, as the items of a JSON array.
    pub(super) fn json(&self, json: &mut Object) {
        let signal = self.search.signal;
        for process in self.found.named() {
            json.begin_item();
            json.raw("pid", process.pid);
            json.text("name", process.name.as_str());
            json.text("state", process.state);
            json.text("reaction", process.reaction.map_or("unknown", Reaction::name));
            json.text("cause", words(process.cause).0);
            json.text("text", Explained(process, signal));
            json.end('}');
        }
    }
}

/// When a look was, as the beginning of a line.
struct When<'a>(&'a NotStopped);

impl fmt::Display for When<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Search { signal, after, before_kill, .. } = self.0.search;
        if before_kill {
            return f.write_str("not stopped before SIGKILL");
        }
        let (number, unit) =
            if after < 1000 { (after / 10 * 10, "ms") } else { (after / 1000, "s") };
        write!(f, "not stopped {number} {unit} after {signal}")
    }
}

/// A cause in a word, and in words: what comes before the signal's name, and after it.
fn words(cause: Cause) -> (&'static str, &'static str, &'static str) {
    const PENDING: &str = "has ";
    const RECEIVED: &str = "received ";
    const NOT_SENT: &str = "was not sent ";
    match cause {
        Cause::Ignored => ("ignored", "ignores ", ""),
        Cause::Blocked => ("blocked", "blocks ", ", which is pending"),
        Cause::Pending => ("pending", PENDING, " pending, and has not taken it"),
        Cause::Uninterruptible(_) => {
            ("uninterruptible", PENDING, " pending, and cannot be woken up (state D)")
        }
        Cause::Stopped => ("stopped", PENDING, " pending, and is stopped: SIGCONT continues it"),
        Cause::Traced(_) => ("traced", PENDING, " pending, and is stopped by its tracer"),
        Cause::Frozen => ("frozen", PENDING, " pending, and its control group is frozen"),
        Cause::Throttled => (
            "throttled",
            PENDING,
            " pending, and waits for CPU time: its control group is at its limit (cpu.max)",
        ),
        Cause::Busy { .. } => ("busy", RECEIVED, ", and is still busy: "),
        Cause::WaitsForChild(..) => ("waits-for-child", "", ""), // the child's name comes first
        Cause::Renewed(..) => (
            "new-processes",
            RECEIVED,
            ", and continues (for a reload, --rewrite another signal); since then it has started ",
        ),
        Cause::Spared => {
            ("spared", "has no handler for ", ", and needs one as PID 1 of another PID namespace")
        }
        Cause::StartedLater => ("started-later", "was started after ", ""),
        Cause::LeftBehind => (
            "left-behind",
            NOT_SENT,
            ": its parent has ended, and only --forward-to all reaches it",
        ),
        Cause::Foreign => {
            ("foreign", NOT_SENT, ": it comes from outside of the container (docker exec)")
        }
        Cause::Unseen => ("unseen", "has not ended after ", ", and cannot be seen in /proc"),
    }
}

/// `python3 (pid 7) ignores SIGTERM`
pub(super) struct Explained<'a>(pub &'a Unstopped, pub Signal);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explained(&Unstopped { pid, name, cause, .. }, signal) = *self;
        let process = Process(pid, name);
        if let Cause::WaitsForChild(child, name) = cause {
            let child = Process(child, name);
            return write!(
                f,
                "{process} waits for its child {child} and acts on {signal} only after that: \
                 start it with exec, or use --forward-to group"
            );
        }
        let (_, before, after) = words(cause);
        write!(f, "{process} {before}{signal}{after}")?;
        match cause {
            Cause::Uninterruptible(place) if !place.as_str().is_empty() => {
                write!(f, ": it waits in {}", place.as_str())
            }
            Cause::Traced(tracer @ 1..) => write!(f, ", pid {tracer}"),
            Cause::Busy { threads, connections } => {
                write!(f, "{}", Counted(threads, "thread", "threads"))?;
                match connections {
                    Some(count @ 1..) => {
                        let count = Counted(count, "TCP connection", "TCP connections");
                        write!(f, ", {count} in its network namespace")
                    }
                    _ => Ok(()),
                }
            }
            Cause::Renewed(child, name) => Process(child, name).fmt(f),
            _ => Ok(()),
        }
    }
}

/// `node (pid 9)`
struct Process(i32, Name);

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.as_str() {
            "" => write!(f, "pid {}", self.0),
            name => write!(f, "{name} (pid {})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Target;

    fn process(cause: Cause) -> Unstopped {
        let name = Name::parse(b"app\n");
        Unstopped { pid: 7, name, state: 'S', reaction: Some(Reaction::Handled), cause }
    }

    #[test]
    fn each_cause_has_its_words() {
        let name = |name: &str| Name::parse(name.as_bytes());
        let busy = |connections| Cause::Busy { threads: 4, connections };
        for (cause, text) in [
            (Cause::Ignored, "ignores SIGTERM"),
            (Cause::Blocked, "blocks SIGTERM, which is pending"),
            (
                Cause::Uninterruptible(name("rpc_wait_bit_killable")),
                "has SIGTERM pending, and cannot be woken up (state D): it waits in rpc_wait_bit_killable",
            ),
            (
                Cause::Uninterruptible(Name::default()),
                "has SIGTERM pending, and cannot be woken up (state D)",
            ),
            (Cause::Frozen, "has SIGTERM pending, and its control group is frozen"),
            (
                busy(Some(1)),
                "received SIGTERM, and is still busy: 4 threads, 1 TCP connection in its network namespace",
            ),
            (busy(Some(0)), "received SIGTERM, and is still busy: 4 threads"),
            (busy(None), "received SIGTERM, and is still busy: 4 threads"),
            (
                Cause::WaitsForChild(9, name("node")),
                "waits for its child node (pid 9) and acts on SIGTERM only after that: \
                 start it with exec, or use --forward-to group",
            ),
            (
                Cause::LeftBehind,
                "was not sent SIGTERM: its parent has ended, and only --forward-to all reaches it",
            ),
            (
                Cause::Foreign,
                "was not sent SIGTERM: it comes from outside of the container (docker exec)",
            ),
        ] {
            assert_eq!(
                Explained(&process(cause), Signal::TERM).to_string(),
                format!("app (pid 7) {text}")
            );
        }
    }

    #[test]
    fn the_time_is_short() {
        let when = |after, before_kill| {
            let search = Search { signal: Signal::QUIT, to: Target::Command, after, before_kill };
            When(&NotStopped { search, found: Found::default() }).to_string()
        };
        assert_eq!(when(51, false), "not stopped 50 ms after SIGQUIT");
        assert_eq!(when(5003, false), "not stopped 5 s after SIGQUIT");
        assert_eq!(when(9500, true), "not stopped before SIGKILL");
    }

    #[test]
    fn the_report_has_each_process_as_an_object() {
        let mut found = Found::default();
        found.processes[0] = Some(process(Cause::Ignored));
        let search =
            Search { signal: Signal::TERM, to: Target::Command, after: 0, before_kill: false };
        let not_stopped = NotStopped { search, found };
        let mut json = Object::new();
        json.begin("a", '[');
        not_stopped.json(&mut json);
        json.end(']');
        assert_eq!(
            json.finish(),
            concat!(
                r#"{"a":[{"pid":7,"name":"app","state":"S","reaction":"handled","cause":"ignored","#,
                r#""text":"app (pid 7) ignores SIGTERM"}]}"#
            )
        );
    }
}
