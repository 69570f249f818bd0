//! What is said of the kernel's OOM killer: that it struck, and whose memory had run out. What is not known is not
//! said, and another's control group is never asked.
//!
//! Real kills are in groups of cgroup v1 here, which the machines that this runs on have; those of v2 are by
//! `tests/qemu`, and here with files that say what the kernel's would.

use crate::harness::{Ended, Folder, Running, Setup, example, probe, sexton, wait_until};
use nix::libc;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GLUTTON: &str = "dd if=/dev/zero of=/dev/null bs=100M count=1";
const BLAMED: &str = "sexton: warning: command killed by SIGKILL: kernel OOM killer";

/// A group of cgroup v1 or v2 below the root of its hierarchy, and what a test has made inside of it.
pub struct Group(PathBuf);

impl Group {
    fn memory(name: &str) -> Group {
        Group::new(Path::new("/sys/fs/cgroup/memory"), name)
    }

    /// Of v2, wherever that is mounted.
    fn unified(name: &str) -> Group {
        let hybrid = Path::new("/sys/fs/cgroup/unified");
        Group::new(if hybrid.exists() { hybrid } else { Path::new("/sys/fs/cgroup") }, name)
    }

    pub fn new(hierarchy: &Path, name: &str) -> Group {
        let path = hierarchy.join(name);
        fs::create_dir(&path).unwrap_or_else(|error| panic!("CANNOT RUN: {path:?}: {error}"));
        Group(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// A group inside of it.
    fn inside(&self, name: &str) -> Group {
        Group::new(&self.0, name)
    }

    /// 32 MiB, swap included.
    fn limited(self) -> Group {
        for file in ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"] {
            fs::write(self.0.join(file), "32M").unwrap();
        }
        self
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What was in it may still be on its way out.
        wait_until("the cgroup is left", || fs::remove_dir(&self.0).is_ok());
    }
}

/// A name that no other test and no other run has.
pub fn unique(name: &str) -> String {
    format!("sexton-it-{}-{name}", std::process::id())
}

/// sexton with these arguments, after a script of the shell that it takes the place of; `$0` is a path.
pub fn behind(script: &str, path: &str, words: &[&str]) -> Setup {
    let script = format!("{script} && exec \"$@\"");
    let sexton = sexton();
    let start = ["-c", &script, path, sexton.to_str().unwrap()];
    Setup::program(Path::new("/bin/sh"), &[&start[..], words].concat())
}

const ENTER: &str = "echo 0 >\"$0/cgroup.procs\"";

/// Kills the command from outside; what sexton says of it, and its report.
fn killed(running: Running, report: &str) -> (Ended, String) {
    let main = running.children()[0];
    // SAFETY: takes integers only; the command is a child of a sexton that is there.
    assert_eq!(unsafe { libc::kill(main, libc::SIGKILL) }, 0);
    let ended = running.end();
    assert_eq!(ended.status, 137, "{ended:?}");
    (ended, fs::read_to_string(report).unwrap())
}

#[track_caller]
fn assert_blamed(ended: &Ended, report: &str, why: &str, word: Option<&str>) {
    let line = format!("{BLAMED}{why}; ran for ");
    assert!(ended.stderr.contains(&line), "{line:?} is not in {ended:?}");
    assert!(report.contains(r#""cause":"oom""#), "{report}");
    let member = word.map_or(String::new(), |word| format!(r#","out_of_memory":"{word}""#));
    let members = format!(r#""oom_killed":true,"oom_kills":1{member},"phase_seconds""#);
    assert!(report.contains(&members), "{members} is not in {report}");
}

#[track_caller]
fn assert_not_blamed(ended: &Ended, report: &str) {
    assert!(ended.stderr.contains("command killed by SIGKILL; ran for "), "{ended:?}");
    assert!(!ended.stderr.contains("OOM"), "{ended:?}");
    let members = r#""oom_killed":false,"oom_kills":0,"phase_seconds""#;
    assert!(report.contains(members) && report.contains(r#""cause":"signal""#), "{report}");
}

#[test]
fn a_limit_that_was_hit_is_distinguished_from_that_of_an_outer_group() {
    let folder = Folder::new("oom-real");
    let report = folder.at("report");
    let glutton: Vec<&str> = ["--report", &report].into_iter().chain(GLUTTON.split(' ')).collect();
    let own = Group::memory(&unique("own")).limited();
    let ended = behind(ENTER, own.path(), &glutton).run();
    let text = fs::read_to_string(&report).unwrap();
    assert_blamed(&ended, &text, " (memory limit hit)", Some("own-limit"));

    let outer = Group::memory(&unique("outer")).limited();
    let inner = outer.inside("inner");
    let ended = behind(ENTER, inner.path(), &glutton).run();
    let text = fs::read_to_string(&report).unwrap();
    let why = " (memory limit of an outer group hit, or machine out of memory)";
    assert_blamed(&ended, &text, why, Some("limit-above-or-machine"));
}

/// `tests/window` has the cases: OOM kills, other kills and signals before sexton's first count and after it.
/// Here each is in each of three places; `tests/window.sh` runs them many times.
#[test]
fn each_case_before_and_after_the_first_count_is_reported_as_far_as_it_is_known() {
    let window = example("window", "tests/window/main.rs");
    let output = Command::new(window).arg("3").env("SEXTON", sexton()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// In a cgroup namespace over the host's mount a group's name is that of another one, seen from the mount's root.
#[test]
fn a_group_of_the_same_name_is_not_asked() {
    let folder = Folder::new("oom-namesake");
    let report = folder.at("report");
    let name = unique("namesake");
    let namesake = Group::memory(&name).limited();
    let root = Group::memory(&unique("root"));
    let own = root.inside(&name);
    // The root of the namespace is where the process is that makes it.
    let script = format!(
        "{ENTER} && exec unshare --cgroup sh -c 'echo 0 >\"$0/{name}/cgroup.procs\" && exec \"$@\"' \"$0\""
    );
    let script = script + " \"$@\"; :";
    let mut running =
        behind(&script, root.path(), &["--report", &report, &probe(), "sleep"]).start();
    running.expect("ready");
    wait_until("sexton has counted", || running.is_idle());
    let seen = fs::read_to_string(format!("/proc/{}/cgroup", running.pid)).unwrap();
    assert!(seen.contains(own.path().strip_prefix("/sys/fs/cgroup/memory").unwrap()), "{seen}");
    let script = format!("{ENTER} && exec {GLUTTON}");
    let other = Command::new("sh").args(["-c", &script, namesake.path()]).output().unwrap();
    assert!(!other.status.success(), "the OOM killer has not struck there: {other:?}");
    let counted = fs::read_to_string(namesake.0.join("memory.oom_control")).unwrap();
    assert!(counted.contains("oom_kill 1\n"), "{counted}");
    let (ended, text) = killed(running, &report);
    assert_not_blamed(&ended, &text);
}

/// The kernel's files for a group of v2, as a test wants them.
pub struct Files {
    pub folder: Folder,
    group: String,
}

impl Files {
    /// At this path below what is seen as `/sys/fs/cgroup`, or in place of that itself.
    pub fn new(name: &str, group: &str, processes: &str) -> Files {
        let files = Files { folder: Folder::new(name), group: group.to_owned() };
        files.set("cgroup.procs", processes);
        files.count(7, 7, 7);
        files
    }

    pub fn set(&self, name: &str, text: &str) {
        let path = PathBuf::from(format!("{}/{name}", self.at()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn at(&self) -> String {
        format!("{}{}", self.folder.path(), self.group)
    }

    fn count(&self, hits: u64, own_hits: u64, kills: u64) {
        self.count_in(".", hits, own_hits, kills);
    }

    /// For another group, by its path from this one.
    fn count_in(&self, group: &str, hits: u64, own_hits: u64, kills: u64) {
        let text = |hits| format!("low 0\nhigh 0\nmax 9\noom {hits}\noom_kill {kills}\n");
        self.set(&format!("{group}/memory.events"), &text(hits));
        self.set(&format!("{group}/memory.events.local"), &text(own_hits));
    }

    /// sexton as PID 1, which sees them, and a command that sleeps.
    fn start(&self, report: &str) -> Running {
        let words = ["--report", report, &probe(), "sleep"];
        let mut running = Setup::new(&words).bind(self.folder.path(), "/sys/fs/cgroup").start();
        running.expect("ready");
        wait_until("sexton has counted", || running.is_idle());
        running
    }
}

#[test]
fn of_cgroup_v2_it_is_said_whose_limit_was_hit() {
    let reports = Folder::new("oom-v2-report");
    let report = reports.at("report");
    for (hits, why, word) in [
        (8, " (memory limit hit)", "own-limit"),
        // The group's own mount shows nothing above it.
        (
            7,
            " (memory limit of an outer group hit, or machine out of memory)",
            "limit-above-or-machine",
        ),
    ] {
        let files = Files::new("oom-v2", "", "0\n1\n");
        let running = files.start(&report);
        files.count(hits, hits, 8);
        let (ended, text) = killed(running, &report);
        assert_blamed(&ended, &text, why, Some(word));
    }
}

/// As engines mount v1, its root is the group. The root of all has a `release_agent`, and there the name counts.
#[test]
fn of_cgroup_v1_the_group_at_the_root_is_the_own_one_of_pid_1() {
    let reports = Folder::new("oom-v1-report");
    let report = reports.at("report");
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = groups.lines().find_map(|line| line.split_once(":memory:")).expect("a group of v1").1;
    for is_root_of_all in [false, true] {
        let [mut root, mut named] = ["", own].map(|group| format!("memory{group}/"));
        let files = Files::new("oom-v1", "", "");
        fs::remove_file(files.folder.at("memory.events")).unwrap();
        if is_root_of_all {
            files.set("memory/release_agent", "");
            (root, named) = (named, root);
        }
        // The other one would not be the own one.
        for (group, processes) in [(named, ""), (root.clone(), "1\n")] {
            files.set(&format!("{group}cgroup.procs"), processes);
            files.set(&format!("{group}memory.oom_control"), "under_oom 0\noom_kill 7\n");
        }
        let running = files.start(&report);
        files.set(&format!("{root}memory.oom_control"), "under_oom 0\noom_kill 8\n");
        let (ended, text) = killed(running, &report);
        assert_blamed(&ended, &text, "", None);
    }
}

/// What sexton sees at the mount's root counts, but is another's.
#[test]
fn of_cgroup_v2_a_group_that_sexton_is_not_in_is_not_asked() {
    let reports = Folder::new("oom-other-report");
    let report = reports.at("report");
    for processes in ["", "0\n", "0\n12\n11\n", "21"] {
        let files = Files::new("oom-other", "", processes);
        let running = files.start(&report);
        files.count(8, 8, 8);
        let (ended, text) = killed(running, &report);
        assert_not_blamed(&ended, &text);
    }
}

/// A path that leads out of the cgroup namespace is joined to nothing.
#[test]
fn a_group_outside_of_the_namespace_is_not_looked_for_by_its_name() {
    let folder = Folder::new("oom-outside");
    let (report, log) = (folder.at("report"), folder.at("strace"));
    let name = unique("outside");
    let (root, outside) = (Group::unified(&unique("ns")), Group::unified(&name));
    let script = format!(
        "{ENTER} && exec unshare --cgroup sh -c 'echo 0 >{}/cgroup.procs && cat /proc/self/cgroup && exec \"$@\"' \
         \"$0\" strace -qq -f -e trace=%file -o {log} \"$@\"; :",
        outside.path()
    );
    let ended =
        behind(&script, root.path(), &["--report", &report, "sh", "-c", "kill -9 $$"]).run();
    assert!(ended.stdout.contains(&format!("0::/../{name}\n")), "{ended:?}");
    let calls = fs::read_to_string(&log).unwrap();
    assert!(calls.contains("\"/sys/fs/cgroup"), "{calls}");
    assert!(!calls.contains("/../"), "{calls}");
    assert_not_blamed(&ended, &fs::read_to_string(&report).unwrap());
}

/// sexton's own group below two that are there, and the root of all, which has no counts.
#[test]
fn a_machine_without_memory_is_distinguished_from_the_limit_of_a_group_above() {
    let reports = Folder::new("oom-machine-report");
    let report = reports.at("report");
    let name = unique("above");
    let above = Group::unified(&name);
    let own = above.inside("own");
    for (hits_above, why, word) in [
        (0, " (machine out of memory)", "machine"),
        (
            3,
            " (memory limit of an outer group hit, or machine out of memory)",
            "limit-above-or-machine",
        ),
    ] {
        let files = Files::new("oom-machine", &format!("/{name}/own"), "1\n");
        files.count_in("..", 90, hits_above, 90);
        let script = format!("{ENTER} && mount --bind {} /sys/fs/cgroup", files.folder.path());
        let words = ["--report", &report, &probe(), "sleep"];
        let mut running = behind(&script, own.path(), &words).start();
        running.expect("ready");
        wait_until("sexton has counted", || running.is_idle());
        files.count(7, 7, 8);
        let (ended, text) = killed(running, &report);
        assert_blamed(&ended, &text, why, Some(word));
    }
}

/// Some programs move themselves, and their init with them, into a group below. What is counted above is then that of
/// others, too.
#[test]
fn a_group_that_sexton_has_been_moved_from_is_not_asked() {
    let reports = Folder::new("oom-moved-report");
    let report = reports.at("report");
    let files = Files::new("oom-moved", "", "1\n");
    let running = files.start(&report);
    files.set("cgroup.procs", "");
    files.count(8, 8, 8);
    let (ended, text) = killed(running, &report);
    assert_not_blamed(&ended, &text);
}

#[test]
fn a_limit_that_was_hit_once_stands_for_one_kill() {
    let reports = Folder::new("oom-two-report");
    let report = reports.at("report");
    let files = Files::new("oom-two", "", "1\n");
    let script = "(sleep 1000 & echo orphan $!) ; exec sleep 1000";
    let words = ["--report", &report, "sh", "-c", script];
    let mut running = Setup::new(&words).bind(files.folder.path(), "/sys/fs/cgroup").start();
    running.line();
    wait_until("there are main and an orphan", || running.children().len() == 2);
    wait_until("sexton has counted", || running.is_idle());
    let orphan = running.children()[1];
    files.count(8, 8, 9);
    // SAFETY: takes integers only; the orphan is a child of a sexton that is there.
    assert_eq!(unsafe { libc::kill(orphan, libc::SIGKILL) }, 0);
    running.expect_log("killed: kernel OOM killer");
    let (ended, text) = killed(running, &report);
    let line = format!("{BLAMED} (memory limit of an outer group hit, or machine ");
    assert!(ended.stderr.contains(&line), "{ended:?}");
    assert!(text.contains(r#""oom_kills":2,"out_of_memory":"limit-above-or-machine""#), "{text}");
}

#[test]
fn status_shows_the_own_group_or_none() {
    for (processes, memory) in
        [("1\n", r#"{"current":4096,"limit":8192,"oom_kills":7}"#), ("0\n2\n", "null")]
    {
        let files = Files::new("oom-status", "", processes);
        files.set("memory.current", "4096\n");
        files.set("memory.max", "8192\n");
        let setup = Setup::new(&["--status=json"]).bind(files.folder.path(), "/sys/fs/cgroup");
        let ended = setup.run();
        assert!(ended.stdout.contains(&format!(r#""memory":{memory},"#)), "{ended:?}");
    }
}
