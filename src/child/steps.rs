//! What happens in the child between fork and exec, as data: built and checked before the fork.

#![forbid(unsafe_code)]

use crate::plan::{Attributes, Grouping};
use crate::text::escape::Quoted;
use crate::values::capabilities::{self, Base, CapabilitySet, ROOT, Sets};
use crate::values::environment::variable;
use crate::values::error::Error;
use crate::values::rlimit::{Limits, Resource};
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use crate::values::signal::{Signal, SignalSet};
use crate::values::stdio::{OwnedStream, Redirection, Stream};
use crate::values::stream_name::{self, Descriptor, Name};
use crate::values::terminal_state::TerminalState;
use crate::values::user::{Identity, Listed};
use std::ffi::{CStr, CString};
use std::fmt;

/// What sexton was started with: what the command must find again, and what is there to be changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inherited {
    /// sexton's own process ID.
    pub pid: i32,
    /// The signal mask.
    pub mask: SignalSet,
    /// SIGCHLD was ignored; sexton has to undo that for itself.
    pub sigchld_ignored: bool,
    /// How sexton's process group stands to its controlling terminal.
    pub terminal_state: TerminalState,
    /// sexton leads its session: the terminal, if there is one, is its own to give away.
    pub leads_session: bool,
    /// Other processes are in the same job of a shell: a pipeline, a script.
    pub shares_job: bool,
    /// The signal for the end of sexton's parent: the command gets the same when sexton ends. `None` for PID 1, with
    /// which the kernel ends all others.
    pub parent_death_signal: Option<Signal>,
    /// The effective user ID.
    pub uid: u32,
    /// The supplementary groups; only looked up if they are to be changed.
    pub groups: Vec<u32>,
    /// The capabilities; only looked up if they are to be changed.
    pub capabilities: Sets,
    /// How many descriptors from 3 on are meant for the command (sd_listen_fds(3)).
    pub listen_fds: i32,
    /// What the standard streams are; only looked up if the user is to be changed.
    pub streams: [Option<OwnedStream>; 3],
}

/// One thing that the child does to itself before it becomes the command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Begin a session (setsid(2)).
    Session,
    /// Make sexton's terminal, which sexton has given up, the session's (TIOCSCTTY, ioctl_tty(2)).
    Terminal,
    /// Enter a process group of its own (setpgid(2)).
    ProcessGroup,
    /// Make that group the terminal's foreground group (tcsetpgrp(3)).
    Foreground,
    /// Set a resource limit (setrlimit(2)).
    Limit(Resource, Limits),
    /// Write `/proc/self/oom_score_adj` (proc(5)).
    OomScoreAdj(i32),
    /// Set the I/O scheduling class (ioprio_set(2)).
    IoPriority(IoPriority),
    /// Set the scheduling policy (sched_setscheduler(2)).
    Scheduler(Scheduler),
    /// Set the niceness (setpriority(2)).
    Nice(i32),
    /// Stay on these CPUs (sched_setaffinity(2)).
    Cpus(Box<Cpus>),
    /// Set the supplementary groups (setgroups(2)).
    Groups(Vec<u32>),
    /// Set all group IDs (setresgid(2)).
    Gid(u32),
    /// Make a user the owner of a standard stream, if that can be done (fchown(2)).
    GiveStream(Stream, u32),
    /// Take capabilities out of the bounding set (PR_CAPBSET_DROP, prctl(2)).
    DropBounding(CapabilitySet),
    /// Keep permitted capabilities when the user changes (PR_SET_KEEPCAPS, prctl(2)).
    KeepCapabilities,
    /// Set all user IDs (setresuid(2)).
    Uid(u32),
    /// Set three of the capability sets (capset(2)).
    Capabilities(Base),
    /// Add to the ambient set (PR_CAP_AMBIENT_RAISE, prctl(2)).
    RaiseAmbient(CapabilitySet),
    /// Gain no privileges by exec (PR_SET_NO_NEW_PRIVS, prctl(2)).
    NoNewPrivs,
    /// Ask for a signal when sexton, of this process ID, ends (PR_SET_PDEATHSIG, prctl(2)).
    ParentDeath(Signal, i32),
    /// Set the file mode creation mask (umask(2)).
    Umask(u32),
    /// Change the working directory (chdir(2)).
    Directory(CString),
    /// Make standard streams of descriptors that sexton was started with (dup2(2)): for each stream the descriptor, if
    /// it is to be another one.
    Duplicate([Option<i32>; 3]),
    /// Open a file in place of a standard stream (open(2)).
    Open(Stream, Redirection),
    /// Let standard error be the same open file as standard output (dup2(2)).
    ShareOutput,
    /// Close all descriptors but the standard streams and so many after them (close_range(2)).
    CloseOthers(i32),
    /// Ignore a signal (sigaction(2)).
    Ignore(Signal),
    /// Set the signal mask (sigprocmask(2)).
    Mask(SignalSet),
}

/// [`Step::Terminal`] as an action. The run goes on without this step if it cannot be done, and without the next one.
pub const TAKE_OVER_TERMINAL: &str = "take over sexton's controlling terminal";
/// [`Step::Foreground`] as an action.
pub const BECOME_FOREGROUND: &str = "become the terminal's foreground process group";

/// The step as an action: "unable to ..."
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Session => f.write_str("begin a session"),
            Step::Terminal => f.write_str(TAKE_OVER_TERMINAL),
            Step::ProcessGroup => f.write_str("create a process group"),
            Step::Foreground => f.write_str(BECOME_FOREGROUND),
            Step::Limit(resource, limits) => write!(f, "set limit {} to {limits}", resource.name()),
            Step::OomScoreAdj(value) => write!(f, "set oom_score_adj to {value}"),
            Step::IoPriority(priority) => write!(f, "set the I/O scheduling class to {priority}"),
            Step::Scheduler(scheduler) => write!(f, "set the scheduling policy to {scheduler}"),
            Step::Nice(value) => write!(f, "set the niceness to {value}"),
            Step::Cpus(cpus) => write!(f, "run on CPUs {cpus}"),
            Step::Groups(groups) => write!(f, "set the supplementary groups to {}", Listed(groups)),
            Step::Gid(gid) => write!(f, "set the group ID to {gid}"),
            Step::GiveStream(stream, uid) => write!(f, "make {stream} user {uid}'s, if possible"),
            Step::DropBounding(set) => write!(f, "drop from the bounding set: {set}"),
            Step::KeepCapabilities => f.write_str("keep capabilities for another user"),
            Step::Uid(uid) => write!(f, "set the user ID to {uid}"),
            Step::Capabilities(Base { effective, permitted, inheritable }) => write!(
                f,
                "set capabilities: effective {effective}; permitted {permitted}; inheritable {inheritable}"
            ),
            Step::RaiseAmbient(set) => write!(f, "raise ambient capabilities: {set}"),
            Step::NoNewPrivs => f.write_str("set no_new_privs"),
            Step::ParentDeath(signal, _) => write!(f, "ask for {signal} when sexton ends"),
            Step::Umask(mask) => write!(f, "set the umask to {mask:03o}"),
            Step::Directory(path) => write!(f, "change the working directory to {}", Quoted(path)),
            Step::Duplicate(from) => {
                let each = Stream::ALL.into_iter().zip(from);
                let each = each.filter_map(|(stream, from)| Some((stream, (*from)?)));
                for (index, (stream, from)) in each.enumerate() {
                    let start = if index == 0 { "duplicate" } else { "," };
                    write!(f, "{start} {} as {stream}", Descriptor(from))?;
                }
                Ok(())
            }
            Step::Open(stream, file) => {
                let how = match (stream, file.append) {
                    (Stream::Input, _) => "open",
                    (_, true) => "append to",
                    (_, false) => "write to",
                };
                write!(f, "{how} {} as {stream}", Quoted(&file.path))
            }
            Step::ShareOutput => f.write_str("write standard error to the same file"),
            Step::CloseOthers(kept) => {
                write!(f, "close all descriptors but 0 to {}", kept.saturating_add(2))
            }
            Step::Ignore(signal) => write!(f, "ignore {signal}"),
            Step::Mask(_) => f.write_str("restore the signal mask"),
        }
    }
}

/// Who the command is to be, looked up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Who {
    /// The user, if it is to be changed.
    pub user: Option<Identity>,
    /// The supplementary groups, if they are to be changed.
    pub groups: Option<Vec<u32>>,
}

/// The child's steps, in an order that matters:
///
/// 1. the session or process group, before it can be put in the foreground; then the terminal, while
///    SIGTTOU is still blocked: a background process that asked for it unblocked would be stopped.
///    Only if sexton has it, and alone: in a shell's pipeline or script the others keep it, and the command is
///    given it when it asks ([`crate::supervisor`]). A session can only be given a terminal that was
///    sexton's own session's;
/// 2. limits that are raised, as that may need privilege, and as `nice` and `rtprio` bound what comes
///    next;
/// 3. memory pressure and scheduling, which may need privilege;
/// 4. standard streams, as the engine does it for the user that it is told; groups, then the bounding set,
///    then the user: each takes away what is needed for those before;
/// 5. the other capability sets, which a change of user clears; `no_new_privs`; the signal for the end of sexton, which
///    a change of user or of capabilities clears;
/// 6. umask, directory, files: with the rights of the command, not of sexton, so that no path that the command's user
///    has laid out leads further than that user may go; then all other descriptors;
/// 7. limits that are lowered, which must not bound the steps above;
/// 8. dispositions, then the mask: a signal that is pending by now takes effect the moment it is
///    unblocked, so everything else must be in place.
///
/// # Errors
/// What shows before anything is done: a soft limit above the hard one that `current` reports, an
/// ambient capability that sexton does not have.
pub fn steps(
    main: &Attributes,
    inherited: &Inherited,
    who: &Who,
    current: impl Fn(Resource) -> Limits,
) -> Result<Vec<Step>, Error> {
    let has_terminal = inherited.terminal_state == TerminalState::Foreground;
    let mut steps = Vec::new();
    match main.grouping {
        Grouping::Group => {
            steps.push(Step::ProcessGroup);
            if has_terminal && !inherited.shares_job {
                steps.push(Step::Foreground);
            }
        }
        Grouping::Session => {
            steps.push(Step::Session);
            if has_terminal && inherited.leads_session {
                steps.push(Step::Terminal);
            }
        }
        Grouping::Shared => {}
    }
    let (raised, lowered) = limits(main, current)?;
    steps.extend(raised);
    steps.extend(main.oom_score_adj.map(Step::OomScoreAdj));
    steps.extend(main.io_priority.map(Step::IoPriority));
    steps.extend(main.scheduler.map(Step::Scheduler));
    steps.extend(main.nice.map(Step::Nice));
    steps.extend(main.cpus.clone().map(Step::Cpus));
    privileges(main, inherited, who, &mut steps)?;
    if main.no_new_privs {
        steps.push(Step::NoNewPrivs);
    }
    let parent_death = |signal| Step::ParentDeath(signal, inherited.pid);
    steps.extend(inherited.parent_death_signal.map(parent_death));
    steps.extend(main.umask.map(Step::Umask));
    steps.extend(main.directory.clone().map(Step::Directory));
    redirect(main, inherited.pid, &mut steps);
    if main.close_fds {
        steps.push(Step::CloseOthers(inherited.listen_fds));
    }
    steps.extend(lowered);
    if inherited.sigchld_ignored {
        steps.push(Step::Ignore(Signal::CHLD));
    }
    steps.push(Step::Mask(inherited.mask));
    Ok(steps)
}

/// The standard streams. Those that are duplicates come first: of what sexton was started with, whatever else is
/// opened.
fn redirect(main: &Attributes, pid: i32, steps: &mut Vec<Step>) {
    let mut duplicates = [None; 3];
    for (stream, _, from) in duplicated(main, pid) {
        if let Some(slot) = duplicates.get_mut(stream as usize)
            && from != stream as i32
        {
            *slot = Some(from);
        }
    }
    if duplicates.iter().any(Option::is_some) {
        steps.push(Step::Duplicate(duplicates));
    }
    let [_, stdout, stderr] = &main.stdio;
    for (stream, file) in Stream::ALL.into_iter().zip(&main.stdio) {
        let Some(file) = file else { continue };
        let append = match stream_name::name(&file.path, stream.dash(), pid) {
            Name::Own(_) => continue,
            // Of what another process writes to nothing is lost.
            Name::Foreign => stream != Stream::Input,
            Name::File => file.append,
        };
        steps.push(if stream == Stream::Error && stdout == stderr {
            Step::ShareOutput
        } else {
            Step::Open(stream, Redirection { append, ..file.clone() })
        });
    }
}

/// Which streams are to be a descriptor that sexton was started with, with its number.
pub fn duplicated(
    main: &Attributes,
    pid: i32,
) -> impl Iterator<Item = (Stream, &Redirection, i32)> {
    let streams = Stream::ALL.into_iter().zip(&main.stdio);
    streams.filter_map(move |(stream, file)| {
        let file = file.as_ref()?;
        match stream_name::name(&file.path, stream.dash(), pid) {
            Name::Own(from) => Some((stream, file, from)),
            Name::Foreign | Name::File => None,
        }
    })
}

/// The limits of which a side is raised, and those that are lowered.
fn limits(
    main: &Attributes,
    current: impl Fn(Resource) -> Limits,
) -> Result<(Vec<Step>, Vec<Step>), Error> {
    let (mut raised, mut lowered) = (Vec::new(), Vec::new());
    for spec in &main.limits {
        let before = current(spec.resource);
        let after = spec.resolve(before).map_err(|reason| {
            Error::unable(format_args!("set limit {}", spec.resource.name()), reason)
        })?;
        let is_raised = after.soft > before.soft || after.hard > before.hard;
        let steps = if is_raised { &mut raised } else { &mut lowered };
        steps.push(Step::Limit(spec.resource, after));
    }
    Ok((raised, lowered))
}

/// Groups, user, capabilities.
fn privileges(
    main: &Attributes,
    inherited: &Inherited,
    who: &Who,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    if let Some(user) = &who.user {
        steps.extend(streams_to_give(main, inherited, user.uid));
    }
    // setgroups(2) needs privilege even if it changes nothing.
    if let Some(groups) = &who.groups
        && !is_same_set(groups, &inherited.groups)
    {
        steps.push(Step::Groups(groups.clone()));
    }
    let uid = who.user.as_ref().map(|user| user.uid);
    steps.extend(who.user.as_ref().map(|user| Step::Gid(user.gid)));
    if !changes_capabilities(main) {
        return Ok(());
    }
    let held = inherited.capabilities;
    let change = main
        .capabilities
        .resolve(held, uid)
        .map_err(|reason| Error::unable("give main its capabilities", reason))?;
    if !change.drop.is_empty() {
        steps.push(Step::DropBounding(change.drop));
    }
    if let Some(uid) = uid {
        if inherited.uid == ROOT && uid != ROOT && !change.raise.is_empty() {
            steps.push(Step::KeepCapabilities);
        }
        steps.push(Step::Uid(uid));
    }
    if change.base != held.base {
        steps.push(Step::Capabilities(change.base));
    }
    if !change.raise.is_empty() {
        steps.push(Step::RaiseAmbient(change.raise));
    }
    Ok(())
}

/// The streams that the command could not open again by their names. A terminal is only a container's own if sexton is
/// its PID 1; elsewhere it is that of whoever works at it.
fn streams_to_give(
    main: &Attributes,
    inherited: &Inherited,
    uid: u32,
) -> impl Iterator<Item = Step> {
    let pid = inherited.pid;
    let streams = Stream::ALL.into_iter().zip(inherited.streams).zip(&main.stdio);
    streams.filter_map(move |((stream, owned), file)| {
        let owned = owned?;
        let is_commands = pid == 1 || !owned.terminal;
        let used = file.is_none() || duplicated(main, pid).any(|(.., from)| from == stream as i32);
        let give = is_commands && used && owned.owner != uid;
        give.then_some(Step::GiveStream(stream, uid))
    })
}

/// Whether the steps depend on the capabilities that sexton was given.
#[must_use]
pub fn changes_capabilities(main: &Attributes) -> bool {
    main.user.is_some() || main.capabilities != capabilities::Spec::default()
}

fn is_same_set(one: &[u32], other: &[u32]) -> bool {
    one.iter().all(|id| other.contains(id)) && other.iter().all(|id| one.contains(id))
}

/// Where to look for commands if `PATH` is not set: what confstr(3) gives for `_CS_PATH` on glibc.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The files to try for a command, in order, as execvp(3) does: the command itself if it has a
/// slash, otherwise one in each directory of `PATH`, where an empty element is the current directory.
#[must_use]
pub fn candidates<S: AsRef<CStr>>(command: &CStr, environment: &[S]) -> Vec<CString> {
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

#[cfg(test)]
impl Inherited {
    /// As PID 1 and root, without anything that a step could depend on.
    pub(crate) fn of_init() -> Inherited {
        Inherited {
            pid: 1,
            mask: SignalSet::EMPTY,
            sigchld_ignored: false,
            terminal_state: TerminalState::NoTerminal,
            leads_session: false,
            shares_job: false,
            parent_death_signal: None,
            uid: ROOT,
            groups: vec![0],
            capabilities: Sets::default(),
            listen_fds: 0,
            streams: [None; 3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::capabilities::List;
    use crate::values::rlimit::Spec;

    fn inherited() -> Inherited {
        Inherited::of_init()
    }

    fn limited(limits: &[&str]) -> Attributes {
        let limits = limits.iter().map(|text| Spec::parse(text).unwrap()).collect();
        Attributes { limits, ..Attributes::default() }
    }

    fn current(_: Resource) -> Limits {
        Limits { soft: 10, hard: 20 }
    }

    fn app() -> Who {
        let user = Identity { uid: 1000, gid: 50, groups: vec![50, 60], login: None };
        Who { groups: Some(user.groups.clone()), user: Some(user) }
    }

    fn nobody() -> Who {
        Who::default()
    }

    fn set(number: u32) -> CapabilitySet {
        CapabilitySet::from_bits(1 << number)
    }

    fn list(text: &str) -> Option<List> {
        let mut list = List::default();
        list.add(text).unwrap();
        Some(list)
    }

    /// As root in a container: some capabilities, none of them inheritable.
    fn root() -> Inherited {
        let all = CapabilitySet::from_bits(0xff);
        let base = Base { effective: all, permitted: all, inheritable: CapabilitySet::EMPTY };
        let capabilities = Sets { bounding: all, ambient: CapabilitySet::EMPTY, base };
        Inherited { capabilities, ..inherited() }
    }

    #[test]
    fn nothing_that_was_not_asked_for_is_done() {
        let expected = [Step::ProcessGroup, Step::Mask(SignalSet::EMPTY)];
        let main = Attributes::default();
        assert_eq!(steps(&main, &root(), &nobody(), current).unwrap(), expected);
    }

    #[test]
    fn all_steps_stand_in_their_order() {
        let file = |path: &CStr| Some(Redirection { path: path.to_owned(), append: false });
        let main = Attributes {
            limits: ["core=0", "nofile=5:max", "nice=15:max", "cpu=30"]
                .map(|text| Spec::parse(text).unwrap())
                .to_vec(),
            no_new_privs: true,
            directory: Some(c"/srv".to_owned()),
            umask: Some(0o27),
            nice: Some(-5),
            cpus: Some(Cpus::parse("0").unwrap().into()),
            scheduler: Some(Scheduler::Batch),
            io_priority: Some(IoPriority::Idle),
            oom_score_adj: Some(-5),
            stdio: [file(c"in"), file(c"out"), file(c"err")],
            close_fds: true,
            capabilities: capabilities::Spec {
                drop: list("setuid"),
                keep: None,
                ambient: list("kill"),
            },
            ..Attributes::default()
        };
        let terminal_state = TerminalState::Foreground;
        let inherited = Inherited {
            sigchld_ignored: true,
            terminal_state,
            parent_death_signal: Some(Signal::TERM),
            listen_fds: 2,
            ..root()
        };
        let kill = set(5);
        let limits = |soft, hard| Limits { soft, hard };
        let open = |stream, path: &CStr| Step::Open(stream, file(path).unwrap());
        let expected = [
            Step::ProcessGroup,
            Step::Foreground,
            Step::Limit(Resource::Nice, limits(15, 20)),
            Step::Limit(Resource::Cpu, limits(30, 30)),
            Step::OomScoreAdj(-5),
            Step::IoPriority(IoPriority::Idle),
            Step::Scheduler(Scheduler::Batch),
            Step::Nice(-5),
            Step::Cpus(Cpus::parse("0").unwrap().into()),
            Step::Groups(vec![50, 60]),
            Step::Gid(50),
            Step::DropBounding(set(7)),
            Step::KeepCapabilities,
            Step::Uid(1000),
            Step::Capabilities(Base { effective: kill, permitted: kill, inheritable: kill }),
            Step::RaiseAmbient(kill),
            Step::NoNewPrivs,
            Step::ParentDeath(Signal::TERM, 1),
            Step::Umask(0o27),
            Step::Directory(c"/srv".to_owned()),
            open(Stream::Input, c"in"),
            open(Stream::Output, c"out"),
            open(Stream::Error, c"err"),
            Step::CloseOthers(2),
            Step::Limit(Resource::Core, limits(0, 0)),
            Step::Limit(Resource::Nofile, limits(5, 20)),
            Step::Ignore(Signal::CHLD),
            Step::Mask(SignalSet::EMPTY),
        ];
        assert_eq!(steps(&main, &inherited, &app(), current).unwrap(), expected);
    }

    /// The steps between the first and the last.
    fn between(main: &Attributes, inherited: &Inherited, who: &Who) -> Vec<Step> {
        let steps = steps(main, inherited, who, current).unwrap();
        steps[1..steps.len() - 1].to_vec()
    }

    fn as_app() -> Attributes {
        Attributes {
            user: Some(crate::plan::Given {
                value: crate::values::user::Spec::parse("1000").unwrap(),
                text: "1000".into(),
                by: "--user".into(),
            }),
            ..Attributes::default()
        }
    }

    #[test]
    fn another_user_is_left_no_capability() {
        let expected = [
            Step::Groups(vec![50, 60]),
            Step::Gid(50),
            Step::Uid(1000),
            Step::Capabilities(Base::default()),
        ];
        assert_eq!(between(&as_app(), &root(), &app()), expected);
    }

    #[test]
    fn streams_that_command_could_not_open_again_are_given_to_its_user() {
        let owned = |owner, terminal| Some(OwnedStream { owner, terminal });
        let given = |pid, streams, stdio| {
            let inherited = Inherited { pid, streams, ..inherited() };
            let main = Attributes { stdio, ..as_app() };
            let steps = between(&main, &inherited, &app()).into_iter();
            let give = |step| match step {
                Step::GiveStream(stream, uid) => Some((stream as i32, uid)),
                _ => None,
            };
            steps.filter_map(give).collect::<Vec<_>>()
        };
        let streams = [owned(0, true), owned(0, false), owned(1000, false)];
        assert_eq!(given(1, streams, Default::default()), [(0, 1000), (1, 1000)]);
        assert_eq!(given(7, streams, Default::default()), [(1, 1000)]);
        let file = Some(Redirection { path: c"x".to_owned(), append: false });
        assert_eq!(given(7, streams, [None, file, None]), []);
        assert_eq!(given(1, [None; 3], Default::default()), []);
    }

    #[test]
    fn what_is_so_already_needs_no_privilege() {
        let unprivileged = Inherited { uid: 1000, groups: vec![60, 50], ..inherited() };
        let expected = [Step::Gid(50), Step::Uid(1000)];
        assert_eq!(between(&as_app(), &unprivileged, &app()), expected);
        // Only the groups differ.
        let other = Inherited { groups: vec![60], ..unprivileged };
        assert_eq!(between(&as_app(), &other, &app())[0], Step::Groups(vec![50, 60]));
    }

    #[test]
    fn groups_alone_leave_the_user() {
        let groups = |groups: &[u32]| Who { user: None, groups: Some(groups.to_vec()) };
        let main = Attributes::default();
        assert_eq!(between(&main, &root(), &groups(&[])), [Step::Groups(vec![])]);
        assert_eq!(between(&main, &root(), &groups(&[0])), []);
    }

    #[test]
    fn capabilities_alone_leave_the_user() {
        let main = Attributes {
            capabilities: capabilities::Spec { drop: list("all"), keep: None, ambient: None },
            ..Attributes::default()
        };
        let all = root().capabilities.bounding;
        let expected = [Step::DropBounding(all), Step::Capabilities(Base::default())];
        assert_eq!(between(&main, &root(), &nobody()), expected);
        assert_eq!(between(&main, &inherited(), &nobody()), [], "there is nothing to drop");
    }

    #[test]
    fn the_terminal_is_given_to_the_command_only_by_who_has_it() {
        let given = |session, terminal_state, leads_session, shares_job| {
            let grouping = if session { Grouping::Session } else { Grouping::Group };
            let main = Attributes { grouping, ..Attributes::default() };
            let inherited = Inherited { terminal_state, leads_session, shares_job, ..inherited() };
            let mut steps = steps(&main, &inherited, &nobody(), current).unwrap();
            assert_eq!(steps.pop(), Some(Step::Mask(SignalSet::EMPTY)));
            let group = if session { Step::Session } else { Step::ProcessGroup };
            assert_eq!(steps.remove(0), group);
            steps
        };
        for leads_session in [false, true] {
            for shares_job in [false, true] {
                for terminal_state in [TerminalState::NoTerminal, TerminalState::Background] {
                    for session in [false, true] {
                        assert_eq!(given(session, terminal_state, leads_session, shares_job), []);
                    }
                }
                let has_it = TerminalState::Foreground;
                let group = if shares_job { vec![] } else { vec![Step::Foreground] };
                assert_eq!(given(false, has_it, leads_session, shares_job), group);
                let session = if leads_session { vec![Step::Terminal] } else { vec![] };
                assert_eq!(given(true, has_it, leads_session, shares_job), session);
            }
        }
    }

    #[test]
    fn in_sextons_own_group_the_command_has_the_terminal_as_sexton_has_it() {
        let main = Attributes { grouping: Grouping::Shared, ..Attributes::default() };
        let inherited = Inherited { terminal_state: TerminalState::Foreground, ..inherited() };
        let steps = steps(&main, &inherited, &nobody(), current).unwrap();
        assert_eq!(steps, [Step::Mask(SignalSet::EMPTY)]);
    }

    #[test]
    fn one_path_for_output_and_errors_is_opened_once() {
        let file = |append| Some(Redirection { path: c"log".to_owned(), append });
        for append in [false, true] {
            let stdio = [None, file(append), file(append)];
            let main = Attributes { stdio, ..Attributes::default() };
            let expected = [Step::Open(Stream::Output, file(append).unwrap()), Step::ShareOutput];
            assert_eq!(between(&main, &inherited(), &nobody()), expected);
        }
        let main = Attributes { stdio: [None, file(true), file(false)], ..Attributes::default() };
        assert_eq!(between(&main, &inherited(), &nobody()).len(), 2);
        let main = Attributes { stdio: [None, None, file(true)], ..Attributes::default() };
        let expected = [Step::Open(Stream::Error, file(true).unwrap())];
        assert_eq!(between(&main, &inherited(), &nobody()), expected);
    }

    #[test]
    fn streams_by_their_names_are_duplicated_before_any_file_is_opened() {
        let file = |path: &CStr| Some(Redirection { path: path.to_owned(), append: false });
        let with = |stdio| Attributes { stdio, ..Attributes::default() };
        let of = |stdio| between(&with(stdio), &inherited(), &nobody());
        // Each of the other, and of a file that comes later.
        let exchanged = of([None, file(c"/dev/stderr"), file(c"-")]);
        assert_eq!(exchanged, [Step::Duplicate([None, Some(2), Some(1)])]);
        let text = exchanged.first().map(ToString::to_string);
        let told = "duplicate standard error as standard output, standard output as standard error";
        assert_eq!(text.as_deref(), Some(told));
        let mixed = of([file(c"/dev/fd/7"), file(c"log"), file(c"/proc/1/fd/1")]);
        let open = Step::Open(Stream::Output, file(c"log").unwrap());
        assert_eq!(mixed, [Step::Duplicate([Some(7), None, Some(1)]), open]);
        // What it is already; the input's dash is the input.
        assert_eq!(of([file(c"-"), file(c"-"), file(c"/dev/stderr")]), []);
        // Another process's is added to.
        let foreign = c"/proc/7/fd/1";
        let added = Redirection { path: foreign.to_owned(), append: true };
        assert_eq!(of([None, file(foreign), None]), [Step::Open(Stream::Output, added)]);
    }

    #[test]
    fn a_stream_that_the_command_has_under_another_number_is_given_to_it_too() {
        let file = |path: &CStr| Some(Redirection { path: path.to_owned(), append: false });
        let roots = Some(OwnedStream { owner: ROOT, terminal: false });
        let inherited = Inherited { streams: [None, roots, roots], ..root() };
        for (stdio, given) in [
            ([None, None, None], &[Stream::Output, Stream::Error][..]),
            ([None, file(c"log"), None], &[Stream::Error]),
            ([None, file(c"/dev/stderr"), None], &[Stream::Error]),
            ([None, file(c"/dev/stderr"), file(c"-")], &[Stream::Output, Stream::Error]),
            ([None, file(c"-"), file(c"log")], &[Stream::Output]),
            ([None, file(c"log"), file(c"log")], &[]),
        ] {
            let main = Attributes { stdio, ..Attributes::default() };
            let steps = between(&main, &inherited, &app());
            let found = steps.iter().filter_map(|step| match step {
                Step::GiveStream(stream, 1000) => Some(*stream),
                _ => None,
            });
            assert_eq!(found.collect::<Vec<_>>(), given, "{:?}", main.stdio);
        }
    }

    #[test]
    fn a_limit_of_which_one_side_is_raised_comes_first() {
        let main = Attributes { nice: Some(1), ..limited(&["as=5:20", "data=5:21", "cpu=10:20"]) };
        let order: Vec<_> = between(&main, &inherited(), &nobody())
            .iter()
            .map(|step| match step {
                Step::Limit(resource, _) => resource.name(),
                _ => "nice value",
            })
            .collect();
        assert_eq!(order, ["data", "nice value", "as", "cpu"]);
    }

    #[test]
    fn what_cannot_be_is_found_before_the_fork() {
        let error =
            steps(&limited(&["core=21:max"]), &inherited(), &nobody(), current).unwrap_err();
        assert!(error.to_string().contains("unable to set limit core: "), "{error}");
        let main = Attributes {
            capabilities: capabilities::Spec { ambient: list("net_raw"), ..Default::default() },
            ..Attributes::default()
        };
        let error = steps(&main, &root(), &nobody(), current).unwrap_err().to_string();
        assert!(error.contains("give main its capabilities: sexton was started without net_raw"));
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
}
