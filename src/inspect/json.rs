//! The same as one JSON object; `docs/status.schema.json` describes it.

use super::findings::{Findings, Unreaped};
use super::snapshot::{Init, Process, Snapshot};
use crate::kernel::cgroup::Usage;
use crate::text::json::{Array, Object, Quoted};
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use std::fmt;
use std::time::Duration;

/// The whole object.
pub fn object(snapshot: &Snapshot, findings: &Findings) -> Object {
    let mut processes = Array::default();
    for process in &snapshot.processes {
        processes.push(&self::process(process));
    }
    let mut stuck = Array::default();
    for neglect in &findings.neglects {
        stuck.push(&unreaped(neglect));
    }
    let mut problems = Array::default();
    findings.each_problem(&mut |problem| problems.push(&Quoted(&problem as &dyn fmt::Display)));
    let mut json = Object::default();
    json.raw("version", 1);
    json.raw("init", init(snapshot));
    json.optional("main", snapshot.main);
    json.raw("processes", processes);
    json.raw("stuck_zombies", stuck);
    json.raw("limits", limits(&snapshot.limits));
    json.optional("memory", snapshot.memory.map(|memory| usage(memory, "oom_kills")));
    json.optional("pids", snapshot.pids.map(|pids| usage(pids, "limit_hits")));
    json.raw("problems", problems);
    json
}

fn init(snapshot: &Snapshot) -> Object {
    let (kind, is_named) = match snapshot.init {
        Init::Sexton => ("sexton", false),
        Init::Other => ("other", true),
        Init::Application => ("application", true),
        Init::Hidden => ("hidden", false),
    };
    let mut json = Object::default();
    json.text("kind", kind);
    if is_named {
        json.text("name", snapshot.init_name());
    }
    json
}

fn process(process: &Process) -> Object {
    let Process { stat, status, .. } = process;
    let mut json = Object::default();
    json.raw("pid", process.pid);
    json.optional("parent", stat.map(|stat| stat.parent));
    json.optional("uid", process.uid());
    json.optional("user", process.user.as_deref().map(Quoted));
    json.optional("state", process.state().map(Quoted));
    json.optional("age_seconds", process.age.map(Seconds));
    json.optional("cpu_seconds", stat.map(|stat| Seconds(stat.cpu_time())));
    json.optional("memory_bytes", status.and_then(|status| status.memory));
    json.optional("threads", stat.map(|stat| stat.threads));
    json.optional("open_files", process.open_files);
    json.optional("sigterm", process.on_sigterm().map(|reaction| Quoted(reaction.name())));
    json.optional("name", stat.map(|_| Quoted(process.name.as_str())));
    json.optional("command", stat.map(|_| Quoted(process.command.as_str())));
    json
}

fn unreaped(unreaped: &Unreaped) -> Object {
    let mut pids = Array::default();
    for zombie in &unreaped.zombies {
        pids.push(&zombie.pid);
    }
    let mut json = Object::default();
    json.raw("parent", unreaped.parent.pid);
    json.text("name", unreaped.parent.name);
    json.raw("pids", pids);
    json.text("advice", &unreaped.advice);
    json
}

fn limits(limits: &[(Resource, Limits)]) -> Object {
    let mut json = Object::default();
    for (resource, Limits { soft, hard }) in limits {
        let value = |limit: u64| Some(limit).filter(|&limit| limit != UNLIMITED);
        let mut both = Object::default();
        both.optional("soft", value(*soft));
        both.optional("hard", value(*hard));
        json.raw(resource.name(), both);
    }
    json
}

fn usage(usage: Usage, hits: &str) -> Object {
    let mut json = Object::default();
    json.raw("current", usage.current);
    json.optional("limit", usage.limit);
    json.optional(hits, usage.hits);
    json
}

/// Seconds with two decimals: /proc has no more.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0.as_secs(), self.0.subsec_millis() / 10)
    }
}
