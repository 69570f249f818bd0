//! Every system call of sexton, failing with every error that its manual page lists and with those of a
//! filter, once and for ever, before the command is started, in the child, and in the loop. Whatever fails: sexton
//! does not panic, ends, keeps the command's status, leaves no child behind, and says what it could not do.
//!
//! `cargo test --test faults` makes each call fail with what a filter gives; with `-- --full` it is all of them,
//! and docs/faults.md is written. `-- --full SCENARIO` is all of one run.

#![allow(
    missing_docs,
    dead_code,
    unused_imports,
    reason = "the harness has more than is used here"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]

mod calls;
#[path = "../it/filter.rs"]
mod filter;
#[path = "../it/harness/mod.rs"]
mod harness;
mod inject;
mod page;
mod scenarios;

use harness::{Folder, Terminal};
use inject::{Fault, Phase, Seen, Site};
use nix::errno::Errno;
use nix::libc;
use scenarios::Scenario;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// One run with one fault.
pub struct Job {
    pub scenario: &'static Scenario,
    pub fault: Fault,
    /// What the run says without a fault.
    usual: Arc<[String]>,
}

/// What came of it.
pub struct Verdict {
    pub result: String,
    /// What sexton must never do.
    pub violation: Option<String>,
}

/// How a run ended.
struct Run {
    /// `None` if it did not end in time.
    status: Option<i32>,
    /// What sexton and the command printed on standard error, or on the terminal.
    said: String,
    seen: Seen,
}

fn run(scenario: &Scenario, fault: Option<&Fault>, worker: usize) -> Run {
    let folder = Folder::new(&format!("faults-{worker}"));
    let mut terminal = scenario.on_terminal.then(Terminal::new);
    let mut running = scenario.setup(&folder, terminal.as_ref()).start();
    let listener = running.listener.take().unwrap();
    let (pid, stop) = (running.pid, AtomicBool::new(false));
    let (ended, seen) = std::thread::scope(|scope| {
        let server = scope.spawn(|| inject::serve(&listener, pid, fault, &stop));
        let ended = catch_unwind(AssertUnwindSafe(|| {
            if let Some(signal) = scenario.signal
                && (!scenario.has_ready_command() || running.next_line().is_some())
            {
                match scenario.with_value {
                    true => running.queue(signal, 5),
                    false => running.signal(signal),
                }
            }
            running.end()
        }));
        stop.store(true, Ordering::Relaxed);
        (ended, server.join().unwrap())
    });
    let (ended, log) = match ended {
        Ok(ended) => (Some((ended.status, ended.stderr)), None),
        Err(panic) => (None, panic.downcast::<String>().ok()),
    };
    let log = log.map_or(String::new(), |log| *log);
    let shown = terminal.as_mut().map(|terminal| terminal.shown().replace('\r', ""));
    let said = shown.unwrap_or_default() + ended.as_ref().map_or(&log, |(_, stderr)| stderr);
    let said = said.replace(folder.path(), "FOLDER");
    Run { status: ended.map(|(status, _)| status), said, seen }
}

/// The text of an errno in the static binary, by musl's strerror(3).
fn reason(errno: Errno) -> String {
    let text = match errno {
        Errno::EADDRINUSE => "address in use",
        Errno::EADDRNOTAVAIL => "address not available",
        Errno::EAGAIN => "resource temporarily unavailable",
        Errno::EBADF => "bad file descriptor",
        Errno::EBUSY => "resource busy",
        Errno::ECHILD => "no child process",
        Errno::EDQUOT => "quota exceeded",
        Errno::EINPROGRESS => "operation in progress",
        Errno::EISCONN => "socket is connected",
        Errno::ELIBBAD => "error 80",
        Errno::ELOOP => "symbolic link loop",
        Errno::EMFILE => "no file descriptors available",
        Errno::EMSGSIZE => "message too large",
        Errno::ENAMETOOLONG => "filename too long",
        Errno::ENETUNREACH => "network unreachable",
        Errno::ENFILE => "too many open files in system",
        Errno::ENOLCK => "no locks available",
        Errno::ENOMEM => "out of memory",
        Errno::ENOPKG => "error 65",
        Errno::ENOTCONN => "socket not connected",
        Errno::ENOTSOCK => "not a socket",
        Errno::ENOTTY => "not a tty",
        Errno::EOPNOTSUPP => "not supported",
        Errno::EOVERFLOW => "value too large for data type",
        Errno::ESPIPE => "invalid seek",
        Errno::ETIMEDOUT => "operation timed out",
        Errno::EUSERS => "error 87",
        _ => errno.desc(),
    };
    text.to_lowercase()
}

/// What sexton said that is no news, with the reason left out if it is the errno's.
fn messages(said: &str, errno: i32) -> Vec<String> {
    let reason = reason(Errno::from_raw(errno));
    let mut lines: Vec<String> = Vec::new();
    for line in said.lines() {
        let told =
            ["sexton: fatal: ", "sexton: warning: ", "sexton: error: ", "dumb-init", "[dumb-init]"];
        if !told.iter().any(|prefix| line.starts_with(prefix)) {
            continue;
        }
        let line = match line.split_once(": command killed by SIGKILL") {
            Some((before, _)) => format!("{before}: (the report)"),
            None => line.replace(&reason, "REASON"),
        };
        let digits = |word: &str| match word.bytes().all(|byte| byte.is_ascii_digit()) {
            true if line.contains("pid") && !word.is_empty() => "N".to_owned(),
            _ => word.to_owned(),
        };
        let line = line.split(' ').map(digits).collect::<Vec<_>>().join(" ");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn judge(job: &Job, run: &Run) -> Verdict {
    let Job { scenario, fault, usual } = job;
    let Run { status, said, seen } = run;
    let mut messages = messages(said, fault.errno);
    messages.retain(|message| !usual.contains(message));
    let told = messages.join("; ");
    let is_fatal = said.contains("fatal: ") || said.contains("dumb-init");
    let as_without = *status == Some(scenario.status);
    // Who is told at once that the time is over asks again at once, until it is; for ever, no signal comes to sexton.
    let time_is_over = (fault.site.call, fault.errno) == ("rt_sigtimedwait", libc::EAGAIN);
    let violation = match *status {
        _ if seen.unknown.is_some() => {
            Some(format!("system call {:?} is not in calls.rs", seen.unknown))
        }
        None => Some("does not end".to_owned()),
        _ if said.contains("panicked") => Some("panics".to_owned()),
        Some(1000..) if fault.site.phase == Phase::Library => None, // the C library's own
        Some(signal @ 1000..) => Some(format!("dies of signal {}", signal - 1000)),
        _ if seen.calls > inject::MOST && !time_is_over => {
            Some(format!("spins: {} calls", seen.calls))
        }
        _ if !seen.left.is_empty()
            && ![" remain", "unable to wait for children"]
                .iter()
                .any(|told| said.contains(told)) =>
        {
            Some(format!("leaves {}", seen.left.join(", ")))
        }
        // Then it is a script without a #! line, as for execvp(3), and the shell does not think so.
        Some(2) if fault.site.call == "execve" && fault.errno == libc::ENOEXEC => None,
        // Whom it was for is gone, as far as sexton can know.
        Some(5)
            if fault.errno == libc::ESRCH
                && ["kill", "rt_sigqueueinfo"].contains(&fault.site.call) =>
        {
            None
        }
        Some(5) if time_is_over => None,
        // What sexton could not send or take, and told, may cost the command its own end.
        Some(status)
            if seen.command_ran
                && status != scenario.status
                && !["unable to ", "exiting, although"].iter().any(|told| said.contains(told)) =>
        {
            Some(format!("main's status is lost: {status}"))
        }
        Some(status) if !seen.command_ran && !as_without => match scenario.has_command() {
            true if !(125..=127).contains(&status) && scenario.name != "dumb-init's place" => {
                Some(format!("status {status} without main"))
            }
            // Nobody can be told, or the child cannot tell sexton.
            _ if !is_fatal && ["write", "sendto"].contains(&fault.site.call) => None,
            _ if !is_fatal && !said.contains("unable to find out") => {
                Some(format!("status {status}, and nothing is told"))
            }
            _ => None,
        },
        Some(_) if scenario.has_command() && scenario.status != 127 && !seen.command_ran => {
            Some("main was not run".to_owned())
        }
        _ => None,
    };
    let result = match (*status, told.is_empty()) {
        (Some(_), true) if as_without => "as without".to_owned(),
        (Some(_), false) if as_without => format!("as without; {told}"),
        (Some(signal @ 1000..), _) => format!("killed by signal {}", signal - 1000),
        (Some(status), _) => format!("{status}; {told}"),
        (None, _) => "does not end".to_owned(),
    };
    Verdict { result, violation }
}

/// What does not pass by itself: filters, limits that are reached, a broken device. A call that is always broken off
/// (EINTR) is one that a debugger always breaks off.
const LASTING: [i32; 8] = [
    libc::EPERM,
    libc::ENOSYS,
    libc::ENOMEM,
    libc::EMFILE,
    libc::EAGAIN,
    libc::ECHILD,
    libc::EIO,
    libc::ENOSPC,
];

/// The faults for one run, out of what it does without any.
fn faults(
    seen: &Seen,
    known: &mut HashSet<Site>,
    known_errors: &mut HashSet<(&'static str, String)>,
    full: bool,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut here = HashSet::new();
    for site in &seen.sites {
        let times = seen.sites.iter().filter(|other| *other == site).count();
        let is_new = match site.phase {
            Phase::Started | Phase::Loop => here.insert(site.clone()),
            _ => known.insert(site.clone()), // these do not depend on what comes later
        };
        if !is_new {
            continue;
        }
        let call = calls::by_name(site.call);
        // In another run it is a filter's error, and the one that may mean something other than that the call failed.
        let telling = [libc::EPERM, libc::EINTR];
        let first = known_errors.insert((site.call, site.detail.clone()));
        let errors: Vec<i32> = match (full, first) {
            (true, true) => call.errors().collect(),
            (true, false) => call.errors().filter(|errno| telling.contains(errno)).collect(),
            (false, _) => vec![libc::EPERM],
        };
        for errno in errors {
            let fault = |after, for_ever| Fault { site: site.clone(), after, errno, for_ever };
            faults.push(fault(0, false));
            if full && site.phase == Phase::Loop && times > 1 {
                faults.push(fault(1, false));
            }
            if LASTING.contains(&errno) {
                faults.push(fault(0, true));
            }
        }
    }
    faults
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let full = arguments.iter().any(|argument| argument == "--full");
    let only =
        arguments.iter().find(|argument| !["--full", "--count"].contains(&argument.as_str()));
    let (mut known, mut known_errors) = (HashSet::new(), HashSet::new());
    let mut jobs = Vec::new();
    for scenario in scenarios::ALL {
        if only.is_some_and(|only| only != scenario.name) {
            continue;
        }
        let plain = run(scenario, None, 0);
        let is_right = plain.status == Some(scenario.status) && plain.seen.left.is_empty();
        assert!(
            is_right,
            "{}: {:?} {} {:?}",
            scenario.name, plain.status, plain.said, plain.seen.left
        );
        let faults = faults(&plain.seen, &mut known, &mut known_errors, full);
        let usual: Arc<[String]> = messages(&plain.said, 0).into();
        jobs.extend(faults.into_iter().map(|fault| Job { scenario, fault, usual: usual.clone() }));
    }
    // A run that does not end is a panic of the harness, and no news here.
    std::panic::set_hook(Box::new(|_| {}));
    let begin = std::time::Instant::now();
    println!("{} runs", jobs.len());
    if arguments.iter().any(|argument| argument == "--count") {
        return;
    }
    let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    const WORKERS: usize = 4;
    const TRIES: usize = 5;
    let missed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 1..=WORKERS {
            let (next, verdicts, jobs, missed) = (&next, &verdicts, &jobs, &missed);
            scope.spawn(move || {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut run = run(job.scenario, Some(&job.fault), worker);
                    // What is made once more or not at all depends on who is quicker.
                    for _ in 0..TRIES {
                        if run.seen.injected || run.status.is_none() {
                            break;
                        }
                        run = crate::run(job.scenario, Some(&job.fault), worker);
                    }
                    if !run.seen.injected && run.status.is_some() {
                        missed.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    let verdict = judge(job, &run);
                    if let Some(violation) = &verdict.violation {
                        let Fault { site, after, errno, for_ever } = &job.fault;
                        let errno = Errno::from_raw(*errno);
                        println!(
                            "{}: {:?} {} ({}) {errno:?} after {after}{}: {violation}; {:?}",
                            job.scenario.name,
                            site.phase,
                            site.call,
                            site.detail,
                            if *for_ever { " for ever" } else { "" },
                            run.said,
                        );
                    }
                    verdicts.lock().unwrap().push((job, verdict));
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    let violations = verdicts.iter().filter(|(_, verdict)| verdict.violation.is_some()).count();
    let missed = missed.into_inner();
    println!("{violations} violations in {} runs, {:?}", verdicts.len(), begin.elapsed());
    println!("{missed} calls were not made again");
    if verdicts.is_empty() {
        std::process::exit(1); // the name of no run
    }
    if full && only.is_none() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
        std::fs::write(path, page::page(&verdicts)).unwrap();
    }
    if violations > 0 {
        std::process::exit(1);
    }
}
