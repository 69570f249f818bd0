//! The same as one JSON object; `docs/status.schema.json` describes it.

use super::findings::{Findings, Unreaped};
use super::snapshot::{Init, Process, Snapshot};
use super::table;
use crate::kernel::cgroup::Usage;
use crate::text::json::{Object, Quoted, array};
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use std::fmt;
use std::time::Duration;

/// The whole object, on one line.
pub fn object(snapshot: &Snapshot, findings: &Findings) -> String {
    let mut json = Object::default();
    json.raw("version", 1);
    json.raw("init", init(&snapshot.init));
    json.optional("main", snapshot.main);
    let processes = snapshot.processes.iter().map(|process| self::process(snapshot, process));
    json.raw("processes", array(processes));
    json.raw("stuck_zombies", array(findings.neglects.iter().map(unreaped)));
    json.raw("limits", limits(&snapshot.limits));
    json.optional("memory", snapshot.memory.map(|memory| usage(memory, "oom_kills")));
    json.optional("pids", snapshot.pids.map(|pids| usage(pids, "limit_hits")));
    json.raw("problems", array(findings.problems().map(Quoted)));
    json.end()
}

fn init(init: &Init) -> String {
    let (kind, name) = match init {
        Init::Sexton => ("sexton", None),
        Init::Other(name) => ("other", Some(name)),
        Init::Application(name) => ("application", Some(name)),
        Init::Hidden => ("hidden", None),
    };
    let mut json = Object::default();
    json.text("kind", kind);
    if let Some(name) = name {
        json.text("name", name);
    }
    json.end()
}

fn process(snapshot: &Snapshot, process: &Process) -> String {
    let mut json = Object::default();
    json.raw("pid", process.pid);
    json.optional("parent", process.stat.map(|stat| stat.parent));
    json.optional("uid", process.status.and_then(|status| status.uid));
    json.optional("user", snapshot.users.name(process).map(Quoted));
    json.optional("state", table::state(process).map(Quoted));
    json.optional("age_seconds", process.age.map(Seconds));
    json.optional("cpu_seconds", process.stat.map(|stat| Seconds(stat.cpu_time())));
    json.optional("memory_bytes", process.status.and_then(|status| status.memory));
    json.optional("threads", process.stat.map(|stat| stat.threads));
    json.optional("open_files", process.open_files);
    json.optional("sigterm", process.on_sigterm().map(|reaction| Quoted(reaction.name())));
    json.optional("name", process.stat.map(|_| Quoted(process.name())));
    json.optional("command", process.stat.map(|_| Quoted(process.command())));
    json.end()
}

fn unreaped(unreaped: &Unreaped) -> String {
    let mut json = Object::default();
    json.raw("parent", unreaped.parent);
    json.text("name", &unreaped.name);
    json.raw("pids", array(unreaped.zombies.iter().map(|zombie| zombie.pid)));
    json.text("advice", &unreaped.advice);
    json.end()
}

fn limits(limits: &[(Resource, Limits)]) -> String {
    let mut json = Object::default();
    for (resource, Limits { soft, hard }) in limits {
        let value = |limit: u64| Some(limit).filter(|&limit| limit != UNLIMITED);
        let mut both = Object::default();
        both.optional("soft", value(*soft));
        both.optional("hard", value(*hard));
        json.raw(resource.name(), both.end());
    }
    json.end()
}

fn usage(usage: Usage, hits: &str) -> String {
    let mut json = Object::default();
    json.raw("current", usage.current);
    json.optional("limit", usage.limit);
    json.optional(hits, usage.hits);
    json.end()
}

/// Seconds with two decimals: /proc has no more.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0.as_secs(), self.0.subsec_millis() / 10)
    }
}
