//! The exit report: what is noted while sexton runs, and what is told of it at the end.

#![forbid(unsafe_code)]

pub mod recorder;
pub mod sent;
pub mod sinks;

use crate::kernel::processes::Name;
use crate::plan::Plan;
use crate::supervisor::{Stage, Time};
use crate::text::json::Object;
use crate::values::outcome::{Ending, Outcome, Shortage, Usage};
use crate::values::rlimit::Resource;
use crate::values::signal::{Origin, Received};
use std::fmt;
use std::time::Duration;

/// What is noted while sexton runs. Nothing in it allocates.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The command as it was written, as text.
    pub command: String,
    /// The command's process ID.
    pub pid: i32,
    /// How the command ended; `None` if it did not: it was not run, or could not be killed.
    pub outcome: Option<Outcome>,
    /// What the command and the processes that it waited for used.
    pub usage: Usage,
    /// Why the command could not be started.
    pub failure: Option<String>,
    /// The first stop signal.
    pub stop: Option<Stop>,
    /// Orphans that sexton has reaped.
    pub orphans: u64,
    /// Processes that sexton has sent SIGKILL; `None` if it did not, or cannot know.
    pub killed: Option<u64>,
    /// The command outlasted the grace, and so was sent SIGKILL.
    pub grace_over: bool,
    /// What the command left behind outlasted the linger time, and was killed.
    pub linger_over: bool,
    /// The kernel's OOM killer killed the command, and why.
    pub oom: Option<Shortage>,
    /// How many processes of the cgroup the OOM killer has killed.
    pub oom_kills: u64,
    /// The resource limit that the command has hit.
    pub limit: Option<Resource>,
    /// A resource limit without which it might not have died at once.
    pub suspect: Option<Resource>,
    /// The command died of a signal that nobody sent through sexton.
    pub unexpected: bool,
    /// How long before that sexton had last sent the same signal, if ever.
    pub sent_before: Option<Duration>,
    /// Processes were left that could not be killed.
    pub survivors: bool,
    /// Time in which sexton could not run, during a stop. No phase counts it.
    pub frozen: Duration,
    times: Times,
}

/// How long each phase took.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    stage: Stage,
    since: Time,
    took: [Duration; Stage::ALL.len()],
}

/// Who asked for the stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// The signal, with its sender.
    pub signal: Received,
    /// The sender's name.
    pub name: Name,
    /// When.
    pub at: Time,
}

impl Record {
    /// Nothing but the command.
    #[must_use]
    pub fn of(plan: &Plan) -> Record {
        let command = plan.argv.first().map(|command| command.to_string_lossy().into_owned());
        Record { command: command.unwrap_or_default(), ..Record::default() }
    }

    /// Notes the phase that sexton is in now; whether it is another one.
    pub fn enter(&mut self, stage: Stage, now: Time) -> bool {
        let times = &mut self.times;
        let other = stage != times.stage;
        if other {
            times.close(now);
            times.stage = stage;
        }
        other
    }

    /// The report, at the end.
    #[must_use]
    pub fn close(mut self, now: Time, ending: impl Into<Ending>) -> Report {
        self.times.close(now);
        let wall = now.saturating_add(self.frozen);
        Report { record: self, wall, ending: ending.into() }
    }
}

impl Times {
    fn close(&mut self, now: Time) {
        if let Some(took) = self.took.get_mut(self.stage as usize) {
            *took = took.saturating_add(now.saturating_sub(self.since));
        }
        self.since = now;
    }
}

/// Displays as one line; see [`Report::json`] for the other form.
#[derive(Clone, Debug)]
pub struct Report {
    record: Record,
    wall: Duration,
    ending: Ending,
}

impl Report {
    /// Whether it tells something that whoever runs this could not see otherwise, and should.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        let record = &self.record;
        record.unexpected
            || record.grace_over
            || record.linger_over
            || record.oom_kills > 0
            || record.limit.is_some()
            || record.survivors
    }

    /// How sexton ends.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Why the command ended, in a word.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        let record = &self.record;
        match record.outcome {
            _ if record.failure.is_some() => "not-started",
            _ if record.oom.is_some() => "oom",
            _ if record.limit.is_some() => "limit",
            _ if record.grace_over => "grace",
            Some(Outcome::Killed { .. }) if record.unexpected => "signal",
            _ if record.stop.is_some() => "stop",
            Some(Outcome::Killed { .. }) => "signal",
            _ => "exit",
        }
    }

    /// The report as one JSON object, with an end of line. `docs/report.schema.json` describes it.
    #[must_use]
    pub fn json(&self) -> String {
        let record = &self.record;
        let mut json = Object::default();
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
        if let Some(stop) = record.stop {
            let mut object = Object::default();
            object.text("signal", stop.signal.signal);
            object.raw("pid", stop.signal.origin.pid);
            object.raw("uid", stop.signal.origin.uid);
            if !stop.name.as_str().is_empty() {
                object.text("name", stop.name.as_str());
            }
            object.raw("after_seconds", Seconds(stop.at));
            json.raw("stop", object.end());
        }
        let mut phases = Object::default();
        for (stage, took) in record.times.each() {
            phases.raw(stage.name(), Seconds(took));
        }
        json.raw("phase_seconds", phases.end());
        if !record.frozen.is_zero() {
            json.raw("frozen_seconds", Seconds(record.frozen));
        }
        json.raw("wall_seconds", Seconds(self.wall));
        json.raw("user_seconds", Seconds(record.usage.user));
        json.raw("system_seconds", Seconds(record.usage.system));
        json.raw("peak_memory_bytes", record.usage.peak);
        json.raw("orphans_reaped", record.orphans);
        if let Some(killed) = record.killed {
            json.raw("processes_killed", killed);
        }
        json.raw("survivors", record.survivors);
        json.end() + "\n"
    }
}

/// The report as the end of a log line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        match (&record.failure, record.outcome) {
            (Some(failure), _) => return f.write_str(failure),
            (None, Some(outcome)) => write!(f, "main {outcome}")?,
            (None, None) => f.write_str("the command did not end, and could not be killed")?,
        }
        if let Some(shortage) = record.oom {
            write!(f, ", by the kernel's OOM killer{shortage}")?;
        } else if record.grace_over && record.outcome.is_some() {
            f.write_str(", as it did not end within the grace")?;
        }
        if let Some(limit) = record.limit {
            write!(f, ", as its limit {} was hit", limit.name())?;
        }
        if let Some(limit) = record.suspect {
            write!(f, ", perhaps as its limit {} is too small to start with", limit.name())?;
        }
        write!(f, ", after {}", Spoken(self.wall))?;
        if let Some(Stop { signal, name, at }) = record.stop {
            let sender = Sender(signal.origin, name);
            write!(f, "; {} came from {sender} after {}", signal.signal, Spoken(at))?;
        }
        if let (Some(Outcome::Killed { signal, .. }), Some(before)) =
            (record.outcome, record.sent_before)
        {
            write!(f, "; sexton had last sent {signal} {} before", Spoken(before))?;
        }
        let noteworthy =
            |(stage, took): &(Stage, Duration)| *stage != Stage::Run && took.as_millis() > 0;
        let mut phases = record.times.each().filter(noteworthy).peekable();
        if phases.peek().is_some() {
            f.write_str("; phases:")?;
        }
        for (index, (stage, took)) in phases.enumerate() {
            let separator = if index > 0 { "," } else { "" };
            write!(f, "{separator} {} {}", stage.name(), Spoken(took))?;
        }
        if !record.frozen.is_zero() {
            write!(f, "; frozen for {}", Spoken(record.frozen))?;
        }
        match record.killed {
            Some(killed) => write!(f, "; {} killed", Counted(killed, "process", "processes"))?,
            None if record.linger_over => f.write_str("; what was left behind was killed")?,
            None => {}
        }
        if record.survivors {
            f.write_str("; not all could be killed")?;
        }
        if record.oom_kills > u64::from(record.oom.is_some()) {
            write!(f, "; {} in the container", Counted(record.oom_kills, "OOM kill", "OOM kills"))?;
        }
        if record.orphans > 0 {
            write!(f, "; {} reaped", Counted(record.orphans, "orphan", "orphans"))?;
        }
        let Usage { user, system, peak } = record.usage;
        write!(f, "; CPU {} user, {} system", Spoken(user), Spoken(system))?;
        write!(f, "; peak memory {} KiB; exit status {}", peak / 1024, self.ending.status)
    }
}

impl Times {
    /// The phases that took any time.
    fn each(&self) -> impl Iterator<Item = (Stage, Duration)> {
        let took = |took: &Duration| !took.is_zero();
        Stage::ALL.into_iter().zip(self.took).filter(move |(_, duration)| took(duration))
    }
}

/// A number with its noun.
struct Counted(u64, &'static str, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { self.1 } else { self.2 })
    }
}

/// `1.234 s`
struct Spoken(Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", Seconds(self.0))
    }
}

/// Seconds with three digits behind the point.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

/// Who sent a signal.
pub struct Sender(pub Origin, pub Name);

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            origin if origin.is_kernel() => f.write_str("the kernel"),
            Origin { pid: 0, uid, .. } => write!(f, "outside of the PID namespace, uid {uid}"),
            Origin { pid, uid, .. } => write!(f, "pid {pid}{}, uid {uid}", self.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::signal::Signal;

    const TERM: Received =
        Received { signal: Signal::TERM, origin: Origin { code: 0, pid: 0, uid: 5, value: 0 } };

    fn record() -> Record {
        Record {
            command: "/bin/app".to_owned(),
            pid: 7,
            outcome: Some(Outcome::Exited(3)),
            usage: Usage {
                user: Duration::from_millis(1500),
                system: Duration::from_millis(20),
                peak: 3 << 20,
            },
            ..Record::default()
        }
    }

    fn at(milliseconds: u64) -> Time {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_run_that_ends_by_itself_is_no_warning() {
        let report = record().close(at(12_345), 3);
        assert!(!report.is_warning());
        assert_eq!(report.cause(), "exit");
        assert_eq!(
            report.to_string(),
            "main exited with status 3, after 12.345 s; CPU 1.500 s user, 0.020 s system; \
             peak memory 3072 KiB; exit status 3"
        );
        assert_eq!(
            report.json(),
            "{\"version\":1,\"command\":\"/bin/app\",\"pid\":7,\"exit_status\":3,\"cause\":\"exit\",\
             \"status\":3,\"oom_killed\":false,\"oom_kills\":0,\"phase_seconds\":{\"run\":12.345},\
             \"wall_seconds\":12.345,\"user_seconds\":1.500,\"system_seconds\":0.020,\
             \"peak_memory_bytes\":3145728,\"orphans_reaped\":0,\"survivors\":false}\n"
        );
    }

    #[test]
    fn a_stop_is_reported_with_its_sender_and_phases() {
        let mut record = record();
        record.stop = Some(Stop { signal: TERM, name: Name::default(), at: at(1000) });
        record.orphans = 2;
        record.enter(Stage::Run, at(5));
        record.enter(Stage::Drain, at(1000));
        record.enter(Stage::Stop, at(6000));
        record.enter(Stage::Stop, at(6100));
        record.enter(Stage::Linger, at(6500));
        let report = record.close(at(6600), 3);
        assert_eq!((report.cause(), report.is_warning()), ("stop", false));
        let text = report.to_string();
        for part in [
            "; SIGTERM came from outside of the PID namespace, uid 5 after 1.000 s",
            "; phases: drain 5.000 s, stop 0.500 s, linger 0.100 s;",
            "; 2 orphans reaped",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let json = report.json();
        let stop = r#""stop":{"signal":"SIGTERM","pid":0,"uid":5,"after_seconds":1.000}"#;
        let phases = r#""phase_seconds":{"run":1.000,"drain":5.000,"stop":0.500,"linger":0.100}"#;
        assert!(json.contains(stop) && json.contains(phases), "{json}");
    }

    #[test]
    fn what_cannot_be_seen_elsewhere_is_a_warning() {
        type Change = fn(&mut Record);
        let cases: [(Change, &str, &str); 7] = [
            (|r| r.unexpected = true, "signal", "was killed by SIGKILL, after"),
            (
                |r| (r.oom, r.oom_kills) = (Some(Shortage::Own), 1),
                "oom",
                "OOM killer: the memory limit was hit,",
            ),
            (|r| r.oom_kills = 1, "signal", "1 OOM kill in the container"),
            (|r| r.grace_over = true, "grace", "did not end within the grace"),
            (|r| r.limit = Some(Resource::Cpu), "limit", "its limit cpu was hit"),
            (|r| r.survivors = true, "signal", "not all could be killed"),
            (|r| r.linger_over = true, "signal", "left behind was killed"),
        ];
        for (change, cause, part) in cases {
            let mut record = Record { outcome: Some(Outcome::SIGKILLED), ..record() };
            change(&mut record);
            let report = record.close(at(1), 137);
            assert!(report.is_warning(), "{part}");
            assert_eq!(report.cause(), cause);
            assert!(report.to_string().contains(part), "{part:?} is not in {report}");
        }
    }

    #[test]
    fn a_signal_that_was_sent_long_before_is_reported_too() {
        let sent_before = Some(Duration::from_millis(5200));
        let outcome = Some(Outcome::Killed { signal: Signal::USR1, core: false });
        let record = Record { outcome, unexpected: true, sent_before, ..record() };
        let report = record.close(at(7_000), 138);
        let line = "main was killed by SIGUSR1, after 7.000 s; sexton had last sent SIGUSR1 5.200 s before; CPU";
        assert!(report.to_string().starts_with(line), "{report}");
        let json = r#""signal":"SIGUSR1","core_dumped":false,"signal_sent_seconds_before":5.200,"#;
        assert!(report.json().contains(json), "{}", report.json());
        assert_eq!((report.cause(), report.is_warning()), ("signal", true));
    }

    #[test]
    fn a_command_that_could_not_be_killed_is_not_said_to_have_ended() {
        let record = Record { outcome: None, grace_over: true, survivors: true, ..record() };
        let report = record.close(at(1), 137);
        let line = report.to_string();
        assert!(
            line.starts_with("the command did not end, and could not be killed, after"),
            "{line}"
        );
        assert!(!line.contains("SIGKILL") && line.ends_with("exit status 137"), "{line}");
        assert!(report.is_warning());
        let json = report.json();
        assert!(json.contains(r#""cause":"grace","ended":false,"oom_killed""#), "{json}");
        assert!(!json.contains("signal") && !json.contains(r#""status""#), "{json}");
    }

    #[test]
    fn a_failed_start_is_its_error() {
        let failure = Some("unable to \"x\"".to_owned());
        let report = Record { failure, ..record() }.close(at(1), 125);
        assert_eq!(
            (report.cause(), report.to_string().as_str()),
            ("not-started", "unable to \"x\"")
        );
        assert!(report.json().contains(r#""error":"unable to \"x\"""#));
    }

    #[test]
    fn a_limit_that_may_be_the_reason_is_named() {
        let outcome = Some(Outcome::SIGKILLED);
        let record = Record { suspect: Some(Resource::As), unexpected: true, outcome, ..record() };
        let report = record.close(at(1), 137);
        assert!(report.to_string().contains(", perhaps as its limit as is too small"), "{report}");
        assert_eq!(report.cause(), "signal");
    }

    #[test]
    fn oom_kills_of_others_are_counted() {
        let text =
            |oom, oom_kills| Record { oom, oom_kills, ..record() }.close(at(1), 0).to_string();
        assert!(!text(Some(Shortage::Own), 1).contains("OOM kills"));
        assert!(text(Some(Shortage::Own), 2).contains("; 2 OOM kills in the container"));
        assert!(text(None, 1).contains("; 1 OOM kill in the container"));
    }
}
