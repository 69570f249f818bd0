//! What happens in the child between fork and exec, as data: built and checked before the fork.

#![forbid(unsafe_code)]

use crate::plan::Plan;
use crate::rlimit::{Limits, Resource};
use crate::signal::{Reason, Signal, SignalSet};
use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// What sexton found when it was started, and what main must find again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Surroundings {
    /// sexton's own process ID.
    pub pid: i32,
    /// The signal mask.
    pub mask: SignalSet,
    /// SIGCHLD was ignored; sexton has to undo that for itself.
    pub sigchld_ignored: bool,
    /// sexton's process group is the foreground group of its controlling terminal.
    pub foreground: bool,
}

/// One thing that the child does to itself before it becomes main.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Enter a process group of its own (setpgid(2)).
    ProcessGroup,
    /// Make that group the terminal's foreground group (tcsetpgrp(3)).
    Foreground,
    /// Set a resource limit (setrlimit(2)).
    Limit(Resource, Limits),
    /// Ignore a signal (sigaction(2)).
    Ignore(Signal),
    /// Set the signal mask (sigprocmask(2)).
    Mask(SignalSet),
}

/// The step as an action that could not be done: "unable to ..."
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::ProcessGroup => f.write_str("create a process group"),
            Step::Foreground => f.write_str("become the terminal's foreground process group"),
            Step::Limit(resource, limits) => write!(f, "set limit {} to {limits}", resource.name()),
            Step::Ignore(signal) => write!(f, "ignore {signal}"),
            Step::Mask(_) => f.write_str("restore the signal mask"),
        }
    }
}

/// The child's steps, in an order that matters:
///
/// 1. the process group, before it can be put in the foreground;
/// 2. the terminal, while SIGTTOU is still blocked: a background process that asked for it unblocked
///    would be stopped;
/// 3. limits, which nothing that follows can exceed;
/// 4. dispositions, then the mask: a signal that is pending by now takes effect the moment it is
///    unblocked, so everything else must be in place.
///
/// # Errors
/// A limit whose soft value is above the hard one that `current` reports.
pub fn steps(
    plan: &Plan,
    surroundings: Surroundings,
    current: impl Fn(Resource) -> Limits,
) -> Result<Vec<Step>, (Resource, Reason)> {
    let mut steps = vec![Step::ProcessGroup];
    if surroundings.foreground {
        steps.push(Step::Foreground);
    }
    for spec in &plan.limits {
        let limits =
            spec.resolve(current(spec.resource)).map_err(|reason| (spec.resource, reason))?;
        steps.push(Step::Limit(spec.resource, limits));
    }
    if surroundings.sigchld_ignored {
        steps.push(Step::Ignore(Signal::CHLD));
    }
    steps.push(Step::Mask(surroundings.mask));
    Ok(steps)
}

/// Where to look for commands if `PATH` is not set: what confstr(3) gives for `_CS_PATH` on glibc.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The files to try for a command, in order, as execvp(3) does: the command itself if it has a
/// slash, otherwise one in each directory of `PATH`, where an empty element is the current directory.
#[must_use]
pub fn candidates(command: &CStr, environment: &[&CStr]) -> Vec<CString> {
    let name = command.to_bytes();
    if name.is_empty() || name.contains(&b'/') {
        return vec![command.to_owned()];
    }
    let path = variable(environment, b"PATH").map_or(DEFAULT_PATH, |(_, path)| path);
    let file = |directory: &[u8]| {
        let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        CString::new([directory, separator, name].concat()).ok()
    };
    path.split(|&byte| byte == b':').filter_map(file).collect()
}

/// The first variable of that name: its place in the environment, and its value.
#[must_use]
pub fn variable<'a>(environment: &[&'a CStr], name: &[u8]) -> Option<(usize, &'a [u8])> {
    environment.iter().enumerate().find_map(|(index, entry)| {
        let value = entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")?;
        Some((index, value))
    })
}

/// Where `LISTEN_PID` stands in the environment if it names this process: main must find its own
/// process ID there (sd_listen_fds(3)).
#[must_use]
pub fn listen_pid(environment: &[&CStr], pid: i32) -> Option<usize> {
    let (index, value) = variable(environment, b"LISTEN_PID")?;
    (OsStr::from_bytes(value).to_str()?.parse() == Ok(pid)).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_map::ExitMap;
    use crate::plan::{Policy, Subreaper};
    use crate::rlimit::Spec;

    fn plan(limits: &[&str]) -> Plan<'static> {
        Plan {
            argv: vec![c"true"],
            environment: Vec::new(),
            limits: limits.iter().map(|text| Spec::parse(text).unwrap()).collect(),
            subreaper: Subreaper::Auto,
            warn_on_reap: false,
            exit_map: ExitMap::default(),
            unknown_variables: Vec::new(),
            log_level: log::LevelFilter::Warn,
            policy: Policy::default(),
        }
    }

    const PLAIN: Surroundings =
        Surroundings { pid: 1, mask: SignalSet::EMPTY, sigchld_ignored: false, foreground: false };

    fn current(_: Resource) -> Limits {
        Limits { soft: 10, hard: 20 }
    }

    #[test]
    fn nothing_that_was_not_asked_for_is_done() {
        let expected = [Step::ProcessGroup, Step::Mask(SignalSet::EMPTY)];
        assert_eq!(steps(&plan(&[]), PLAIN, current).unwrap(), expected);
    }

    #[test]
    fn the_order_is_group_terminal_limits_dispositions_mask() {
        let all = Surroundings { sigchld_ignored: true, foreground: true, ..PLAIN };
        let limits = Limits { soft: 5, hard: 20 };
        let expected = [
            Step::ProcessGroup,
            Step::Foreground,
            Step::Limit(Resource::Nofile, limits),
            Step::Ignore(Signal::CHLD),
            Step::Mask(SignalSet::EMPTY),
        ];
        assert_eq!(steps(&plan(&["nofile=5:max"]), all, current).unwrap(), expected);
    }

    #[test]
    fn a_limit_that_cannot_be_is_found_before_the_fork() {
        let error = steps(&plan(&["core=21:max"]), PLAIN, current).unwrap_err();
        assert_eq!(error.0, Resource::Core);
    }

    fn tried(command: &CStr, environment: &[&CStr]) -> Vec<String> {
        candidates(command, environment).into_iter().map(|c| c.into_string().unwrap()).collect()
    }

    #[test]
    fn a_command_is_looked_up_in_path() {
        assert_eq!(tried(c"ls", &[c"A=1", c"PATH=/a:/b/"]), ["/a/ls", "/b//ls"]);
        assert_eq!(tried(c"ls", &[c"PATH=:/a:"]), ["ls", "/a/ls", "ls"]);
        assert_eq!(tried(c"ls", &[c"PATH="]), ["ls"]);
        assert_eq!(tried(c"ls", &[c"XPATH=/x"]), ["/bin/ls", "/usr/bin/ls"]);
    }

    #[test]
    fn a_command_with_a_slash_or_without_a_name_is_not() {
        assert_eq!(tried(c"./ls", &[c"PATH=/a"]), ["./ls"]);
        assert_eq!(tried(c"", &[c"PATH=/a"]), [""]);
    }

    #[test]
    fn listen_pid_counts_if_it_names_this_process() {
        assert_eq!(listen_pid(&[c"A=1", c"LISTEN_PID=77"], 77), Some(1));
        assert_eq!(listen_pid(&[c"LISTEN_PID=78"], 77), None);
        assert_eq!(listen_pid(&[c"LISTEN_PID="], 77), None);
    }
}
