//! SPEC 7.5: the exit report, as JSON and as the termination log of Kubernetes.

use crate::harness::{
    Ended, Folder, Place, Running, Setup, full_pipe, probe, status_field, wait_until,
};
use crate::logging::check_with_python;
use nix::libc;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::time::{Duration, Instant};

const PLACES: [Place; 2] = [Place::Init, Place::Child];

/// A report, each member with its value as JSON; those of an object as `object.member`.
#[derive(Debug)]
pub struct Report(BTreeMap<String, String>);

impl Report {
    /// Reads it, and compares it with its schema, which must describe every member.
    pub fn read(path: &str) -> Report {
        const CHECK: &str = r#"
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
text = sys.stdin.buffer.read().decode()
assert text.endswith("}\n") and text.count("\n") == 1, text
def unique(pairs):
    assert len(pairs) == len(dict(pairs)), pairs
    return dict(pairs)
report = json.loads(text, object_pairs_hook=unique)
jsonschema.validate(report, schema, cls=jsonschema.Draft202012Validator)
assert set(report) <= set(schema["properties"]), report
def tell(prefix, members):
    for name, value in members.items():
        if isinstance(value, dict):
            tell(prefix + name + ".", value)
        else:
            print(prefix + name, json.dumps(value, ensure_ascii=False), sep="\t")
tell("", report)
"#;
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
        let text = std::fs::read(path).unwrap();
        let told = check_with_python(CHECK, &[schema], &text);
        let members = told.lines().map(|line| line.split_once('\t').unwrap());
        Report(members.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A member; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> f64 {
        self.get(name).parse().unwrap_or_else(|_| panic!("{name} is no number in {self:?}"))
    }

    pub fn expect(&self, members: &[(&str, &str)]) {
        for (name, value) in members {
            assert_eq!(self.get(name), *value, "{name} in {self:?}");
        }
    }

    /// What each phase took. They add up to the whole.
    fn phases(&self) -> Vec<(&str, f64)> {
        let phases: Vec<_> = self
            .0
            .keys()
            .filter_map(|name| Some((name.strip_prefix("phase_seconds.")?, self.number(name))))
            .collect();
        // Each is cut off after three digits.
        let rest = self.number("wall_seconds") - phases.iter().map(|(_, took)| took).sum::<f64>();
        assert!(
            (-0.0011..0.001 * phases.len() as f64 + 0.0001).contains(&rest),
            "{rest} in {self:?}"
        );
        phases
    }
}

/// sexton that writes a report into a folder.
fn reporting(folder: &Folder, words: &[&str]) -> Setup {
    let report = format!("--report={}", folder.at("report"));
    Setup::new(&[&[report.as_str()], words].concat())
}

/// Runs it.
fn report_of(setup: Setup, folder: &Folder) -> (Ended, Report) {
    ended_report(setup.start(), folder)
}

fn ended_report(running: Running, folder: &Folder) -> (Ended, Report) {
    let ended = running.end();
    let report = Report::read(&folder.at("report"));
    assert_eq!(report.get("exit_status"), ended.status.to_string(), "{ended:?}");
    report.phases();
    (ended, report)
}

const SELF_STOP: &str = "kill -TERM $PPID; while :; do sleep 1000; done";

#[test]
fn a_time_out_is_reported() {
    let folder = Folder::new("timeout");
    let flags = ["-v", "--timeout=200ms", "--map-exit=124=124"];
    let probe = probe();
    for place in PLACES {
        let words = [&flags[..], &[&probe, "sleep"]].concat();
        let ended = reporting(&folder, &words).place(place).run();
        let report = Report::read(&folder.at("report"));
        report.expect(&[("cause", r#""timeout""#), ("exit_status", "124"), ("stop.signal", "")]);
        assert!((0.2..5.0).contains(&report.number("timeout_after_seconds")), "{report:?}");
        let told = format!("; timeout after {:.3} s", report.number("timeout_after_seconds"));
        assert!(ended.stderr.contains(&told), "{told}: {ended:?}");
        // Those that the command has left behind have no say in its status.
        let has_exited = |timeout: &f64| {
            let flag = format!("--timeout={timeout}s");
            let words = ["-v", &flag, flags[2], "--wait-all", &probe, "leave", "sleep", "7"];
            let ended = reporting(&folder, &words).place(place).run();
            let report = Report::read(&folder.at("report"));
            assert!(report.number("timeout_after_seconds") >= *timeout, "{report:?}");
            let cause = report.get("cause");
            println!("{timeout}: {cause} {ended:?}");
            (cause, ended.status) == (r#""exit""#, 7)
        };
        // On a busy machine the command takes its time.
        assert!([0.2, 1.0, 10.0].iter().any(has_exited));
    }
}

#[test]
fn each_cause_is_reported() {
    let folder = Folder::new("causes");
    let ignoring = "trap '' TERM; kill -TERM $PPID; exec sleep 1000";
    let crashing = "trap 'kill -SEGV $$' TERM; kill -TERM $PPID; while :; do sleep 0.01; done";
    let obeying = "trap 'exit 0' TERM; kill -TERM $PPID; while :; do sleep 0.01; done";
    let escalated = "trap '' TERM; kill -TERM $PPID; while :; do sleep 0.01; done";
    type Members = &'static [(&'static str, &'static str)];
    let cases: [(&str, Members); 9] = [
        (
            "exit 3",
            &[
                ("cause", r#""exit""#),
                ("status", "3"),
                ("exit_status", "3"),
                ("signal", ""),
                ("stop.signal", ""),
            ],
        ),
        (
            SELF_STOP,
            &[
                ("cause", r#""stop""#),
                ("signal", r#""SIGTERM""#),
                ("status", ""),
                ("exit_status", "143"),
                ("core_dumped", "false"),
                ("stop.signal", r#""SIGTERM""#),
                ("stop.uid", "0"),
                ("stop.name", r#""sh""#),
            ],
        ),
        (
            obeying,
            &[
                ("cause", r#""stop""#),
                ("status", "0"),
                ("exit_status", "0"),
                ("stop.signal", r#""SIGTERM""#),
            ],
        ),
        (
            ignoring,
            &[
                ("cause", r#""grace""#),
                ("signal", r#""SIGKILL""#),
                ("exit_status", "137"),
                ("processes_killed", "1"),
            ],
        ),
        (escalated, &[("cause", r#""grace""#), ("signal", r#""SIGKILL""#), ("exit_status", "137")]),
        (
            crashing,
            &[
                ("cause", r#""signal""#),
                ("signal", r#""SIGSEGV""#),
                ("exit_status", "139"),
                ("core_dumped", "false"),
                ("stop.signal", r#""SIGTERM""#),
            ],
        ),
        (
            "kill -KILL $$",
            &[
                ("cause", r#""signal""#),
                ("signal", r#""SIGKILL""#),
                ("oom_killed", "false"),
                ("stop.signal", ""),
            ],
        ),
        ("kill -PIPE $$", &[("cause", r#""signal""#), ("signal", r#""SIGPIPE""#)]),
        (
            "kill -USR1 $PPID; exec sleep 1000",
            &[("cause", r#""signal""#), ("signal", r#""SIGUSR1""#), ("stop.signal", "")],
        ),
    ];
    for place in PLACES {
        for (script, members) in cases {
            // What ends by itself may take its time on a busy machine.
            let is_killed = members.contains(&("cause", r#""grace""#));
            let grace = if is_killed { "--grace=200ms" } else { "--grace=1m" };
            let words = [grace, "--rlimit=core=0", "sh", "-c", script];
            let (_, report) = report_of(reporting(&folder, &words).place(place), &folder);
            report.expect(members);
            report.expect(&[
                ("version", "1"),
                ("command", r#""sh""#),
                ("survivors", "false"),
                ("error", ""),
            ]);
            assert_eq!(report.get("limit"), "", "{report:?}");
            let main = if place == Place::Init { 2.0 } else { report.number("pid") };
            assert!(report.number("pid") == main && main > 1.0, "{report:?}");
            if !report.get("stop.signal").is_empty() {
                assert_eq!(report.number("stop.pid"), main, "{report:?}");
                assert!(report.number("stop.after_seconds") <= report.number("wall_seconds"));
            }
            let killed = report.get("processes_killed");
            assert_eq!(killed.is_empty(), report.get("cause") != r#""grace""#, "{report:?}");
        }
    }
}

/// The command handles a signal that is forwarded, and much later, when it no longer handles it, somebody else kills
/// it so.
#[test]
fn a_signal_that_was_survived_does_not_hide_a_later_death_by_it() {
    let folder = Folder::new("survived");
    let script = "trap 'echo survived; sleep 1.3; trap - USR1; echo later' USR1; echo ready; \
                  while :; do sleep 0.01; done";
    for place in PLACES {
        let mut running = reporting(&folder, &["sh", "-c", script]).place(place).start();
        running.expect("ready");
        running.signal(libc::SIGUSR1);
        running.expect("survived");
        running.expect("later");
        // SAFETY: takes integers only; a child of the sexton that this test has started.
        assert_eq!(unsafe { libc::kill(running.children()[0], libc::SIGUSR1) }, 0);
        let (ended, report) = ended_report(running, &folder);
        assert!(
            ended.stderr.starts_with("sexton: warning: command killed by SIGUSR1; ran for"),
            "{ended:?}"
        );
        assert!(ended.stderr.contains("; sexton last sent SIGUSR1 "), "{ended:?}");
        report.expect(&[("cause", r#""signal""#), ("signal", r#""SIGUSR1""#)]);
        let before = report.number("signal_sent_seconds_before");
        assert!((1.2..30.0).contains(&before), "{report:?}");
    }
}

/// A stop that was obeyed late: a program cleans up, and then sends to itself what asked it to end. That is not bash,
/// which drops a SIGINT that comes when its child has just ended.
#[test]
fn a_signal_after_which_the_command_cleans_up_is_no_warning() {
    let folder = Folder::new("cleans-up");
    for (signal, name) in [(libc::SIGTERM, "TERM"), (libc::SIGINT, "INT")] {
        let script = format!(
            "trap 'sleep 1.3; trap - {name}; kill -{name} $$' {name}; echo ready; while :; do sleep 0.01; done"
        );
        let mut running = reporting(&folder, &["sh", "-c", &script]).start();
        running.expect("ready");
        running.signal(signal);
        let (ended, report) = ended_report(running, &folder);
        assert_eq!((ended.status, ended.stderr.as_str()), (128 + signal, ""), "{name}");
        report.expect(&[("signal_sent_seconds_before", "")]);
    }
}

#[test]
fn a_stop_from_outside_has_no_pid_and_no_name() {
    let folder = Folder::new("outside");
    let mut running = reporting(&folder, &["--map-exit=143=7", &probe(), "sleep"]).start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    let (_, report) = ended_report(running, &folder);
    report.expect(&[
        ("cause", r#""stop""#),
        ("exit_status", "7"),
        ("stop.pid", "0"),
        ("stop.uid", "0"),
        ("stop.name", ""),
    ]);
}

#[test]
fn a_limit_that_the_command_has_hit_is_named() {
    let folder = Folder::new("limits").open_to_all();
    let probe = probe();
    let out = format!("--stdout={}", folder.at("out"));
    let cases: [(&[&str], &str, &str, &str); 4] = [
        (&["--rlimit=cpu=1:5", &probe, "use", "0", "20000"], "SIGXCPU", "cpu", "152"),
        (&["--rlimit=cpu=1:1", &probe, "use", "0", "20000"], "SIGKILL", "cpu", "137"),
        (
            &["--rlimit=fsize=4k", &out, "head", "-c", "9999", "/dev/zero"],
            "SIGXFSZ",
            "fsize",
            "153",
        ),
        (
            &["--rlimit=fsize=4k", "--user=1000", &out, "head", "-c", "9999", "/dev/zero"],
            "SIGXFSZ",
            "fsize",
            "153",
        ),
    ];
    for (words, signal, limit, status) in cases {
        let words = [&["--rlimit=core=0"], words].concat();
        std::fs::remove_file(folder.at("out")).ok();
        let (ended, report) = report_of(reporting(&folder, &words), &folder);
        report.expect(&[
            ("cause", r#""limit""#),
            ("signal", &format!("{signal:?}")),
            ("limit", &format!("{limit:?}")),
            ("exit_status", status),
        ]);
        let told = format!(": it hit RLIMIT_{}; ran for ", limit.to_uppercase());
        assert!(ended.stderr.contains(&told), "{ended:?}");
    }
    // One that was there before sexton.
    let setup = reporting(&folder, &["--rlimit=core=0", &probe, "use", "0", "20000"]);
    let (_, report) = report_of(setup.limit(libc::RLIMIT_CPU as i32, 1, 1), &folder);
    report.expect(&[("cause", r#""limit""#), ("limit", r#""cpu""#), ("signal", r#""SIGKILL""#)]);
    // A SIGKILL that came before the limit, or one that sexton has passed on, is none of it.
    let (_, report) =
        report_of(reporting(&folder, &["--rlimit=cpu=9:9", "sh", "-c", "kill -KILL $$"]), &folder);
    report.expect(&[("cause", r#""signal""#), ("limit", "")]);
    // Nor is one where there is no limit, whoever sent it.
    for script in ["kill -XCPU $PPID; exec sleep 1000", "kill -XCPU $$"] {
        let words = ["--rlimit=core=0", "sh", "-c", script];
        let (_, report) = report_of(reporting(&folder, &words), &folder);
        report.expect(&[("cause", r#""signal""#), ("signal", r#""SIGXCPU""#), ("limit", "")]);
    }
}

#[test]
fn memory_limits_too_small_to_start_with_are_named() {
    let folder = Folder::new("as");
    // The kernel refuses to execute, or kills once it is too late for that.
    for size in ["4k", "100k", "300k", "1M", "2M"] {
        let words = [&format!("--rlimit=as={size}"), "--rlimit=core=0", &probe(), "exit", "0"];
        let (ended, report) = report_of(reporting(&folder, &words), &folder);
        match ended.status {
            126 => {
                report.expect(&[("cause", r#""not-started""#)]);
                assert!(ended.stderr.contains(": the limit as is "), "{ended:?}");
            }
            127 if size.ends_with('M') => {} // the loader's own complaint
            _ => {
                report.expect(&[("cause", r#""signal""#)]);
                let told = "perhaps RLIMIT_AS is too small";
                assert!(ended.stderr.contains(told), "{size}: {ended:?}");
            }
        }
        println!("as={size}: {}", ended.stderr);
    }
}

#[test]
fn a_start_that_failed_is_reported() {
    let folder = Folder::new("not-started");
    folder.file("script", "644", "#!/bin/sh\n");
    let script = folder.at("script");
    let cases: [(&[&str], &str); 5] = [
        (&["/no/such"], "unable to execute '/no/such': command not found"),
        (&[&script], "permission denied"),
        (&["--chdir=/no/such", "true"], "unable to change the working directory"),
        (&["--user=nobody-here", "true"], "nobody-here"),
        (&["--rlimit=nofile=4000000000", "true"], "unable to "),
    ];
    for place in PLACES {
        for (words, error) in cases {
            let (ended, report) = report_of(reporting(&folder, words).place(place), &folder);
            report.expect(&[
                ("cause", r#""not-started""#),
                ("pid", "0"),
                ("signal", ""),
                ("status", ""),
            ]);
            assert!(report.get("error").contains(error), "{report:?}");
            // It is told once.
            assert_eq!(ended.stderr.matches("fatal").count(), 1, "{ended:?}");
            assert!(!ended.stderr.contains("warning"), "{ended:?}");
        }
    }
}

#[test]
fn times_and_memory_are_the_command_s_and_its_children_s() {
    let folder = Folder::new("figures");
    let direct = format!("exec {} use 64 300", probe());
    let by_a_child = format!("{} use 64 300; exit 0", probe());
    for script in [direct, by_a_child] {
        let begin = Instant::now();
        let (_, report) = report_of(reporting(&folder, &["sh", "-c", &script]), &folder);
        let elapsed = begin.elapsed().as_secs_f64();
        let cpu = report.number("user_seconds") + report.number("system_seconds");
        let wall = report.number("wall_seconds");
        println!("wall {wall}, CPU {cpu}, peak {}", report.get("peak_memory_bytes"));
        assert!((0.29..0.6).contains(&cpu) && cpu <= wall + 0.02 && wall <= elapsed, "{report:?}");
        let peak = report.number("peak_memory_bytes") / f64::from(1 << 20);
        assert!((64.0..80.0).contains(&peak), "{report:?}");
    }
}

#[test]
fn orphans_are_counted() {
    let folder = Folder::new("orphans");
    for (place, others) in [(Place::Init, "1"), (Place::Child, "3")] {
        let words = [&probe() as &str, "orphans", "2500", "42", others];
        let (_, report) = report_of(reporting(&folder, &words).place(place), &folder);
        report.expect(&[("orphans_reaped", "2500"), ("cause", r#""exit""#), ("status", "42")]);
    }
}

#[test]
fn killed_processes_are_counted() {
    let folder = Folder::new("killed");
    for place in PLACES {
        // The command, 60 children and 20 grandchildren, at the grace.
        let words = ["--grace=200ms", &probe(), "many", "60", "ignore"];
        let mut running = reporting(&folder, &words).place(place).start();
        running.expect("ready");
        wait_until("the grandchildren are there", || {
            let children = crate::harness::children_of(running.children()[0]);
            let grandchildren = |pid: &i32| crate::harness::children_of(*pid).len();
            children.iter().map(grandchildren).sum::<usize>() == 20
        });
        running.signal(libc::SIGTERM);
        let (_, report) = ended_report(running, &folder);
        report.expect(&[("processes_killed", "81"), ("cause", r#""grace""#)]);
        // What the command leaves behind, at the linger.
        let words = ["--linger=100ms", &probe(), "leave", "ignore", "7"];
        let (_, report) = report_of(reporting(&folder, &words).place(place), &folder);
        report.expect(&[("processes_killed", "1"), ("cause", r#""exit""#), ("status", "7")]);
    }
    // PID 1 cannot count without /proc.
    let words = ["--linger=100ms", &probe(), "leave", "ignore", "7"];
    let (_, report) = report_of(reporting(&folder, &words).without_proc(), &folder);
    report.expect(&[("processes_killed", "")]);
}

#[test]
fn the_phases_add_up_and_each_has_its_time() {
    let folder = Folder::new("phases");
    let names = |report: &Report| -> Vec<String> {
        report.phases().into_iter().map(|(name, _)| name.to_owned()).collect()
    };
    // On a busy machine each may take longer.
    let at_least = |report: &Report, phase: &str, least: f64| {
        let took = report.number(&format!("phase_seconds.{phase}"));
        assert!((least..least + 10.0).contains(&took), "{phase}: {report:?}");
    };
    for place in PLACES {
        let run = |words: &[&str]| report_of(reporting(&folder, words).place(place), &folder).1;
        let report = run(&["sh", "-c", "sleep 0.2"]);
        assert_eq!(names(&report), ["run"]);
        at_least(&report, "run", 0.2);

        let ignoring = "trap '' TERM; sleep 0.1; kill -TERM $PPID; exec sleep 1000";
        let report = run(&["--drain=150ms", "--grace=200ms", "sh", "-c", ignoring]);
        for (phase, from) in [("run", 0.1), ("drain", 0.15), ("stop", 0.2)] {
            at_least(&report, phase, from);
        }

        let report = run(&["--linger=150ms", &probe(), "leave", "ignore", "7"]);
        at_least(&report, "linger", 0.15);

        // The process that is waited for ends some time after the command has.
        let fifo = folder.fifo("fifo");
        let script = format!("(read x <{fifo}; sleep 0.2) & exit 0");
        let mut running =
            reporting(&folder, &["-vv", "--wait-all", "sh", "-c", &script]).place(place).start();
        running.expect_log("phase: wait-all");
        std::fs::write(&fifo, "\n").unwrap();
        let (_, report) = ended_report(running, &folder);
        at_least(&report, "wait-all", 0.2);
        std::fs::remove_file(fifo).unwrap();
    }
}

#[test]
fn the_command_is_text_whatever_its_bytes() {
    let folder = Folder::new("command");
    for name in [&b"we\"ird\\\n\xff\x01"[..], "é\u{1f600}".as_bytes()] {
        let name = OsStr::from_bytes(name);
        let setup = Setup::new(&[OsStr::new("--report"), folder.at("report").as_ref(), name]);
        let (_, report) = report_of(setup, &folder);
        let shown = name.to_string_lossy();
        let command: String = report.get("command").to_owned();
        let expected = shown.replace('\\', "\\\\").replace('"', "\\\"");
        let expected = expected.replace('\n', "\\n").replace('\u{1}', "\\u0001");
        assert_eq!(command, format!("\"{expected}\""));
    }
}

#[test]
fn the_report_is_written_though_sexton_has_lost_the_rights_to_the_file() {
    let folder = Folder::new("rights");
    std::os::unix::fs::chown(folder.path(), Some(4321), Some(4321)).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let setup = reporting(&folder, &["--user=1000", "--termination-log", &probe(), "sleep"]);
    let mut running =
        setup.variable(format!("SEXTON_TERMINATION_LOG={}", folder.at("text"))).start();
    running.expect("ready");
    wait_until("sexton has given up its capabilities", || {
        running.status("CapEff") == "0000000000000020"
    });
    running.signal(libc::SIGTERM);
    let (ended, _) = ended_report(running, &folder);
    assert_eq!((ended.status, ended.stderr.as_str()), (143, ""));
}

#[test]
fn a_report_of_an_earlier_run_is_replaced() {
    let folder = Folder::new("earlier");
    folder.file("report", "644", &"x".repeat(10_000));
    report_of(reporting(&folder, &["true"]), &folder);
    // While the command runs, there is none.
    let mut running = reporting(&folder, &[&probe(), "sleep"]).start();
    running.expect("ready");
    assert_eq!(std::fs::read(folder.at("report")).unwrap(), b"");
}

#[test]
fn the_command_is_not_run_if_the_report_cannot_be_written() {
    let folder = Folder::new("unwritable");
    let fifo = folder.fifo("fifo"); // nobody reads
    for (flag, what) in [("report", "report"), ("termination-log", "termination log")] {
        for path in ["/no/such/file", "/", &fifo] {
            let ended = Setup::new(&[&format!("--{flag}={path}"), "echo", "run"]).run();
            assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
            let told = format!("sexton: fatal: unable to write the {what} '{path}': ");
            assert!(ended.stderr.starts_with(&told), "{ended:?}");
        }
    }
    let closed = folder.file("closed", "600", "");
    let ended = Setup::new(&["--report", &closed, "echo", "run"]).user(1000).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
}

#[test]
fn a_report_that_cannot_be_written_costs_nothing_else() {
    let folder = Folder::new("nobody");
    let fifo = folder.fifo("fifo");
    let open = || {
        let mut options = std::fs::File::options();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&fifo).unwrap()
    };
    let mut reader = open();
    while std::io::Write::write(&mut reader, &[b'-'; 4096]).is_ok() {}
    while std::io::Write::write(&mut reader, b"-").is_ok() {}
    for flag in ["--report", "--termination-log"] {
        for path in ["/dev/full", &fifo] {
            let words = [&format!("{flag}={path}"), "sh", "-c", "exit 42"];
            let begin = Instant::now();
            let ended = Setup::new(&words).run();
            assert_eq!(ended.status, 42, "{ended:?}");
            assert!(begin.elapsed() < Duration::from_secs(5));
            let told = ended.stderr.contains("warning: unable to write the report: ");
            assert_eq!(told, flag == "--report", "{ended:?}");
        }
    }
    // A reader that goes away.
    for flag in ["--report", "--termination-log"] {
        let mut running =
            Setup::new(&[&format!("{flag}={fifo}"), &probe(), "signals", "1", "42"]).start();
        running.expect("ready");
        drop(reader);
        running.signal(libc::SIGUSR1);
        assert_eq!(running.end().status, 42);
        reader = open();
    }
}

#[test]
fn no_descriptor_of_the_report_reaches_the_command() {
    let folder = Folder::new("descriptors");
    let report = format!("--report={}", folder.at("report"));
    let text = format!("--termination-log={}", folder.at("text"));
    let probe = probe();
    let run = |flags: &[&str], bare: bool| {
        let setup = Setup::new(&[flags, &[&probe, "descriptors"]].concat());
        let setup = if bare { setup.closed(&[0, 1, 2]).output_at(9) } else { setup };
        setup.run().stdout
    };
    for bare in [true, false] {
        assert_eq!(run(&[&report, &text], bare), run(&[], bare));
    }
    let setup = Setup::new(&[&report, &text, &probe, "sleep"]);
    let mut running = setup.closed(&[0, 1, 2]).output_at(9).start();
    running.expect("ready");
    wait_until("sexton waits", || running.is_idle());
    let own = running.descriptors();
    let ours = own.iter().filter(|(_, path)| path.starts_with(folder.path())).count();
    assert!(ours == 2 && own.iter().all(|(fd, _)| *fd > 2), "{own:?}");
}

#[test]
fn the_termination_log_keeps_the_command_s_own_text_and_kubernetes_limit() {
    let devices = Folder::new("termination").with_devices();
    let log = devices.file("termination-log", "644", "");
    let run = |script: &str| {
        std::fs::write(&log, "").unwrap();
        let words = ["--termination-log", "--rlimit=core=0", "sh", "-c", script];
        let ended = Setup::new(&words).bind(devices.path(), "/dev").run();
        (ended, std::fs::read_to_string(&log).unwrap())
    };
    let (ended, text) = run("exit 3");
    assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
    assert!(text.starts_with("sexton: command exited with status 3; ran for "), "{text}");
    assert!(text.ends_with("; exit status 3\n") && text.lines().count() == 1, "{text}");

    let own = "echo own text; echo more >&2";
    let (_, text) = run(&format!("({own}) > /dev/termination-log 2>&1; kill -SEGV $$"));
    assert!(
        text.starts_with("own text\nmore\nsexton: command killed by SIGSEGV; ran for "),
        "{text}"
    );

    for length in [3800, 4000, 4050, 4094, 4095, 4096, 5000] {
        let script =
            format!("head -c {length} /dev/zero | tr '\\0' x > /dev/termination-log; exit 3");
        let (ended, text) = run(&script);
        assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
        assert!(text.starts_with(&"x".repeat(length)));
        assert!(text.len() <= length.max(4096), "{}", text.len());
        assert!(text.len() > length || length >= 4095, "{}", text.len());
    }
    std::fs::write(&log, "").unwrap();
    let ended = Setup::new(&["--termination-log", "/no/such"]).bind(devices.path(), "/dev").run();
    assert_eq!(ended.status, 127);
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text, "sexton: unable to execute '/no/such': command not found\n");
}

/// sexton may not signal a command that has made itself another user.
#[test]
fn a_command_that_could_not_be_killed_is_not_said_to_be() {
    fn without_cap_kill() {
        const CAP_KILL: libc::c_int = 5;
        // SAFETY: takes integers only.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0) };
    }
    for place in PLACES {
        let folder = Folder::new("survives");
        let text = format!("--termination-log={}", folder.at("text"));
        let script = "trap '' TERM; echo ready; exec sleep 1000";
        let words = ["--grace=100ms", "--map-exit=signal:KILL=5", &text, "setpriv", "--reuid=33"];
        let words = [&words[..], &["--regid=33", "--clear-groups", "sh", "-c", script]].concat();
        let setup = reporting(&folder, &words).place(place).prepare(without_cap_kill);
        let mut running = setup.start();
        running.expect("ready");
        let main = running.children()[0];
        wait_until("it is executed", || status_field(main, "Name") == "sleep");
        running.signal(libc::SIGTERM);
        running.expect_log("(sleep) remains: sexton may not signal it (CAP_KILL)");
        running.expect_log("warning: command could not be killed; ran for");
        let ended = running.end();
        assert_eq!(ended.status, 137, "{ended:?}");
        assert!(!ended.stderr.contains("killed by"), "{ended:?}");
        let report = Report::read(&folder.at("report"));
        report.expect(&[
            ("cause", r#""grace""#),
            ("ended", "false"),
            ("exit_status", "137"),
            ("signal", ""),
            ("status", ""),
            ("survivors", "true"),
            ("processes_killed", "0"),
        ]);
        let text = std::fs::read_to_string(folder.at("text")).unwrap();
        assert!(text.starts_with("sexton: command could not be killed"), "{text}");
    }
}

#[test]
fn without_kubernetes_there_is_no_termination_log_and_none_is_made() {
    let devices = Folder::new("no-kubernetes").with_devices();
    for place in PLACES {
        let words = ["--termination-log", "sh", "-c", "exit 3"];
        let ended = Setup::new(&words).bind(devices.path(), "/dev").place(place).run();
        assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
        assert!(std::fs::metadata(devices.at("termination-log")).is_err(), "it was made");
    }
    // One that was named is made.
    let folder = Folder::new("named");
    let flag = format!("--termination-log={}", folder.at("text"));
    assert_eq!(Setup::new(&[&flag, "sh", "-c", "exit 3"]).run().status, 3);
    assert!(
        std::fs::read_to_string(folder.at("text")).unwrap().starts_with("sexton: command exited")
    );
}

#[test]
fn the_flags_are_variables_too() {
    let folder = Folder::new("variables");
    let setup = Setup::new(&["sh", "-c", "exit 3"])
        .variable(format!("SEXTON_REPORT={}", folder.at("report")))
        .variable(format!("SEXTON_TERMINATION_LOG={}", folder.at("text")));
    let (_, report) = report_of(setup, &folder);
    report.expect(&[("status", "3")]);
    assert!(
        std::fs::read_to_string(folder.at("text")).unwrap().starts_with("sexton: command exited")
    );
}

#[test]
fn a_full_log_does_not_keep_the_report() {
    let folder = Folder::new("full");
    let (_read, write) = full_pipe();
    let setup = reporting(&folder, &["-vvv", "sh", "-c", "kill -SEGV $$"]).stderr(&write);
    let (_, report) = report_of(setup, &folder);
    report.expect(&[("cause", r#""signal""#)]);
    // SAFETY: takes integers only.
    let flags = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_GETFL) };
    assert_eq!(flags & libc::O_NONBLOCK, 0);
}
