//! The list of steps that the plan asks for, in their order, built and checked before the fork.

#![forbid(unsafe_code)]

#[cfg(feature = "landlock")]
use crate::child::confine;
use crate::child::identity::Credentials;
use crate::child::inherited::Inherited;
use crate::child::step::Step;
use crate::plan::{Attributes, Grouping};
use crate::values::capabilities::ROOT;
use crate::values::error::Error;
use crate::values::rlimit::{Limits, Resource};
use crate::values::signal::Signal;
use crate::values::stdio::{Redirection, Stream};
use crate::values::stream_name::{self, Name};
use crate::values::terminal_state::TerminalState;

/// The child's steps, in an order that matters:
///
/// 1. The session or the process group, then the terminal: a group must be there before it can be the foreground
///    group. SIGTTOU is still blocked then; unblocked it would stop a background process that asks for the terminal.
///    sexton gives the terminal away only if it has it, and has it alone: in a shell's pipeline or script the others
///    keep it, and the command is given it when it asks. A new session can only get the terminal of a session that
///    sexton leads.
/// 2. Limits that are raised: raising may need privilege, and `nice` and `rtprio` bound the next steps.
/// 3. Memory pressure and scheduling, which may need privilege.
/// 4. Standard streams, as an engine gives them to the user that it is to run as. Then groups, the bounding set, and
///    the user: each takes away what those before it need.
/// 5. The other capability sets, which a change of user clears, and `no_new_privs`. Then the signal for the end of
///    sexton, which a change of user or of capabilities clears.
/// 6. Umask, directory and files, with the rights of the command and not of sexton: so no path that the command's user
///    has laid out leads further than that user may go. Then the confinement, which is to bind the command and not
///    these steps; and all other descriptors, of which the ruleset is one.
/// 7. Limits that are lowered: before, they would bound the steps above.
/// 8. Dispositions, then the mask: a pending signal takes effect when it is unblocked, so all else must be done.
///
/// # Errors
/// What can be known before the fork: a soft limit above the hard one that `current` gives, an ambient capability that
/// sexton does not have, a confinement that the kernel cannot make.
pub fn steps(
    attributes: &Attributes,
    inherited: &Inherited,
    credentials: &Credentials,
    current: impl Fn(Resource) -> Limits,
) -> Result<Vec<Step>, Error> {
    let has_terminal = inherited.terminal_state == TerminalState::Foreground;
    let mut steps = Vec::new();
    match attributes.grouping {
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
    let (raised, lowered) = limits(attributes, current)?;
    steps.extend(raised);
    steps.extend(attributes.oom_score_adj.map(Step::OomScoreAdj));
    steps.extend(attributes.io_priority.map(Step::IoPriority));
    steps.extend(attributes.scheduler.map(Step::Scheduler));
    steps.extend(attributes.nice.map(Step::Nice));
    steps.extend(attributes.cpus.clone().map(Step::Cpus));
    privileges(attributes, inherited, credentials, &mut steps)?;
    if attributes.no_new_privs {
        steps.push(Step::NoNewPrivs);
    }
    let parent_death = |signal| Step::ParentDeath(signal, inherited.parent);
    steps.extend(inherited.parent_death_signal.map(parent_death));
    steps.extend(attributes.umask.map(Step::Umask));
    steps.extend(attributes.directory.clone().map(Step::Directory));
    redirect(attributes, inherited.pid, &mut steps);
    #[cfg(feature = "landlock")]
    if let Some(step) = confine::step(&attributes.confinement)? {
        steps.push(step);
    }
    if attributes.close_fds {
        steps.push(Step::CloseOthers(inherited.listen_fds));
    }
    steps.extend(lowered);
    if inherited.sigchld_ignored {
        steps.push(Step::Ignore(Signal::CHLD));
    }
    steps.push(Step::Mask(inherited.mask));
    Ok(steps)
}

/// The standard streams. Duplicates come first, because a file that is opened may take the place of their original.
fn redirect(attributes: &Attributes, pid: i32, steps: &mut Vec<Step>) {
    let mut duplicates = [None; 3];
    for (stream, _, from) in duplicated(attributes, pid) {
        if let Some(slot) = duplicates.get_mut(stream as usize)
            && from != stream as i32
        {
            *slot = Some(from);
        }
    }
    if duplicates.iter().any(Option::is_some) {
        steps.push(Step::Duplicate(duplicates));
    }
    let [_, stdout, stderr] = &attributes.stdio;
    for (stream, file) in Stream::ALL.into_iter().zip(&attributes.stdio) {
        let Some(file) = file else { continue };
        let append = match stream_name::name(&file.path, stream.dash(), pid) {
            Name::Own(_) => continue,
            // Another process writes to the file as well, and what it has written must not be lost.
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

/// The streams that are to be duplicates of a descriptor that sexton was started with, with the descriptor's number.
pub fn duplicated(
    attributes: &Attributes,
    pid: i32,
) -> impl Iterator<Item = (Stream, &Redirection, i32)> {
    let streams = Stream::ALL.into_iter().zip(&attributes.stdio);
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
    attributes: &Attributes,
    current: impl Fn(Resource) -> Limits,
) -> Result<(Vec<Step>, Vec<Step>), Error> {
    let (mut raised, mut lowered) = (Vec::new(), Vec::new());
    for spec in &attributes.limits {
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
    attributes: &Attributes,
    inherited: &Inherited,
    credentials: &Credentials,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    if let Some(user) = &credentials.user {
        steps.extend(streams_to_give(attributes, inherited, user.uid));
    }
    // setgroups(2) needs privilege even if it changes nothing.
    if let Some(groups) = &credentials.groups
        && !is_same_set(groups, &inherited.groups)
    {
        steps.push(Step::Groups(groups.clone()));
    }
    let uid = credentials.user.as_ref().map(|user| user.uid);
    steps.extend(credentials.user.as_ref().map(|user| Step::Gid(user.gid)));
    if !attributes.changes_capabilities() {
        return Ok(());
    }
    let held = inherited.capabilities;
    let change = attributes
        .capabilities
        .resolve(held, uid)
        .map_err(|reason| Error::unable("set the capabilities", reason))?;
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

/// The streams that the command could not open again by their names, because they are another user's. A terminal
/// belongs to the container only if sexton is PID 1; elsewhere it belongs to the user who works at it.
fn streams_to_give(
    attributes: &Attributes,
    inherited: &Inherited,
    uid: u32,
) -> impl Iterator<Item = Step> {
    let pid = inherited.pid;
    let streams = Stream::ALL.into_iter().zip(inherited.streams).zip(&attributes.stdio);
    streams.filter_map(move |((stream, owned), file)| {
        let owned = owned?;
        let is_commands = pid == 1 || !owned.terminal;
        let used =
            file.is_none() || duplicated(attributes, pid).any(|(.., from)| from == stream as i32);
        let give = is_commands && used && owned.owner != uid;
        give.then_some(Step::GiveStream(stream, uid))
    })
}

fn is_same_set(one: &[u32], other: &[u32]) -> bool {
    one.iter().all(|id| other.contains(id)) && other.iter().all(|id| one.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::capabilities::List;
    use crate::values::capabilities::{self, Base, CapabilitySet, Sets};
    use crate::values::rlimit::Spec;
    use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
    use crate::values::signal::SignalSet;
    use crate::values::stdio::OwnedStream;
    use crate::values::user::Identity;
    use std::ffi::CStr;

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

    fn app() -> Credentials {
        let user =
            Identity { uid: 1000, gid: 50, groups: vec![50, 60], login: None, names_user: true };
        Credentials { groups: Some(user.groups.clone()), user: Some(user) }
    }

    fn nobody() -> Credentials {
        Credentials::default()
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
        let attributes = Attributes::default();
        assert_eq!(steps(&attributes, &root(), &nobody(), current).unwrap(), expected);
    }

    #[test]
    fn all_steps_stand_in_their_order() {
        let file = |path: &CStr| Some(Redirection { path: path.to_owned(), append: false });
        let attributes = Attributes {
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
        assert_eq!(steps(&attributes, &inherited, &app(), current).unwrap(), expected);
    }

    /// The steps between the first and the last.
    fn between(
        attributes: &Attributes,
        inherited: &Inherited,
        credentials: &Credentials,
    ) -> Vec<Step> {
        let steps = steps(attributes, inherited, credentials, current).unwrap();
        steps[1..steps.len() - 1].to_vec()
    }

    fn as_app() -> Attributes {
        Attributes {
            user: Some(crate::plan::Given {
                value: crate::values::user::Spec::parse("1000", false).unwrap(),
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
            let attributes = Attributes { stdio, ..as_app() };
            let steps = between(&attributes, &inherited, &app()).into_iter();
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
        let groups = |groups: &[u32]| Credentials { user: None, groups: Some(groups.to_vec()) };
        let attributes = Attributes::default();
        assert_eq!(between(&attributes, &root(), &groups(&[])), [Step::Groups(vec![])]);
        assert_eq!(between(&attributes, &root(), &groups(&[0])), []);
    }

    #[test]
    fn capabilities_alone_leave_the_user() {
        let attributes = Attributes {
            capabilities: capabilities::Spec { drop: list("all"), keep: None, ambient: None },
            ..Attributes::default()
        };
        let all = root().capabilities.bounding;
        let expected = [Step::DropBounding(all), Step::Capabilities(Base::default())];
        assert_eq!(between(&attributes, &root(), &nobody()), expected);
        assert_eq!(between(&attributes, &inherited(), &nobody()), [], "there is nothing to drop");
    }

    #[test]
    fn the_terminal_is_given_to_the_command_only_by_who_has_it() {
        let given = |session, terminal_state, leads_session, shares_job| {
            let grouping = if session { Grouping::Session } else { Grouping::Group };
            let attributes = Attributes { grouping, ..Attributes::default() };
            let inherited = Inherited { terminal_state, leads_session, shares_job, ..inherited() };
            let mut steps = steps(&attributes, &inherited, &nobody(), current).unwrap();
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
        let attributes = Attributes { grouping: Grouping::Shared, ..Attributes::default() };
        let inherited = Inherited { terminal_state: TerminalState::Foreground, ..inherited() };
        let steps = steps(&attributes, &inherited, &nobody(), current).unwrap();
        assert_eq!(steps, [Step::Mask(SignalSet::EMPTY)]);
    }

    #[test]
    fn one_path_for_output_and_errors_is_opened_once() {
        let file = |append| Some(Redirection { path: c"log".to_owned(), append });
        for append in [false, true] {
            let stdio = [None, file(append), file(append)];
            let attributes = Attributes { stdio, ..Attributes::default() };
            let expected = [Step::Open(Stream::Output, file(append).unwrap()), Step::ShareOutput];
            assert_eq!(between(&attributes, &inherited(), &nobody()), expected);
        }
        let attributes =
            Attributes { stdio: [None, file(true), file(false)], ..Attributes::default() };
        assert_eq!(between(&attributes, &inherited(), &nobody()).len(), 2);
        let attributes = Attributes { stdio: [None, None, file(true)], ..Attributes::default() };
        let expected = [Step::Open(Stream::Error, file(true).unwrap())];
        assert_eq!(between(&attributes, &inherited(), &nobody()), expected);
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
            let attributes = Attributes { stdio, ..Attributes::default() };
            let steps = between(&attributes, &inherited, &app());
            let found = steps.iter().filter_map(|step| match step {
                Step::GiveStream(stream, 1000) => Some(*stream),
                _ => None,
            });
            assert_eq!(found.collect::<Vec<_>>(), given, "{:?}", attributes.stdio);
        }
    }

    #[test]
    fn a_limit_of_which_one_side_is_raised_comes_first() {
        let attributes =
            Attributes { nice: Some(1), ..limited(&["as=5:20", "data=5:21", "cpu=10:20"]) };
        let order: Vec<_> = between(&attributes, &inherited(), &nobody())
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
        let attributes = Attributes {
            capabilities: capabilities::Spec { ambient: list("net_raw"), ..Default::default() },
            ..Attributes::default()
        };
        let error = steps(&attributes, &root(), &nobody(), current).unwrap_err().to_string();
        assert!(error.contains("set the capabilities: sexton does not have net_raw"));
    }
}
