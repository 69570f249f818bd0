use super::record::{Record, Stop};
use crate::kernel::processes::Name;
use crate::supervisor::{Stage, Time};
use crate::values::outcome::{Outcome, Shortage, Usage};
use crate::values::rlimit::Resource;
use crate::values::signal::{Origin, Received, Signal};
use std::time::Duration;

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
        "command exited with status 3; ran for 12.345 s; CPU 1.500 s user, 0.020 s system; \
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
        "; SIGTERM after 1.000 s from outside of the PID namespace, uid 5",
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
fn a_time_out_is_reported_as_what_ended_the_command_if_that_ran_so_long() {
    let record = Record { timed_out: Some(at(5000)), overran: true, ..record() };
    let late = record.clone().close(at(5100), 124);
    assert_eq!((late.cause(), late.is_warning()), ("timeout", false), "it was logged");
    assert!(late.to_string().contains("; timeout after 5.000 s; CPU"), "{late}");
    assert!(late.json().contains(r#""timeout_after_seconds":5.000,"phase"#), "{}", late.json());
    let killed = Record { grace_over: true, ..record.clone() }.close(at(9000), 137);
    assert_eq!(killed.cause(), "grace");
    let others = Record { overran: false, ..record }.close(at(5100), 3);
    assert_eq!(others.cause(), "exit");
}

#[test]
fn what_cannot_be_seen_elsewhere_is_a_warning() {
    type Change = fn(&mut Record);
    let cases: [(Change, &str, &str); 7] = [
        (|r| r.unexpected = true, "signal", "killed by SIGKILL; ran for"),
        (
            |r| (r.oom, r.oom_kills) = (Some(Shortage::Own), 1),
            "oom",
            "OOM killer (memory limit hit);",
        ),
        (|r| r.oom_kills = 1, "signal", "1 OOM kill in the container"),
        (|r| r.grace_over = true, "grace", "did not end within the grace"),
        (|r| r.limit = Some(Resource::Cpu), "limit", "it hit RLIMIT_CPU"),
        (|r| r.survivors = true, "signal", "some processes could not be killed"),
        (|r| r.linger_over = true, "signal", "remaining processes killed"),
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
    let line =
        "command killed by SIGUSR1; ran for 7.000 s; sexton last sent SIGUSR1 5.200 s earlier; CPU";
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
    assert!(line.starts_with("command could not be killed; ran for"), "{line}");
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
    assert_eq!((report.cause(), report.to_string().as_str()), ("not-started", "unable to \"x\""));
    assert!(report.json().contains(r#""error":"unable to \"x\"""#));
}

#[test]
fn a_limit_that_may_be_the_reason_is_named() {
    let outcome = Some(Outcome::SIGKILLED);
    let record = Record { suspect: Some(Resource::As), unexpected: true, outcome, ..record() };
    let report = record.close(at(1), 137);
    assert!(report.to_string().contains(": perhaps RLIMIT_AS is too small"), "{report}");
    assert_eq!(report.cause(), "signal");
}

#[test]
fn oom_kills_of_others_are_counted() {
    let text = |oom, oom_kills| Record { oom, oom_kills, ..record() }.close(at(1), 0).to_string();
    assert!(!text(Some(Shortage::Own), 1).contains("OOM kills"));
    assert!(text(Some(Shortage::Own), 2).contains("; 2 OOM kills in the container"));
    assert!(text(None, 1).contains("; 1 OOM kill in the container"));
}
