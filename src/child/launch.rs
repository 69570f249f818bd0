//! What the command is to be started with: the plan, with everything looked up that it leaves open; and the
//! explanation if the command could not be started.

#![forbid(unsafe_code)]

use crate::child::spawn::Failure;
use crate::child::steps::{self, Inherited, Step, Who};
use crate::kernel::processes;
use crate::plan::{Attributes, Given, Plan, Statuses};
use crate::sys::{Errno, credentials, fds, files, limits, process, reason, signals, tty};
use crate::text::escape::Quoted;
use crate::values::environment::{Edits, Naming, Values};
use crate::values::error::Error;
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use crate::values::scheduling::{IoPriority, Scheduler};
use crate::values::signal::{Reason, Signal, SignalSet};
use crate::values::stdio::Stream;
use crate::values::stream_name::Descriptor;
use crate::values::terminal_state::TerminalState;
use crate::values::user::{File, Files};
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// Everything that the child is given to do.
pub struct Launch<'a> {
    /// The command's argument vector; the first is the command as the user wrote it.
    pub argv: &'a [&'a CStr],
    /// The command's environment.
    pub environment: Vec<Cow<'a, CStr>>,
    /// Which variables are to name the command by its process ID.
    pub naming: Naming,
    /// The files to try for the command.
    pub candidates: Cow<'a, [CString]>,
    /// What the child does to itself before it executes one of them.
    pub steps: Vec<Step>,
    /// What sexton was started with.
    pub inherited: Inherited,
    /// What was changed in the environment.
    edits: Edits,
    /// Exit statuses.
    statuses: Statuses,
    /// What is to be said if there is no such command.
    hint_if_not_found: Option<&'a str>,
}

impl<'a> Launch<'a> {
    /// Looks up what the plan leaves open: users, what sexton was started with (`mask` is its signal
    /// mask). Changes nothing.
    ///
    /// # Errors
    /// What shows to be impossible before it is tried.
    pub fn new(plan: &'a Plan, mask: SignalSet) -> Result<Launch<'a>, Error> {
        let main = &plan.attributes;
        let who = look_up(main)?;
        let login = who.user.as_ref().map(Edits::for_login).unwrap_or_default();
        let edits = main.environment.clone().over(&login);
        let mut environment = edits.apply(&plan.environment);
        let pid = process::id();
        let naming = Naming::find(&mut environment, pid, |name| edits.sets(name));
        let terminal_state = tty::terminal_state();
        let mut inherited = Inherited {
            pid,
            mask,
            sigchld_ignored: signals::is_ignored(Signal::CHLD),
            terminal_state,
            leads_session: terminal_state != TerminalState::NoTerminal && process::leads_session(),
            shares_job: terminal_state != TerminalState::NoTerminal && shares_job(),
            parent_death_signal: match plan.parent_death_signal {
                _ if pid == process::INIT => None,
                Some(signal) => Some(signal),
                None => process::parent_death_signal(),
            },
            uid: credentials::user(),
            groups: Vec::new(),
            capabilities: Default::default(),
            listen_fds: naming.listen_fds,
            streams: Default::default(),
        };
        if who.user.is_some() {
            inherited.streams = Stream::ALL.map(files::owned_stream);
        }
        if who.groups.is_some() {
            inherited.groups = credentials::groups().map_err(|errno| {
                Error::unable("look up the supplementary groups", reason(errno))
            })?;
        }
        if steps::changes_capabilities(main) {
            inherited.capabilities = credentials::capabilities()
                .map_err(|errno| Error::unable("look up the capabilities", reason(errno)))?;
        }
        for (stream, file, from) in steps::duplicated(main, inherited.pid) {
            fds::check(from, stream != Stream::Input).map_err(|unfit| {
                let step = Step::Open(stream, file.clone());
                Error::unable(step, format_args!("{} {unfit}", Descriptor(from)))
            })?;
        }
        let current =
            |resource| limits::get(resource).unwrap_or(Limits { soft: UNLIMITED, hard: UNLIMITED });
        let steps = steps::steps(main, &inherited, &who, current)?;
        let command = plan.argv.first().copied().unwrap_or_default();
        let candidates = match &plan.files[..] {
            [] => steps::candidates(command, &environment).into(),
            files => files.into(),
        };
        Ok(Launch {
            argv: &plan.argv,
            environment,
            naming,
            candidates,
            steps,
            inherited,
            edits,
            statuses: plan.statuses,
            hint_if_not_found: plan.hint_if_not_found.as_deref(),
        })
    }

    /// The user that the command is given, if it is given one.
    #[must_use]
    pub fn user(&self) -> Option<u32> {
        self.steps.iter().find_map(|step| match step {
            Step::Uid(uid) => Some(*uid),
            _ => None,
        })
    }

    fn command(&self) -> &'a CStr {
        self.argv.first().copied().unwrap_or_default()
    }

    /// What would be done, one step a line, the command last. Values of variables are only shown if they are to be.
    ///
    /// # Errors
    /// There is no such command, or no permission for sexton to execute it, or no such directory.
    #[inline(never)]
    pub fn describe(&self, values: Values) -> Result<String, Error> {
        let file = self.find()?;
        let edits = self.edits.iter().map(|edit| edit.describe(values).to_string());
        let named = self.naming.renamed.iter();
        let named =
            named.map(|(_, name)| format!("set variable '{name}' to the command's process ID"));
        let unset = self.naming.without_pidfd.then(|| "unset variable 'LISTEN_PIDFDID'".to_owned());
        let steps = self.steps.iter().map(ToString::to_string);
        let mut execute = execute(file);
        for argument in self.argv.get(1..).unwrap_or_default() {
            execute += &format!(" {}", Quoted(argument));
        }
        let lines = edits.chain(named).chain(unset).chain(steps).chain([execute]).enumerate();
        Ok(lines.map(|(index, line)| format!("{:>2}. {line}\n", index + 1)).collect())
    }

    /// The file that would be executed, as far as sexton can tell: another user may see other files.
    fn find(&self) -> Result<&CStr, Error> {
        let directory = self.steps.iter().enumerate().find_map(|(index, step)| match step {
            Step::Directory(path) => Some((index, path.as_c_str())),
            _ => None,
        });
        let (index, path) = directory.unwrap_or((0, c"."));
        let directory =
            files::directory(path).map_err(|errno| self.explain(Failure::Step(index, errno)))?;
        let mut failure = Failure::NotFound;
        for (index, file) in self.candidates.iter().enumerate() {
            match files::is_executable(&directory, file) {
                Ok(true) => return Ok(file),
                Ok(false) if failure == Failure::NotFound => {
                    failure = Failure::Exec(index, Errno::EACCES);
                }
                _ => {}
            }
        }
        Err(self.explain(failure))
    }

    /// Names what the child could not do, and why.
    #[must_use]
    pub fn explain(&self, failure: Failure) -> Error {
        let statuses = self.statuses;
        match failure {
            Failure::Step(index, errno) => match self.steps.get(index) {
                Some(step) => Error::unable(step, reason(errno)).with_hint(step_hint(step, errno)),
                None => Error::unable("prepare main", reason(errno)),
            }
            .with_status(statuses.fatal),
            Failure::Exec(index, errno) => {
                let path = self.candidates.get(index).map_or(self.command(), CString::as_c_str);
                Error::unable(execute(path), reason(errno))
                    .with_status(match errno {
                        Errno::ENOENT | Errno::ENOTDIR => statuses.incomplete,
                        Errno::EACCES => statuses.denied,
                        _ => statuses.not_executable,
                    })
                    .with_hint(exec_hint(errno))
            }
            Failure::NotFound => Error::unable(execute(self.command()), "command not found")
                .with_status(statuses.not_found)
                .with_hint(self.hint_if_not_found),
        }
    }
}

/// Says why there is no child at all.
#[must_use]
pub fn explain_fork(errno: Errno) -> Error {
    let hint = "a limit on processes is reached: nproc, that of the pids cgroup, or the kernel's (pid_max, threads-max)";
    Error::unable("start a process", reason(errno))
        .with_hint((errno == Errno::EAGAIN).then_some(hint))
}

fn execute(path: &CStr) -> String {
    format!("execute {}", Quoted(path))
}

/// Looks up users and groups in the files of sexton's own root directory.
#[inline(never)]
fn look_up(main: &Attributes) -> Result<Who, Error> {
    if main.user.is_none() && main.groups.is_none() {
        return Ok(Who::default());
    }
    let (passwd, group) = (read(c"/etc/passwd"), read(c"/etc/group"));
    let files = Files { passwd: file(&passwd), group: file(&group) };
    let user =
        main.user.as_ref().map(|user| refused(user, user.value.resolve(files))).transpose()?;
    let groups = main
        .groups
        .as_ref()
        .map(|groups| refused(groups, groups.value.resolve(files)))
        .transpose()?;
    let groups = groups.or_else(|| user.as_ref().map(|user| user.groups.clone()));
    Ok(Who { user, groups })
}

type Contents = Result<Option<Vec<u8>>, String>;

fn read(path: &CStr) -> Contents {
    files::contents(path).map_err(|errno| match errno {
        Errno::EINVAL => "it is no regular file".to_owned(),
        errno => reason(errno).to_string(),
    })
}

fn file(contents: &Contents) -> File<'_> {
    match contents {
        Ok(Some(text)) => File::Text(text),
        Ok(None) => File::Missing,
        Err(why) => File::Unreadable(why),
    }
}

/// Whether other processes are in the group that sexton is in, and are to get the keys as well: a pipeline, or the
/// script that started sexton, whether or not a shell has made a job of it, or what made the PID namespace (`unshare
/// --fork`, `bwrap`): the leader of a group without a number is outside of it. Of a pipeline that sexton is the first
/// of, the others may not be there yet, but the pipe is.
fn shares_job() -> bool {
    let is_first_of_pipeline = || fds::is_pipe(fds::STDOUT) && job_control_shell().is_some();
    process::id() != process::INIT && (!process::leads_group() || is_first_of_pipeline())
}

/// The first ancestor outside of this process's group, if it is of the same session: the shell that
/// this group is a job of, and that can continue it. Without /proc only the parent is looked at.
fn job_control_shell() -> Option<i32> {
    const MOST: usize = 32;
    let (group, session) = (process::group(None).ok()?, process::session(None).ok()?);
    let mut ancestor = process::parent();
    for _ in 0..MOST {
        // 0 is outside of the PID namespace, and for the calls it would be this process.
        if ancestor == 0 || process::session(Some(ancestor)) != Ok(session) {
            return None;
        }
        if process::group(Some(ancestor)) != Ok(group) {
            return Some(ancestor);
        }
        ancestor = processes::is_own().then(|| processes::stat(ancestor))??.parent;
    }
    None
}

/// Names the flag or variable whose value could not be resolved.
fn refused<T, R>(given: &Given<T>, result: Result<R, Reason>) -> Result<R, Error> {
    result.map_err(|reason| Error::invalid(given.text.as_bytes(), &given.by, reason))
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

/// For a call that Linux grants to everybody.
const REFUSED: &str = "Linux itself refuses it to nobody: a seccomp filter, a security module or another kernel, such as gVisor, did";

/// What would help, where it can be told from the error. A hint says what the kernel asks for in this very case: the
/// privilege for a limit that is raised is none for one that is lowered.
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

/// Why a limit is refused with EPERM (setrlimit(2)): sexton has those that it would have been changed from.
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

    fn launch() -> Launch<'static> {
        Launch {
            argv: &[c"tool"],
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
