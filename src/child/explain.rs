//! Why the command was not started: which step or file, the kernel's reason, the exit status, and what would help.

#![forbid(unsafe_code)]

use crate::child::examine;
use crate::child::messages::Failure;
use crate::child::prepare::Launch;
use crate::child::search;
use crate::child::step::Step;
use crate::kernel::cgroup::{self, Usage};
use crate::sys::{Errno, files, limits, process, reason};
use crate::text::escape::Quoted;
use crate::values::capabilities::ROOT;
use crate::values::error::Error;
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use crate::values::scheduling::{IoPriority, Scheduler};
use std::ffi::{CStr, CString};
use std::fmt::Write;

/// Names what the child could not do, and why. Never inlined: `tests/panics.py` knows the loop's end by its name.
#[inline(never)]
#[must_use]
pub fn failure(launch: &Launch, failure: Failure) -> Error {
    let statuses = launch.statuses;
    let (status, message, hint) = match failure {
        Failure::Step(index, errno) => {
            let Some(step) = launch.steps.get(index) else {
                return Error::unable("prepare the command", reason(errno));
            };
            let hint = step_hint(step, errno, launch.inherited.uid);
            (statuses.fatal, format!("unable to {step}: {}", reason(errno)), hint)
        }
        Failure::Exec(index, errno) => {
            let path = launch.candidates.get(index).map_or(launch.command(), CString::as_c_str);
            let mut message = format!("unable to {}: {}", execute(path), reason(errno));
            let hint = not_executed(launch, path, errno, &mut message);
            let status = match errno {
                Errno::ENOENT | Errno::ENOTDIR => statuses.incomplete,
                Errno::EACCES => statuses.denied,
                _ => statuses.not_executable,
            };
            (status, message, hint)
        }
        Failure::NotFound { is_here } => {
            let message = format!("unable to {}: command not found", execute(launch.command()));
            let (message, hint) = not_found(launch, is_here, message);
            (statuses.not_found, message, hint)
        }
    };
    Error::usage(message).with_status(status).with_hint(hint)
}

/// There is no such command. Completes the message; what can be done.
fn not_found<'a>(
    launch: &Launch<'a>,
    is_here: bool,
    mut message: String,
) -> (String, Option<&'a str>) {
    let command = launch.command().to_bytes();
    if !command.is_empty() && !command.contains(&b'/') {
        let path = search::path(&launch.environment);
        message.push_str(if path.is_some() { " in PATH=" } else { ", and PATH is not set: " });
        message.push_str(&String::from_utf8_lossy(path.unwrap_or(search::DEFAULT_PATH)));
    }
    let hint = if command.contains(&b' ') {
        "it is one word with blanks in it: write each argument as a separate word"
    } else if is_here {
        "it is in the working directory: write ./ before the name"
    } else {
        return (message, launch.hint_if_not_found);
    };
    (message, launch.hint_if_not_found.or(Some(hint)))
}

/// The file is there, but an exec of it fails. Completes the message; what can be done.
fn not_executed(
    launch: &Launch,
    path: &CStr,
    errno: Errno,
    message: &mut String,
) -> Option<&'static str> {
    let directory = launch.enter_directory();
    let obstacle = directory.ok().and_then(|()| examine::obstacle(path));
    process::leave_directory();
    if let Some(obstacle) = obstacle
        // A file for another machine may also lack an emulator.
        && [errno, Errno::ENOEXEC].contains(&obstacle.errno)
    {
        write!(message, ": {obstacle}").ok();
        return obstacle.hint;
    }
    let user = launch.user().unwrap_or(launch.inherited.uid);
    let resources: &[Resource] = match errno {
        Errno::ENOMEM => &[Resource::As, Resource::Data],
        Errno::EAGAIN => &[Resource::Nproc],
        _ => &[],
    };
    for resource in resources {
        let most = launch.limit(*resource).soft;
        if most != UNLIMITED {
            write!(message, ": the limit {} is {most}", resource.name()).ok();
        }
    }
    Some(match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            "the file exists, but its interpreter or dynamic loader does not"
        }
        Errno::ENOEXEC => {
            "it is built for another machine, or a script without #! line, and /bin/sh is missing"
        }
        #[cfg(feature = "landlock")]
        Errno::EACCES if launch.steps.iter().any(|step| matches!(step, Step::Confine(..))) => {
            "--fs-exec and --fs-read must allow it, and its interpreter or dynamic loader"
        }
        Errno::EACCES if user != ROOT => {
            "check owner and mode of the file and of the directories above it"
        }
        Errno::ENOMEM => NO_MEMORY,
        Errno::EAGAIN => "the user has more processes than the limit nproc allows",
        _ => return None,
    })
}

/// Why there is no child at all.
#[must_use]
pub fn fork(errno: Errno) -> Error {
    let mut message = format!("unable to start a process: {}", reason(errno));
    let hint = match errno {
        Errno::EAGAIN => match cgroup::pids() {
            Some(Usage { current, limit: Some(limit), .. }) if current >= limit => {
                write!(message, ": the pids cgroup allows {limit}").ok();
                Some("see --pids-limit of docker run, or podPidsLimit of the kubelet")
            }
            _ => Some(
                "a limit on processes is reached: nproc, pids cgroup, or kernel (pid_max, threads-max)",
            ),
        },
        Errno::ENOMEM => Some(NO_MEMORY),
        _ => None,
    };
    Error::usage(message).with_hint(hint)
}

const NO_MEMORY: &str = "the machine or the cgroup is out of memory";

/// The execution of a file as an action: "unable to ..."
#[must_use]
pub fn execute(path: &CStr) -> String {
    format!("execute {}", Quoted(path))
}

/// The hint for a call that Linux grants to everybody.
const REFUSED: &str = "Linux always allows it: \
                       a seccomp filter, a security module or another kernel (gVisor) refused it";

/// What would help, where the error says so. A hint names what the kernel asks for in this very case: a limit that is
/// lowered needs no privilege.
fn step_hint(step: &Step, errno: Errno, own: u32) -> Option<&'static str> {
    const UNMAPPED: &str = "the user namespace has no such ID: see /proc/self/uid_map and gid_map";
    let hint = match (step, errno) {
        (Step::Limit(resource, limits), Errno::EPERM) => limit_hint(*resource, *limits),
        (Step::OomScoreAdj(_), Errno::ENOENT) => {
            "it is set through /proc, which is not mounted or of another PID namespace"
        }
        (Step::OomScoreAdj(value), Errno::EACCES | Errno::EPERM)
            if own_oom_score_adj().is_some_and(|own| i64::from(*value) < own) =>
        {
            "lowering it needs CAP_SYS_RESOURCE in the initial user namespace"
        }
        (Step::IoPriority(IoPriority::Realtime(_)), Errno::EPERM) => {
            "realtime needs CAP_SYS_NICE in the initial user namespace"
        }
        (Step::IoPriority(_), Errno::EPERM) => REFUSED,
        (Step::Scheduler(Scheduler::Fifo(_) | Scheduler::RoundRobin(_)), Errno::EPERM) => {
            "realtime needs CAP_SYS_NICE in the initial user namespace or a limit rtprio, \
             and a realtime budget of the cgroup"
        }
        (Step::Scheduler(Scheduler::Other | Scheduler::Batch), Errno::EPERM) => {
            "leaving the policy idle needs CAP_SYS_NICE in the initial user namespace or a limit nice"
        }
        (Step::Scheduler(Scheduler::Idle), Errno::EPERM) => REFUSED,
        (Step::Nice(_), Errno::EACCES) => {
            "lowering the niceness needs CAP_SYS_NICE in the initial user namespace or a limit nice"
        }
        (Step::Nice(_), Errno::EPERM) => REFUSED,
        (Step::Cpus(_), Errno::EINVAL) => {
            "some do not exist or are outside of the cpuset: see Cpus_allowed_list in /proc/self/status"
        }
        (Step::Groups(_) | Step::Gid(_) | Step::Uid(_) | Step::DropBounding(_), Errno::EPERM)
            if own != ROOT =>
        {
            "sexton is not root: set the user in the engine (USER, --user, runAsUser) or in sexton, not in both"
        }
        (Step::Groups(_), Errno::EPERM) => {
            "it needs CAP_SETGID, and a user namespace that does not deny setgroups"
        }
        (Step::Gid(_), Errno::EPERM) => "it needs CAP_SETGID",
        (Step::Uid(_), Errno::EPERM) => "it needs CAP_SETUID",
        (Step::Groups(_) | Step::Gid(_) | Step::Uid(_), Errno::EINVAL) => UNMAPPED,
        (Step::DropBounding(_), Errno::EPERM) => "it needs CAP_SETPCAP",
        (Step::KeepCapabilities | Step::RaiseAmbient(_), Errno::EPERM) => {
            "a securebit forbids it: see capabilities(7)"
        }
        (Step::RaiseAmbient(_), Errno::EINVAL) => {
            "this kernel has no ambient capabilities: Linux before 4.3, gVisor"
        }
        (Step::Directory(_) | Step::Open(..), Errno::EACCES) => {
            "this step runs as the command's user, with its capabilities"
        }
        _ => return None,
    };
    Some(hint)
}

/// Why a limit is refused with EPERM (setrlimit(2)), by the limits that sexton has: the child had the same.
fn limit_hint(resource: Resource, wanted: Limits) -> &'static str {
    let raised = limits::get(resource).is_ok_and(|present| wanted.hard > present.hard);
    let most = if resource == Resource::Nofile { number(c"/proc/sys/fs/nr_open") } else { None };
    match most {
        Some(most) if wanted.hard > most.unsigned_abs() => {
            "the largest hard limit nofile is in /proc/sys/fs/nr_open"
        }
        // Without /proc nothing is known of that end.
        None if raised && resource == Resource::Nofile => {
            "raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace, \
             and nofile is limited by fs.nr_open"
        }
        _ if raised => "raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace",
        _ => REFUSED,
    }
}

fn own_oom_score_adj() -> Option<i64> {
    number(c"/proc/self/oom_score_adj")
}

/// The number that a file holds.
fn number(path: &CStr) -> Option<i64> {
    std::str::from_utf8(&files::contents(path).ok()??).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::inherited::Inherited;
    use crate::plan::Statuses;
    use crate::values::environment::{Edits, Naming};

    fn launch() -> Launch<'static> {
        Launch {
            argv: &[c"tool"],
            expanded: Vec::new(),
            environment: Vec::new(),
            naming: Naming::default(),
            candidates: vec![c"/a/tool".to_owned(), c"/b/tool".to_owned()].into(),
            directory: None,
            steps: vec![Step::ProcessGroup],
            inherited: Inherited::of_init(),
            edits: Edits::default(),
            statuses: Statuses::default(),
            hint_if_not_found: None,
        }
    }

    fn explained(failure: Failure) -> (u8, String) {
        let error = super::failure(&launch(), failure);
        (error.status(), error.to_string())
    }

    #[test]
    fn each_failure_names_its_object_and_has_its_status() {
        assert_eq!(
            explained(Failure::Step(0, Errno::EPERM)),
            (
                125,
                "sexton: fatal: unable to create a process group: operation not permitted".into()
            )
        );
        assert_eq!(
            explained(Failure::Exec(1, Errno::EACCES)),
            (126, "sexton: fatal: unable to execute '/b/tool': permission denied".into())
        );
        assert_eq!(
            explained(Failure::NotFound { is_here: false }),
            (
                127,
                "sexton: fatal: unable to execute 'tool': command not found, and PATH is not set: /bin:/usr/bin".into()
            )
        );
    }

    #[test]
    fn a_limit_on_memory_is_named() {
        let limits = Limits { soft: 4096, hard: 8192 };
        let steps = vec![Step::Limit(Resource::As, limits)];
        let error = super::failure(&Launch { steps, ..launch() }, Failure::Exec(0, Errno::ENOMEM));
        let expected = format!("{}: the limit as is 4096\n", reason(Errno::ENOMEM));
        assert!(error.to_string().contains(&expected), "{error}");
    }

    #[test]
    fn hints_stand_on_a_line_of_their_own() {
        for errno in [Errno::ENOENT, Errno::ENOEXEC] {
            let (_, text) = explained(Failure::Exec(0, errno));
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(text.contains("\nsexton: hint: "), "{text}");
        }
        let fork = super::fork(Errno::EAGAIN).to_string();
        assert!(fork.contains("start a process") && fork.contains("pids"), "{fork}");
    }
}
