//! The same as one JSON object; `docs/status.schema.json` describes it.

use super::findings::{Findings, Unreaped};
use super::snapshot::{Init, Process, Snapshot};
use crate::kernel::cgroup::Usage;
use crate::text::json::{Object, Quoted};
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use std::fmt;
use std::time::Duration;

/// The whole object.
pub fn object(snapshot: &Snapshot, findings: &Findings) -> String {
    let mut json = Object::new();
    json.raw("version", 1);
    init(snapshot, &mut json);
    json.optional("main", snapshot.main);
    json.begin("processes", '[');
    for process in &snapshot.processes {
        self::process(process, &mut json);
    }
    json.end(']');
    json.begin("stuck_zombies", '[');
    for neglect in &findings.neglects {
        unreaped(neglect, &mut json);
    }
    json.end(']');
    limits(&snapshot.limits, &mut json);
    usage("memory", snapshot.memory, "oom_kills", &mut json);
    usage("pids", snapshot.pids, "limit_hits", &mut json);
    json.begin("problems", '[');
    findings.each_problem(&mut |problem| json.item(Quoted(&problem as &dyn fmt::Display)));
    json.end(']');
    json.finish()
}

fn init(snapshot: &Snapshot, json: &mut Object) {
    let (kind, is_named) = match snapshot.init {
        Init::Sexton => ("sexton", false),
        Init::Other => ("other", true),
        Init::Application => ("application", true),
        Init::Hidden => ("hidden", false),
    };
    json.begin("init", '{');
    json.text("kind", kind);
    if is_named {
        json.text("name", snapshot.init_name());
    }
    json.end('}');
}

fn process(process: &Process, json: &mut Object) {
    let Process { stat, status, .. } = process;
    json.begin_item();
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
    json.end('}');
}

fn unreaped(unreaped: &Unreaped, json: &mut Object) {
    json.begin_item();
    json.raw("parent", unreaped.parent.pid);
    json.text("name", unreaped.parent.name);
    json.begin("pids", '[');
    for zombie in &unreaped.zombies {
        json.item(zombie.pid);
    }
    json.end(']');
    json.text("advice", &unreaped.advice);
    json.end('}');
}

fn limits(limits: &[(Resource, Limits)], json: &mut Object) {
    json.begin("limits", '{');
    for (resource, Limits { soft, hard }) in limits {
        let value = |limit: u64| Some(limit).filter(|&limit| limit != UNLIMITED);
        json.begin(resource.name(), '{');
        json.optional("soft", value(*soft));
        json.optional("hard", value(*hard));
        json.end('}');
    }
    json.end('}');
}

fn usage(name: &str, usage: Option<Usage>, hits: &str, json: &mut Object) {
    let Some(usage) = usage else {
        json.raw(name, "null");
        return;
    };
    json.begin(name, '{');
    json.raw("current", usage.current);
    json.optional("limit", usage.limit);
    json.optional(hits, usage.hits);
    json.end('}');
}

/// Seconds with two decimals: /proc has no more.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0.as_secs(), self.0.subsec_millis() / 10)
    }
}
