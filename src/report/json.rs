//! The report as JSON; `docs/report.schema.json` describes it.

#![forbid(unsafe_code)]

use super::numbers::Seconds;
use super::record::Report;
use crate::kernel::cgroup::Totals;
use crate::text::json::Object;
use crate::values::outcome::{Outcome, Shortage};
use std::fmt;

impl Report {
    /// The report as one JSON object, with an end of line. `docs/report.schema.json` describes it.
    #[must_use]
    pub fn json(&self) -> String {
        let record = &self.record;
        let mut json = Object::new();
        json.raw("version", 1);
        json.text("command", &record.command);
        json.raw("pid", record.pid);
        json.raw("exit_status", self.ending.status);
        json.text("cause", self.cause());
        match (&record.failure, record.outcome) {
            (Some(failure), _) => json.text("error", failure),
            (None, Some(Outcome::Exited(status))) => json.raw("status", status),
            (None, Some(Outcome::Killed { signal, core })) => {
                json.text("signal", signal);
                json.raw("core_dumped", core);
            }
            (None, None) => json.raw("ended", false),
        }
        if let Some(before) = record.sent_before {
            json.raw("signal_sent_seconds_before", Seconds(before));
        }
        if let Some(limit) = record.limit {
            json.text("limit", limit.name());
        }
        json.raw("oom_killed", record.oom.is_some());
        json.raw("oom_kills", record.oom_kills);
        if let Some(shortage) = record.oom.and_then(Shortage::name) {
            json.text("out_of_memory", shortage);
        }
        if let Some(at) = record.timed_out {
            json.raw("timeout_after_seconds", Seconds(at));
        }
        if let Some(stop) = record.stop {
            json.begin("stop", '{');
            json.text("signal", stop.signal.signal);
            json.raw("pid", stop.signal.origin.pid);
            json.raw("uid", stop.signal.origin.uid);
            if !stop.name.as_str().is_empty() {
                json.text("name", stop.name.as_str());
            }
            json.raw("after_seconds", Seconds(stop.at));
            if record.throttled > 0 {
                json.raw("throttled_seconds", Seconds::of_micros(record.throttled));
            }
            json.end('}');
        }
        json.begin("phase_seconds", '{');
        for (stage, took) in record.times.each() {
            json.raw(stage.name(), Seconds(took));
        }
        json.end('}');
        if !record.frozen.is_zero() {
            json.raw("frozen_seconds", Seconds(record.frozen));
        }
        json.raw("wall_seconds", Seconds(self.wall));
        json.raw("user_seconds", Seconds(record.usage.user));
        json.raw("system_seconds", Seconds(record.usage.system));
        json.raw("peak_memory_bytes", record.usage.peak);
        self.group(&mut json);
        json.raw("orphans_reaped", record.orphans);
        if let Some(killed) = record.killed {
            json.raw("processes_killed", killed);
        }
        json.raw("survivors", record.survivors);
        if let Some(not_stopped) = record.not_stopped.get() {
            json.begin("not_stopped", '[');
            not_stopped.json(&mut json);
            json.end(']');
            if not_stopped.found.more > 0 {
                json.raw("not_stopped_more", not_stopped.found.more);
            }
        }
        json.finish() + "\n"
    }

    fn group(&self, json: &mut Object) {
        let group = self.record.group;
        if group == Totals::default() {
            return;
        }
        json.begin("cgroup", '{');
        let mut add = |name, value: u64, shown: &dyn fmt::Display| {
            if value > 0 {
                json.raw(name, shown);
            }
        };
        add("peak_memory_bytes", group.peak, &group.peak);
        add("memory_limit_bytes", group.limit, &group.limit);
        add("forks_refused", group.refused, &group.refused);
        add("throttled_seconds", group.throttled, &Seconds::of_micros(group.throttled));
        add("frozen_seconds", group.frozen, &Seconds::of_micros(group.frozen));
        json.end('}');
    }
}
