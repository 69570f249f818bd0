//! `docs/seccomp/sexton.json`: the system calls that sexton makes, and no others. Here any other call ends the
//! process: so a call that the profile lacks fails a test, and so does one that it has for nothing.

use crate::filter::{self, Allowed};
use crate::harness::{Folder, Place, Setup, Terminal, sexton};
use crate::old_kernels::forget_newer_calls;
use nix::libc;
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

/// What sexton is put to.
struct Scenario {
    name: &'static str,
    setup: fn(&Stage) -> Setup,
    status: i32,
    /// Calls that it takes.
    takes: &'static str,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "PID 1 forwards a signal, reaps an orphan, and ends as main does",
        setup: |stage| stage.run(&[], &["b", "o", "k10", "a10", "7"]),
        status: 7,
        takes: "arch_prctl set_tid_address execve exit_group rt_sigprocmask getpid clock_gettime \
                rt_sigaction geteuid openat read close clone setpgid sched_yield close_range chdir \
                capget capset madvise rt_sigtimedwait wait4 kill",
    },
    Scenario {
        name: "a subreaper signals its whole tree",
        setup: |stage| {
            stage.run(&["--forward-to=all"], &["b", "r", "k10", "a12", "7"]).place(Place::Child)
        },
        status: 7,
        takes: "prctl readlink getdents64 pidfd_open pidfd_send_signal",
    },
    Scenario {
        name: "PID 1 kills what main leaves behind",
        setup: |stage| stage.run(&["--linger=100ms"], &["b", "d", "7"]),
        status: 7,
        takes: "kill",
    },
    Scenario {
        name: "PID 1 waits for what an engine started",
        setup: |stage| {
            let until_waited_for =
                "echo entered; until readlink /proc/1/fd/* | grep -q signalfd; do :; done";
            stage.run(&["--wait-all"], &["7"]).foreign(until_waited_for)
        },
        status: 7,
        takes: "pidfd_open signalfd4",
    },
    Scenario {
        name: "a value is forwarded, and everything is told",
        setup: |stage| stage.run(&["-vvv", "--warn-on-reap"], &["b", "o", "q34", "a34", "7"]),
        status: 7,
        takes: "rt_sigqueueinfo fstat write waitid",
    },
    Scenario {
        name: "a value is forwarded to a group",
        setup: |stage| stage.run(&["--forward-to=group"], &["b", "q34", "a34", "7"]),
        status: 7,
        takes: "pidfd_open pidfd_send_signal",
    },
    Scenario {
        name: "without /proc the log still does not block",
        setup: |stage| stage.run(&["-v"], &["7"]).without_proc(),
        status: 7,
        takes: "pwritev2",
    },
    Scenario {
        name: "the same before Linux 6.4",
        setup: |stage| {
            let setup = stage.run(&["-v"], &["7"]).without_proc();
            setup.failing(libc::SYS_pwritev2, None, libc::ENOSYS)
        },
        status: 7,
        takes: "pipe2 splice",
    },
    Scenario {
        name: "and where a filter denies both",
        setup: |stage| {
            let setup = stage.run(&["-v"], &["7"]).without_proc();
            let setup = setup.failing(libc::SYS_pwritev2, None, libc::EPERM);
            setup.failing(libc::SYS_splice, None, libc::EPERM)
        },
        status: 7,
        takes: "poll",
    },
    Scenario {
        name: "no descriptor of sexton's own is one of the first three",
        setup: |stage| stage.run(&["--umask=077"], &["7"]).closed(&[0]),
        status: 7,
        takes: "fcntl umask",
    },
    Scenario {
        name: "a command that is not there",
        setup: |_| Setup::new(&["--", "no-such-command"]),
        status: 127,
        takes: "access",
    },
    Scenario {
        name: "another user, with capabilities",
        setup: |stage| {
            let flags = ["--user=1000", "--cap-drop=chown", "--cap-ambient=net_bind_service"];
            stage.run(&flags, &["7"])
        },
        status: 7,
        takes: "eventfd2 setgroups getgroups setresgid setresuid fchown ioctl capset prctl",
    },
    Scenario {
        name: "a user of a large database",
        setup: |stage| {
            let passwd = "x:x:1:1::/:/\n".repeat(20_000) + "app:x:1000:1000::/:/\n";
            let file = stage.folder.file("passwd", "644", &passwd);
            stage.run(&["--user=app"], &["7"]).bind(file, "/etc/passwd")
        },
        status: 7,
        takes: "mmap munmap",
    },
    Scenario {
        name: "limits, scheduling, streams",
        setup: |stage| {
            let flags = "--rlimit=core=0 --rlimit=nofile=100:max --nice=5 --sched=batch --ionice=idle --cpus=0 \
                         --umask=077 --oom-score-adj=500 --chdir=/ --stdin=/dev/null --stdout=/dev/null \
                         --stderr=/dev/null --close-fds --no-new-privs --setsid --pdeathsig=TERM";
            stage.run(&flags.split(' ').collect::<Vec<_>>(), &["7"])
        },
        status: 7,
        takes: "prlimit64 setpriority sched_setscheduler ioprio_set sched_setaffinity sched_getaffinity umask dup2 \
                setsid getppid",
    },
    Scenario {
        name: "confinement",
        setup: |stage| stage.run(&["--fs-write=/", "--tcp-bind=1", "--scope=signal"], &["7"]),
        status: 7,
        takes: "landlock_create_ruleset landlock_add_rule landlock_restrict_self openat fstat close",
    },
    Scenario {
        name: "a terminal, and main stops",
        setup: |stage| {
            let terminal = &stage.terminal.program;
            stage.run(&[], &["s", "7"]).terminal(terminal).place(Place::Child)
        },
        status: 7,
        takes: "getsid getpgid ioctl rt_sigpending",
    },
    Scenario {
        name: "a terminal for a session of its own",
        setup: |stage| stage.run(&["--setsid"], &["7"]).terminal(&stage.terminal.program),
        status: 7,
        takes: "setsid ioctl",
    },
    Scenario {
        name: "a syslog daemon by UDP",
        setup: |stage| stage.run(&["-v", "--log-to=udp://127.0.0.1:9"], &["7"]),
        status: 7,
        takes: "socket sendto uname",
    },
    Scenario {
        name: "a syslog daemon by TCP",
        setup: |stage| stage.run(&["-v", "--log-to=tcp://127.0.0.1:9"], &["7"]),
        status: 7,
        takes: "connect",
    },
    Scenario {
        name: "systemd is asked to listen to the command",
        setup: |stage| {
            let socket = format!("NOTIFY_SOCKET={}", stage.folder.at("nobody"));
            stage.run(&["--notify-access"], &["7"]).variable(socket)
        },
        status: 7,
        takes: "socket sendto",
    },
    Scenario {
        name: "files for the report",
        setup: |stage| {
            let report =
                format!("--report={}", stage.folder.file("report", "644", "an earlier one"));
            let text = format!("--termination-log={}", stage.folder.at("text"));
            stage.run(&[&report, &text], &["7"])
        },
        status: 7,
        takes: "write ftruncate fcntl",
    },
    Scenario {
        name: "a look inside",
        setup: |stage| {
            stage.run(&[], &["z", "x", sexton().to_str().unwrap(), "--status", "--check"])
        },
        status: 1,
        takes: "nanosleep",
    },
    Scenario {
        name: "a table of what is inside",
        setup: |stage| stage.run(&[], &["x", sexton().to_str().unwrap(), "--status"]),
        status: 0,
        takes: "ioctl stat",
    },
    Scenario {
        name: "what would be done",
        setup: |stage| Setup::new(&["--dry-run", "--", "./main"]).directory(stage.folder.path()),
        status: 0,
        takes: "access fstat getcwd lseek stat statfs",
    },
];

/// What the profile has for other machines: the C library's calls on aarch64.
const ELSEWHERE: [&str; 5] = ["dup3", "faccessat", "newfstatat", "ppoll", "readlinkat"];

/// What a build takes besides that is linked to the GNU C library, and is no static program.
const GNU: &str = "brk clock_nanosleep faccessat2 getpgrp getrandom mprotect newfstatat pread64 rseq set_robust_list \
                   sigaltstack";

/// What such a build does without.
const NOT_GNU: &str = "stat fstat getpgid nanosleep";

/// What the dynamic loader cannot do without.
const LOADER: &str = "access fstat munmap openat";

/// What is not there in a container that denies it, or is of no use there: each alone, sexton does its work without.
const DISPENSABLE: &str = "access capget capset chdir clock_gettime close_range connect fchown fstat getcwd getpgid \
                           getsid lseek madvise munmap openat pipe2 poll pwritev2 rt_sigpending sched_yield sendto \
                           socket splice stat statfs uname waitid";

/// Where scenarios are played.
struct Stage {
    folder: Folder,
    /// Main: see `seccomp_command.c`.
    main: String,
    terminal: Terminal,
    allowed: Vec<(String, Allowed)>,
    is_static: bool,
}

impl Scenario {
    fn takes(&self, name: &str) -> bool {
        names(self.takes).any(|taken| taken == name)
    }
}

fn names(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split_ascii_whitespace()
}

impl Stage {
    fn new(name: &str) -> Stage {
        let folder = Folder::new(name);
        let main = folder.at("main");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/seccomp_main.c");
        let compiler = Command::new("cc")
            .args([
                "-static",
                "-nostdlib",
                "-ffreestanding",
                "-fno-pie",
                "-no-pie",
                "-fno-stack-protector",
            ])
            .args(["-Wall", "-Wextra", "-Werror", "-Os", "-o", &main, source])
            .status();
        assert!(compiler.expect("cc").success(), "{source} does not compile");
        let binary = std::fs::read(sexton()).unwrap();
        let is_static = !binary.windows(9).any(|bytes| bytes == b"/ld-linux");
        let mut profile = profile();
        if !is_static {
            profile.extend(names(GNU).map(|name| (name.to_owned(), 0)));
        }
        let numbers = numbers();
        let allowed = profile.into_iter().filter_map(|(name, without)| {
            let call = *numbers.get(&name)?;
            Some((name, Allowed { call, without }))
        });
        Stage { folder, main, terminal: Terminal::new(), allowed: allowed.collect(), is_static }
    }

    /// sexton with these flags, and what the command does.
    fn run(&self, flags: &[&str], actions: &[&str]) -> Setup {
        Setup::new(&[flags, &["--", &self.main], actions].concat())
    }

    /// Plays a scenario under the profile less a name; sexton's status, if it came to one.
    fn play(
        &self,
        scenario: &Scenario,
        less: &str,
        change: impl FnOnce(Setup) -> Setup,
    ) -> Option<i32> {
        let allowed = self.allowed.iter().filter(|(name, _)| name != less);
        let filter = filter::only(allowed.map(|(_, allowed)| *allowed));
        let setup = (scenario.setup)(self).filter(filter).limit(libc::RLIMIT_CORE as i32, 0, 0);
        catch_unwind(AssertUnwindSafe(|| change(setup).run().status)).ok()
    }
}

/// The profile: each name, and the bits that must not be set in the first argument.
fn profile() -> Vec<(String, u32)> {
    let text = document("seccomp/sexton.json");
    let mut profile = Vec::new();
    for group in text.split(r#""comment": ""#).skip(1) {
        let (_, names) = group.split_once(r#""names": ["#).unwrap();
        let (names, rest) = names.split_once(']').unwrap();
        let value = rest.split_once(r#""value": "#).map(|(_, value)| value);
        let without = value.map_or(0, |value| value.split_once(',').unwrap().0.parse().unwrap());
        if !group.starts_with("the runtime") {
            let names = names.split(',').map(|name| name.trim().trim_matches('"'));
            profile.extend(names.map(|name| (name.to_owned(), without)));
        }
    }
    assert!(profile.len() > 50, "{profile:?}");
    profile
}

/// The numbers of this machine's system calls.
fn numbers() -> HashMap<String, u32> {
    let flags = ["-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"];
    let output = Command::new("cc").args(flags).output().expect("cc");
    let text = String::from_utf8(output.stdout).unwrap();
    let define = |line: &str| {
        let (name, number) = line.strip_prefix("#define __NR_")?.split_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    text.lines().filter_map(define).collect()
}

/// A file in docs.
fn document(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn no_other_call_is_made() {
    let stage = Stage::new("seccomp-all");
    for scenario in SCENARIOS {
        let status = stage.play(scenario, "", |setup| setup);
        assert_eq!(status, Some(scenario.status), "{}", scenario.name);
    }
}

/// Without any one of them, some scenario comes to another end.
#[test]
fn no_call_is_allowed_without_need() {
    let stage = Stage::new("seccomp-each");
    let mut left: BTreeSet<String> = profile().into_iter().map(|(name, _)| name).collect();
    left.retain(|name| !ELSEWHERE.contains(&name.as_str()));
    for scenario in SCENARIOS {
        for name in names(scenario.takes) {
            left.remove(name);
            if stage.is_static || !names(NOT_GNU).any(|other| other == name) {
                let status = stage.play(scenario, name, |setup| setup);
                assert_ne!(status, Some(scenario.status), "{} without {name}", scenario.name);
            }
        }
    }
    assert_eq!(left, BTreeSet::new(), "nothing shows what these are for");
}

/// What does not need a pidfd, as Linux before 5.3 has none.
#[test]
fn calls_that_replace_newer_ones_are_allowed() {
    let stage = Stage::new("seccomp-old");
    for scenario in SCENARIOS.iter().filter(|scenario| !scenario.takes("pidfd_open")) {
        let status = stage.play(scenario, "", forget_newer_calls);
        assert_eq!(status, Some(scenario.status), "{}", scenario.name);
    }
}

#[test]
fn calls_that_are_dispensable_may_be_denied() {
    let stage = Stage::new("seccomp-denied");
    for name in names(DISPENSABLE) {
        if !stage.is_static && names(LOADER).any(|other| other == name) {
            continue; // .ci/run tries it with the static binary
        }
        let scenario = SCENARIOS.iter().find(|scenario| scenario.takes(name)).unwrap();
        let (_, Allowed { call, .. }) =
            *stage.allowed.iter().find(|(allowed, _)| allowed == name).unwrap();
        let deny = |setup: Setup| setup.failing(call.into(), None, libc::EPERM);
        let status = stage.play(scenario, "", deny);
        assert_eq!(status, Some(scenario.status), "{}, {name} denied", scenario.name);
    }
}

#[test]
fn the_documentation_names_the_same_calls() {
    let text = document("security.md");
    let (_, section) = text.split_once("\n## System calls\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: BTreeSet<String> = rows
        .flat_map(|row| row.split(" | ").next().unwrap().split(' '))
        .map(|name| name.trim_matches(|c| c == '`' || c == ',').to_owned())
        .collect();
    assert_eq!(named, profile().into_iter().map(|(name, _)| name).collect());
}
