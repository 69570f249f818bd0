//! What sexton does while the command runs: every system call, as strace shows them.

use crate::harness::{Folder, Place, Running, Setup, probe, sexton, sleeps_for_ever, wait_until};
use nix::libc;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// strace, attached to a sexton that waits.
struct Strace {
    child: Child,
    file: String,
}

impl Strace {
    fn attach(running: &Running, folder: &Folder) -> Strace {
        wait_until("sexton is idle", || running.is_idle());
        let file = folder.at("strace");
        let mut child = Command::new("strace")
            .args(["-o", &file, "-p", &running.pid.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed");
        let mut told = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut told).unwrap();
        assert!(told.contains("attached"), "{told}");
        Strace { child, file }
    }

    /// The lines up to sexton's end, one a call.
    fn calls(mut self) -> Vec<String> {
        assert!(self.child.wait().unwrap().success());
        let text = std::fs::read_to_string(&self.file).unwrap();
        // A build with debug assertions looks at each descriptor before it closes it.
        let is_call = |line: &&str| line.contains('(') && !line.contains("F_GETFD");
        text.lines().filter(is_call).map(str::to_owned).collect()
    }
}

fn name(call: &str) -> &str {
    call.split_once('(').map_or(call, |(name, _)| name)
}

/// Before the command can run these calls are made and no others. What else a start needs is done while the command
/// runs.
#[test]
fn the_start_makes_no_call_but_these() {
    let folder = Folder::new("quiet-start");
    let (file, sexton) = (folder.at("strace"), sexton().display().to_string());
    let words = ["-f", "-o", &file, "unshare", "--pid", "--fork", &sexton, "true"];
    let status = Command::new("strace").args(words).status().unwrap();
    assert!(status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(pid, call)| (pid, call.trim()))
        .collect();
    let own = format!("execve(\"{sexton}\"");
    let (init, _) = *lines.iter().find(|(_, call)| call.starts_with(&own)).expect("sexton's exec");
    // A build with debug assertions looks at each descriptor before it closes it.
    let calls = |pid: &str| -> Vec<&str> {
        let own = lines
            .iter()
            .filter(|(by, call)| *by == pid && call.contains('(') && !call.contains("F_GETFD"));
        own.map(|(_, call)| *call).collect()
    };
    let of_init = calls(init);
    let begin = of_init.iter().position(|call| call.starts_with("rt_sigprocmask(SIG_SETMASK, ~[]"));
    let fork = of_init.iter().position(|call| call.starts_with("clone"));
    let fstat = |name| if name == "newfstatat" { "fstat" } else { name }; // glibc's
    let before = &of_init[begin.unwrap()..fork.unwrap()];
    let before: Vec<&str> = before.iter().map(|call| fstat(name(call))).collect();
    let expected = [
        "rt_sigprocmask", // all signals, before anything else
        "getpid",
        "fstat", // standard error
        "clock_gettime",
        "getpid",
        "openat",       // the terminal
        "rt_sigaction", // is SIGCHLD ignored?
        "geteuid",
        "uname",    // may the child share the memory?
        "eventfd2", // if not: for its messages
    ];
    let is_there = |name: &&str| {
        let depends = ["uname", "eventfd2"]; // one of them, or both in turn
        !depends.contains(name) || before.contains(name)
    };
    let expected: Vec<&str> = expected.into_iter().filter(is_there).collect();
    assert_eq!(before, expected, "{of_init:#?}");
    let after =
        of_init[fork.unwrap() + 1..].iter().map(|call| name(call)).find(|name| *name != "<...");
    assert_eq!(after, Some("sched_yield"), "{of_init:#?}");

    let starter = lines[0].0;
    let mut others = lines.iter().map(|(pid, _)| *pid).filter(|pid| ![init, starter].contains(pid));
    let child = others.next_back().unwrap();
    let of_child = calls(child);
    let exec =
        of_child.iter().position(|call| call.starts_with("execve(")).expect("the command's exec");
    let before: Vec<&str> = of_child[..exec].iter().map(|call| name(call)).collect();
    assert_eq!(before, ["setpgid", "rt_sigprocmask"], "{of_child:#?}");
}

/// From a signal that is forwarded to sexton's end, no call but these is made.
#[test]
fn the_end_is_one_wait_one_reaping_and_the_exit() {
    for place in [Place::Init, Place::Child] {
        let folder = Folder::new("quiet-exit");
        let mut running = Setup::new(&[&probe(), "obey"]).place(place).start();
        running.expect("ready");
        let main = running.children();
        let strace = Strace::attach(&running, &folder);
        // The wait that strace has broken off is not always shown; from here on all is.
        running.signal(libc::SIGUSR1);
        running.expect("signal");
        wait_until("sexton waits without a clock", || {
            let call = running.blocked_in();
            call.first() == Some(&(libc::SYS_rt_sigtimedwait as u64)) && call.get(3) == Some(&0)
        });
        // SAFETY: takes integers only; sexton's child in the test's own namespace.
        assert_eq!(unsafe { libc::kill(main[0], libc::SIGHUP) }, 0);
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
        let mut calls = strace.calls();
        let forwarded = calls.iter().position(|call| call.starts_with("kill(")).expect("SIGUSR1");
        calls.drain(..=forwarded);
        // The look at all children that strace has brought about may have been put off until here.
        if calls.first().is_some_and(|call| call.contains("EAGAIN")) {
            let looked = calls.drain(..2).nth(1);
            assert!(
                looked.as_deref().is_some_and(|call| call.starts_with("wait4(-1")),
                "{looked:?}"
            );
        }
        calls.retain(|call| name(call) != "clock_gettime"); // one of the first, which are calls
        let mut names: Vec<&str> = calls.iter().map(|call| name(call)).collect();
        // The count of OOM kills is read once more, where the kernel has one.
        if let Some(at) = calls.iter().position(|call| call.contains("/memory.")) {
            assert_eq!(names[at..at + 3], ["openat", "read", "close"], "{calls:#?}");
            names.drain(at..at + 3);
        }
        let is_not_shared = |name: &&&str| **name != "read" || names.contains(*name);
        let expected = match place {
            Place::Init => &[
                "rt_sigtimedwait", // SIGCHLD
                "wait4",           // the command
                "read", // the command was executed; of an eventfd, if the memory was not shared
                "wait4", // no children
                "kill", // nobody else
                "exit_group",
            ][..],
            Place::Child => &["rt_sigtimedwait", "wait4", "read", "wait4", "exit_group"],
        };
        let expected: Vec<&str> = expected.iter().filter(is_not_shared).copied().collect();
        assert_eq!(names, expected, "{calls:#?}");
    }
}

/// A stop that works makes the same calls as one whose slowness nobody would explain: from SIGTERM to the exit.
#[test]
fn a_fast_stop_makes_no_call_for_the_explanation_of_a_slow_one() {
    let probe = probe();
    for place in [Place::Init, Place::Child] {
        let stop = |flags: &[&str]| {
            let folder = Folder::new("quiet-stop");
            let words = [flags, &[&probe, "sleep"]].concat();
            let mut running = Setup::new(&words).place(place).start();
            running.expect("ready");
            let strace = Strace::attach(&running, &folder);
            running.signal(libc::SIGWINCH); // which the command ignores; from here on all is shown
            wait_until("sexton waits without a clock", || {
                running.has_taken_all() && sleeps_for_ever(running.pid)
            });
            running.signal(libc::SIGTERM);
            let ended = running.end();
            assert_eq!((ended.status % 1000 % 128, ended.stderr.as_str()), (15, ""));
            let calls = strace.calls();
            let is_term = |call: &String| call.contains("= 15 (SIGTERM)");
            let from = calls.iter().position(is_term).expect("SIGTERM is received");
            let mut calls = &calls[from..];
            let mut names = Vec::new();
            while let [call, rest @ ..] = calls {
                // As above, a look at all children that strace has brought about.
                let is_look = call.contains("EAGAIN")
                    && rest.first().is_some_and(|call| call.starts_with("wait4(-1"));
                calls = if is_look { &rest[1..] } else { rest };
                // The first readings of a run are calls, however many there were before SIGTERM.
                if !is_look && name(call) != "clock_gettime" {
                    names.push(name(call).to_owned());
                }
            }
            names
        };
        assert_eq!(stop(&[]), stop(&["--slow-stop-after=0"]));
    }
}

/// Signals are forwarded and orphans are reaped without memory, and no file is opened.
#[test]
fn signals_and_orphans_take_no_memory_and_no_files() {
    for place in [Place::Init, Place::Child] {
        let folder = Folder::new("quiet-work");
        let mut running = Setup::new(&[&probe(), "obey"]).place(place).start();
        running.expect("ready");
        let strace = Strace::attach(&running, &folder);
        for _ in 0..20 {
            running.signal(libc::SIGUSR1);
            running.expect("signal");
            running.signal(libc::SIGUSR2);
            running.expect("orphan");
        }
        wait_until("all orphans are reaped", || running.children().len() == 1 && running.is_idle());
        running.signal(libc::SIGHUP);
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
        let calls = strace.calls();
        let is_hup = |call: &String| call.contains("= 1 (SIGHUP)");
        let until = calls.iter().position(is_hup).expect("SIGHUP is received");
        let work = &calls[..until];
        for call in work {
            let allowed = ["rt_sigtimedwait", "wait4", "kill", "clock_gettime"];
            assert!(allowed.contains(&name(call)), "{call} among {work:#?}");
        }
        let count = |part: &str| work.iter().filter(|call| call.contains(part)).count();
        assert_eq!(count("kill("), 40, "{work:#?}");
        assert!(count("WIFEXITED") >= 20, "{work:#?}");
    }
}
