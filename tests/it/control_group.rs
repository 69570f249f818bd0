//! SPEC 7.5 and 8.1: what the control group has used and what has held it up, in the report and in `--status`.
//! And `--protect`, by which the report survives a kill of the whole group; what takes CAP_SYS_RESOURCE is in
//! `tests/qemu`.

use crate::exit_report::Report;
use crate::harness::{Folder, Setup, probe};
use crate::oom::{Files, Group, behind, unique};
use nix::libc;
use std::fs;
use std::path::Path;

const MOUNT: &str = "/sys/fs/cgroup";

/// A group of v2 with all that Linux 7 has, and sexton in it.
fn newest(name: &str) -> Files {
    let files = Files::new(name, "", "0\n1\n");
    for (file, text) in [
        ("memory.peak", "8388608\n"),
        ("memory.max", "33554432\n"),
        ("cpu.stat", "usage_usec 9\nthrottled_usec 7000000\n"),
        ("cpu.stat.local", "throttled_usec 1500000\n"),
        ("cgroup.stat.local", "frozen_usec 250000\n"),
        ("pids.current", "6\n"),
        ("pids.max", "20\n"),
        ("pids.events", "max 9\n"),
        ("pids.events.local", "max 3\n"),
    ] {
        files.set(file, text);
    }
    files
}

fn remove(files: &Files, names: &[&str]) {
    for name in names {
        fs::remove_file(format!("{}/{name}", files.at())).unwrap();
    }
}

#[test]
fn the_report_has_what_the_group_used_and_what_held_it_up() {
    let reports = Folder::new("group-report");
    let path = reports.at("report");
    let run = |files: &Files| {
        let words = ["-v", "--report", &path, "--", "sh", "-c", "exit 3"];
        let ended = Setup::new(&words).bind(files.folder.path(), MOUNT).run();
        assert_eq!(ended.status, 3, "{ended:?}");
        (Report::read(&path), ended.stderr)
    };
    let files = newest("group-new");
    let (report, line) = run(&files);
    report.expect(&[
        ("cgroup.peak_memory_bytes", "8388608"),
        ("cgroup.memory_limit_bytes", "33554432"),
        ("cgroup.throttled_seconds", "1.5"),
        ("cgroup.frozen_seconds", "0.25"),
        ("cgroup.forks_refused", "3"),
    ]);
    assert!(line.contains("; 3 forks refused by the pids limit; CPU "), "{line}");

    // Linux 4.15 has no more than this.
    remove(&files, &["memory.peak", "cpu.stat.local", "cgroup.stat.local", "pids.events.local"]);
    files.set("memory.max", "max\n");
    let (report, line) = run(&files);
    report.expect(&[
        ("cgroup.peak_memory_bytes", ""),
        ("cgroup.memory_limit_bytes", ""),
        ("cgroup.throttled_seconds", "7.0"),
        ("cgroup.frozen_seconds", ""),
        ("cgroup.forks_refused", "9"),
    ]);
    assert!(line.contains("; 9 forks refused by the pids limit; CPU "), "{line}");

    // Another's group.
    files.set("cgroup.procs", "0\n12\n");
    let (report, line) = run(&files);
    assert!(!format!("{report:?}").contains("cgroup"), "{report:?}");
    assert!(!line.contains("forks"), "{line}");
}

/// What a limit did before has nothing to do with an end that was asked for, or that is a success.
#[test]
fn the_line_of_a_good_end_does_not_speak_of_limits() {
    let files = newest("group-good");
    let setup = |words: &[&str]| Setup::new(words).bind(files.folder.path(), MOUNT);
    let ended = setup(&["-v", "true"]).run();
    assert!(
        ended.stderr.contains("command exited with status 0") && !ended.stderr.contains("forks")
    );
    let mut running = setup(&["-v", &probe(), "sleep"]).start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    let ended = running.end();
    assert!(ended.stderr.contains("; SIGTERM after "), "{ended:?}");
    assert!(!ended.stderr.contains("forks") && !ended.stderr.contains("throttled"), "{ended:?}");
}

#[test]
fn a_stop_that_a_limit_on_cpu_time_held_up_is_explained() {
    let reports = Folder::new("group-stop-report");
    let path = reports.at("report");
    for (file, member, before, after) in [
        ("cpu.stat.local", "throttled_usec", 1_500_000, 2_000_000),
        ("cpu.stat.local", "throttled_usec", 1_500_000, 1_500_500),
        ("cpu.stat", "throttled_usec", 0, 500_000),
    ] {
        let files = newest("group-stop");
        remove(&files, &["cpu.stat.local"]);
        files.set(file, &format!("{member} {before}\n"));
        let words = ["-vv", "--grace=1m", "--report", &path, &probe(), "ignore", "15"];
        let mut running = Setup::new(&words).bind(files.folder.path(), MOUNT).start();
        running.expect("ready");
        running.signal(libc::SIGTERM);
        running.expect_log("phase: stop"); // it has been read
        files.set(file, &format!("{member} {after}\n"));
        // SAFETY: takes integers only; a child of the sexton that this test has started.
        assert_eq!(unsafe { libc::kill(running.children()[0], libc::SIGKILL) }, 0);
        let ended = running.end();
        assert_eq!(ended.status, 137, "{ended:?}");
        let report = Report::read(&path);
        let stop = report.number("phase_seconds.stop");
        let throttled =
            format!("; throttled for 0.500 s (sum of all CPUs) in a stop of {stop:.3} s");
        assert_eq!(ended.stderr.contains(&throttled), after - before == 500_000, "{ended:?}");
        let member = report.number("stop.throttled_seconds");
        assert!((member - (after - before) as f64 / 1e6).abs() < 0.001, "{member}");
    }
}

/// With v1 each controller has a hierarchy of its own: that of memory is the one that sexton looks at.
#[test]
fn of_cgroup_v1_the_memory_is_reported() {
    let reports = Folder::new("group-v1-report");
    let path = reports.at("report");
    let memory = Group::new(&Path::new(MOUNT).join("memory"), &unique("group"));
    for (limit, shown) in [("64M", "67108864"), ("-1", "")] {
        fs::write(format!("{}/memory.limit_in_bytes", memory.path()), limit).unwrap();
        let enter = "echo 0 >\"$0/cgroup.procs\"";
        let ended = behind(enter, memory.path(), &["--report", &path, "true"]).run();
        assert_eq!(ended.status, 0, "{ended:?}");
        let report = Report::read(&path);
        report.expect(&[
            ("cgroup.memory_limit_bytes", shown),
            ("cgroup.throttled_seconds", ""),
            ("cgroup.forks_refused", ""),
        ]);
        assert!(report.number("cgroup.peak_memory_bytes") > 0.0, "{report:?}");
    }
}

/// Before Linux 6.12 the kernel counted the forks that failed in a group, whoever's limit it was.
#[test]
fn status_tells_hits_of_the_limit_from_forks_that_were_refused() {
    let look = |files: &Files, flag: &str| {
        Setup::new(&[flag]).bind(files.folder.path(), MOUNT).run().stdout
    };
    let files = newest("group-status");
    for (file, count, line) in [
        ("pids.events.local", 3, "6 of 20, limit hit 3 times"),
        ("pids.events.local", 1, "6 of 20, limit hit once"),
        ("pids.events.local", 0, "6 of 20, limit hit 0 times"),
        ("pids.events", 9, "6 of 20, 9 forks refused"),
        ("pids.events", 1, "6 of 20, 1 fork refused"),
    ] {
        if file == "pids.events" {
            fs::remove_file(format!("{}/pids.events.local", files.at())).ok();
        }
        files.set(file, &format!("max {count}\n"));
        let table = look(&files, "--status");
        assert!(table.lines().any(|found| found == format!("pids:    {line}")), "{line}: {table}");
        let json = look(&files, "--status=json");
        let member = format!(r#""pids":{{"current":6,"limit":20,"limit_hits":{count}}}"#);
        assert!(json.contains(&member), "{member}: {json}");
    }
}

/// Whether it may is up to the machine: the container's own root may not.
#[test]
fn protect_says_if_it_may_not_and_leaves_the_command_alone() {
    let why = "permission denied (needs CAP_SYS_RESOURCE)";
    for (set, words) in [(false, &["--protect", "-v"][..]), (true, &["-v"]), (false, &["-v"])] {
        let words = [words, &["--", "cat", "/proc/self/oom_score_adj"]].concat();
        let setup = Setup::new(&words).user(1000); // who never has it
        let setup = if set { setup.variable("SEXTON_PROTECT=1") } else { setup };
        let ended = setup.run();
        assert_eq!((ended.status, ended.stdout.trim()), (0, own_score().trim()), "{ended:?}");
        let line = format!(
            "sexton: info: not protected: unable to set sexton's oom_score_adj to -1000: {why}\n"
        );
        let wanted = set || words[0] == "--protect";
        assert_eq!(ended.stderr.contains(&line), wanted, "{ended:?}");
    }
    let quiet = Setup::new(&["--protect", "true"]).user(1000).run();
    assert_eq!((quiet.status, quiet.stderr.as_str()), (0, ""));
    let ended = Setup::new(&["--protect", "-v", "true"]).without_proc().run();
    assert!(
        ended.stderr.contains("oom_score_adj to -1000: no such file or directory"),
        "{ended:?}"
    );
}

fn own_score() -> String {
    fs::read_to_string("/proc/self/oom_score_adj").unwrap()
}
