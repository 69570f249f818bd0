//! What main was to be started with, and the explanation if it could not be.

#![forbid(unsafe_code)]

use crate::error::{Error, STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND};
use crate::steps::Step;
use crate::sys::spawn::Failure;
use crate::sys::{Errno, reason};
use std::ffi::{CStr, CString};

/// What the child was given to do.
pub struct Launch<'a> {
    /// The command as the user wrote it.
    pub command: &'a CStr,
    /// The files to try for it.
    pub candidates: Vec<CString>,
    /// What the child does to itself before it executes one of them.
    pub steps: Vec<Step>,
}

impl Launch<'_> {
    /// Names what the child could not do, and why.
    #[must_use]
    pub fn explain(&self, failure: Failure) -> Error {
        match failure {
            Failure::Step(index, errno) => match self.steps.get(index) {
                Some(step) => Error::unable(step, reason(errno)).with_hint(step_hint(step, errno)),
                None => Error::unable("prepare main", reason(errno)),
            },
            Failure::Exec(index, errno) => {
                let path = self.candidates.get(index).map_or(self.command, CString::as_c_str);
                Error::unable(execute(path), reason(errno))
                    .with_status(STATUS_NOT_EXECUTABLE)
                    .with_hint(exec_hint(errno))
            }
            Failure::NotFound => Error::unable(execute(self.command), "command not found")
                .with_status(STATUS_NOT_FOUND),
        }
    }
}

/// Says why there is no child at all.
#[must_use]
pub fn explain_fork(errno: Errno) -> Error {
    let hint = "a limit on processes is reached: nproc, or that of the pids cgroup";
    Error::unable("start a process", reason(errno))
        .with_hint((errno == Errno::EAGAIN).then_some(hint))
}

fn execute(path: &CStr) -> String {
    format!("execute '{}'", path.to_string_lossy().escape_debug())
}

fn exec_hint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            Some("the file is there, but its interpreter or dynamic loader is not")
        }
        Errno::ENOEXEC => Some(
            "built for another machine, or a script without a #! line where there is no /bin/sh",
        ),
        _ => None,
    }
}

fn step_hint(step: &Step, errno: Errno) -> Option<&'static str> {
    match (step, errno) {
        (Step::Limit(..), Errno::EPERM) => Some(
            "raising a hard limit needs CAP_SYS_RESOURCE, and nofile ends at /proc/sys/fs/nr_open",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch() -> Launch<'static> {
        let candidates = vec![c"/a/tool".to_owned(), c"/b/tool".to_owned()];
        Launch { command: c"tool", candidates, steps: vec![Step::ProcessGroup] }
    }

    fn explained(failure: Failure) -> (u8, String) {
        let error = launch().explain(failure);
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
        let fork = explain_fork(Errno::EAGAIN).to_string();
        assert!(fork.contains("start a process") && fork.contains("pids"), "{fork}");
    }
}
