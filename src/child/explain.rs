//! Why the command was not started: which step or file, the kernel's reason, the exit status, and what would help.

#![forbid(unsafe_code)]

use crate::child::messages::Failure;
use crate::child::prepare::Launch;
use crate::child::step::Step;
use crate::sys::{Errno, files, limits, reason};
use crate::text::escape::Quoted;
use crate::values::error::Error;
use crate::values::rlimit::{Limits, Resource};
use crate::values::scheduling::{IoPriority, Scheduler};
use std::ffi::{CStr, CString};

/// Names what the child could not do, and why. Never inlined: `tests/panics.py` knows the loop's end by its name.
#[inline(never)]
#[must_use]
pub fn failure(launch: &Launch, failure: Failure) -> Error {
    let statuses = launch.statuses;
    match failure {
        Failure::Step(index, errno) => match launch.steps.get(index) {
            Some(step) => Error::unable(step, reason(errno)).with_hint(step_hint(step, errno)),
            None => Error::unable("prepare main", reason(errno)),
        }
        .with_status(statuses.fatal),
        Failure::Exec(index, errno) => {
            let path = launch.candidates.get(index).map_or(launch.command(), CString::as_c_str);
            Error::unable(execute(path), reason(errno))
                .with_status(match errno {
                    Errno::ENOENT | Errno::ENOTDIR => statuses.incomplete,
                    Errno::EACCES => statuses.denied,
                    _ => statuses.not_executable,
                })
                .with_hint(exec_hint(errno))
        }
        Failure::NotFound => Error::unable(execute(launch.command()), "command not found")
            .with_status(statuses.not_found)
            .with_hint(launch.hint_if_not_found),
    }
}

/// Why there is no child at all.
#[must_use]
pub fn fork(errno: Errno) -> Error {
    let hint = "a limit on processes is reached: nproc, that of the pids cgroup, or the kernel's (pid_max, threads-max)";
    Error::unable("start a process", reason(errno))
        .with_hint((errno == Errno::EAGAIN).then_some(hint))
}

/// The execution of a file as an action: "unable to ..."
#[must_use]
pub fn execute(path: &CStr) -> String {
    format!("execute {}", Quoted(path))
}

fn exec_hint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            Some("the file is there, but its interpreter or dynamic loader is not")
        }
        Errno::ENOEXEC => Some(
            "built for another machine, or a script without a #! line where there is no /bin/sh",
        ),
        Errno::ENOMEM => Some("the limits as, data or stack may be too small for it"),
        Errno::EAGAIN => Some("the user has more processes than the limit nproc allows"),
        _ => None,
    }
}

/// The hint for a call that Linux grants to everybody.
const REFUSED: &str = "Linux itself refuses it to nobody: a seccomp filter, a security module or another kernel, such as gVisor, did";

/// What would help, where the error says so. A hint names what the kernel asks for in this very case: a limit that is
/// lowered needs no privilege.
fn step_hint(step: &Step, errno: Errno) -> Option<&'static str> {
    const UNMAPPED: &str = "the user namespace has no such ID: see /proc/self/uid_map and gid_map";
    let hint = match (step, errno) {
        (Step::Limit(resource, limits), Errno::EPERM) => limit_hint(*resource, *limits),
        (Step::OomScoreAdj(_), Errno::ENOENT) => {
            "it is set through /proc, which is not mounted, or that of another PID namespace"
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
            "realtime needs CAP_SYS_NICE in the initial user namespace or a limit rtprio, and the cgroup a realtime budget"
        }
        (Step::Scheduler(Scheduler::Other | Scheduler::Batch), Errno::EPERM) => {
            "a process with the policy idle leaves it only with CAP_SYS_NICE in the initial user namespace or a limit nice"
        }
        (Step::Scheduler(Scheduler::Idle), Errno::EPERM) => REFUSED,
        (Step::Nice(_), Errno::EACCES) => {
            "less than the present niceness needs CAP_SYS_NICE in the initial user namespace or a limit nice"
        }
        (Step::Nice(_), Errno::EPERM) => REFUSED,
        (Step::Cpus(_), Errno::EINVAL) => {
            "not all of them are there and in the cpuset; Cpus_allowed_list in /proc/self/status has those of sexton itself"
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
            "it is done as the command's own user, with its capabilities"
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
            "the hard limit nofile ends at /proc/sys/fs/nr_open"
        }
        // Without /proc nothing is known of that end.
        None if raised && resource == Resource::Nofile => {
            "raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace, and nofile ends at fs.nr_open"
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
            steps: vec![Step::ProcessGroup],
            inherited: Inherited::of_init(),
            edits: Edits::default(),
            statuses: Statuses::default(),
            hint_if_not_found: None,
        }
    }

    fn explained(failure: Failure) -> (u8, String) {
        let error = super::failure(&launch(), failure);
        (error.status, error.to_string())
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
            explained(Failure::NotFound),
            (127, "sexton: fatal: unable to execute 'tool': command not found".into())
        );
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
