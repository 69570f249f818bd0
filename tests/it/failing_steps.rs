//! SPEC 5 and 6: a step that fails names itself, the value, the reason, and what would help; the status is
//! 125, and the command is not run. Every step there is (`Step` in src/child/step.rs) is made to fail.

use crate::harness::{Folder, Place, Setup, Terminal};
use crate::worlds::*;
use nix::libc;

const EPERM: i32 = libc::EPERM;

/// One way for a step to fail.
struct Case {
    /// The name of the step in src/child/step.rs.
    step: &'static str,
    flags: Vec<String>,
    world: Box<dyn Fn(Setup) -> Setup>,
    /// What follows `sexton: fatal: unable to `.
    message: String,
    hint: Option<&'static str>,
}

fn case(
    step: &'static str,
    flags: &[&str],
    world: impl Fn(Setup) -> Setup + 'static,
    message: impl Into<String>,
    hint: Option<&'static str>,
) -> Case {
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Case { step, flags, world: Box::new(world), message: message.into(), hint }
}

/// These have no case, as they cannot fail.
const CANNOT_FAIL: [(&str, &str); 5] = [
    ("Umask", "umask(2) has no errors"),
    ("GiveStream", "main has the descriptor in any case, so it is done if it can be"),
    (
        "CloseOthers",
        "what cannot be closed is not open, and there is a fallback for close_range(2)",
    ),
    ("Mask", "sigprocmask(2) has errors for invalid arguments only"),
    ("Ignore", "sigaction(2) has errors for invalid arguments only"),
];

const PRCTL: i64 = libc::SYS_prctl;
/// prctl(2) with this option alone.
fn option(option: i32) -> Option<(u32, u32)> {
    Some((0, option as u32))
}

fn as_it_is(setup: Setup) -> Setup {
    setup
}

fn failing(
    call: i64,
    argument: Option<(u32, u32)>,
    errno: i32,
) -> impl Fn(Setup) -> Setup + 'static {
    move |setup| setup.failing(call, argument, errno)
}

const UNMAPPED: &str = "the user namespace has no such ID: see /proc/self/uid_map and gid_map";
const SECUREBIT: &str = "a securebit forbids it: see capabilities(7)";
const AS_USER: &str = "this step runs as the command's user, with its capabilities";
const SETGROUPS: &str = "it needs CAP_SETGID, and a user namespace that does not deny setgroups";

/// The command is to end with a sexton that is started with that wish.
fn with_a_parent_death_signal(setup: Setup) -> Setup {
    setup.place(Place::Child).prepare(|| {
        // SAFETY: takes integers only.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0) };
    })
}

/// Session, limits, scheduling.
fn session_limits_and_scheduling() -> Vec<Case> {
    const RAISED: &str =
        "raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace";
    const REFUSED: &str = "Linux always allows it: a seccomp filter, a security module or another kernel (gVisor) \
                           refused it";
    const PRLIMIT: i64 = libc::SYS_prlimit64;
    vec![
        case(
            "Session",
            &["--setsid"],
            failing(libc::SYS_setsid, None, EPERM),
            "create a session: operation not permitted",
            None,
        ),
        case(
            "ProcessGroup",
            &[],
            failing(libc::SYS_setpgid, None, EPERM),
            "create a process group: operation not permitted",
            None,
        ),
        case(
            "Limit",
            &["--rlimit=nofile=2000:2001"],
            |setup| without_sys_resource(setup).limit(7, 100, 1000),
            "set limit nofile to 2000:2001: operation not permitted",
            Some(RAISED),
        ),
        case(
            "Limit",
            &["--rlimit=core=1G:2G"],
            |setup| without_sys_resource(setup).limit(4, 1 << 20, 1 << 30),
            "set limit core to 1073741824:2147483648: operation not permitted",
            Some(RAISED),
        ),
        case(
            "Limit",
            &["--rlimit=nofile=2000000000"],
            as_it_is,
            "set limit nofile to 2000000000:2000000000: operation not permitted",
            Some("the largest hard limit nofile is in /proc/sys/fs/nr_open"),
        ),
        case(
            "Limit",
            &["--rlimit=nofile=2000:2001"],
            |setup| without_sys_resource(setup).limit(7, 100, 1000).without_proc(),
            "set limit nofile to 2000:2001: operation not permitted",
            Some(
                "raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace, \
                 and nofile is limited by fs.nr_open",
            ),
        ),
        case(
            "Limit",
            &["--rlimit=core=0"], // one that is lowered
            failing(PRLIMIT, Some((1, 4)), libc::EINVAL),
            "set limit core to 0:0: invalid argument",
            None,
        ),
        case(
            "Limit",
            &["--rlimit=core=0"],
            failing(PRLIMIT, Some((1, 4)), EPERM),
            "set limit core to 0:0: operation not permitted",
            Some(REFUSED),
        ),
        case(
            "OomScoreAdj",
            &["--oom-score-adj=5"],
            Setup::without_proc,
            "set oom_score_adj to 5: no such file or directory",
            Some("it is set through /proc, which is not mounted or of another PID namespace"),
        ),
        case(
            "OomScoreAdj",
            &["--oom-score-adj=-1000"],
            without_sys_resource,
            "set oom_score_adj to -1000: permission denied",
            Some("lowering it needs CAP_SYS_RESOURCE in the initial user namespace"),
        ),
        case(
            "IoPriority",
            &["--ionice=realtime:3"],
            without_nice,
            "set the I/O scheduling class to realtime:3: operation not permitted",
            Some("realtime needs CAP_SYS_NICE in the initial user namespace"),
        ),
        case(
            "IoPriority",
            &["--ionice=idle"],
            failing(libc::SYS_ioprio_set, None, EPERM),
            "set the I/O scheduling class to idle: operation not permitted",
            Some(REFUSED),
        ),
        case(
            "Scheduler",
            &["--sched=fifo:5"],
            without_nice,
            "set the scheduling policy to fifo:5: operation not permitted",
            Some(
                "realtime needs CAP_SYS_NICE in the initial user namespace or a limit rtprio, and a realtime \
                 budget of the cgroup",
            ),
        ),
        case(
            "Scheduler",
            &["--sched=batch"],
            without_nice_and_idle,
            "set the scheduling policy to batch: operation not permitted",
            Some(
                "leaving the policy idle needs CAP_SYS_NICE in the initial user \
                 namespace or a limit nice",
            ),
        ),
        case(
            "Scheduler",
            &["--sched=idle"],
            failing(libc::SYS_sched_setscheduler, None, EPERM),
            "set the scheduling policy to idle: operation not permitted",
            Some(REFUSED),
        ),
        case(
            "Nice",
            &["--nice=-5"],
            without_nice,
            "set the niceness to -5: permission denied",
            Some(
                "lowering the niceness needs CAP_SYS_NICE in the initial user namespace or a \
                 limit nice",
            ),
        ),
        case(
            "Nice",
            &["--nice=5"],
            failing(libc::SYS_setpriority, None, EPERM),
            "set the niceness to 5: operation not permitted",
            Some(REFUSED),
        ),
        case(
            "Cpus",
            &["--cpus=0,1023"], // the kernel would leave out the one that is missing
            as_it_is,
            "run on CPUs 0,1023: invalid argument",
            Some(
                "some do not exist or are outside of the cpuset: see Cpus_allowed_list in /proc/self/status",
            ),
        ),
    ]
}

fn users_and_capabilities() -> Vec<Case> {
    vec![
        case(
            "Groups",
            &["--groups=5,6"],
            without_setgid,
            "set the supplementary groups to 5,6: operation not permitted",
            Some(SETGROUPS),
        ),
        case(
            "Groups",
            &["--groups=5"],
            in_a_user_namespace,
            "set the supplementary groups to 5: operation not permitted",
            Some(SETGROUPS),
        ),
        case(
            "Groups",
            &["--groups=5"],
            failing(libc::SYS_setgroups, None, libc::EINVAL),
            "set the supplementary groups to 5: invalid argument",
            Some(UNMAPPED),
        ),
        case(
            "Gid",
            &["--user=1000:50", "--groups=1000"],
            |setup| setup.user(1000),
            "set the group ID to 50: operation not permitted",
            Some(NOT_ROOT),
        ),
        case(
            "Gid",
            &["--user=0:50", "--groups=7"],
            |setup| no_change_of_groups(in_a_user_namespace(setup)),
            "set the group ID to 50: invalid argument",
            Some(UNMAPPED),
        ),
        case(
            "DropBounding",
            &["--cap-drop=chown,net_raw"],
            without_setpcap,
            "drop from the bounding set: chown, net_raw: operation not permitted",
            Some("it needs CAP_SETPCAP"),
        ),
        case(
            "KeepCapabilities",
            &["--user=1000", "--cap-ambient=kill"],
            keep_capabilities_is_locked,
            "keep capabilities when the user changes: operation not permitted",
            Some(SECUREBIT),
        ),
        case(
            "Uid",
            &["--user=1000"],
            without_setuid,
            "set the user ID to 1000: operation not permitted",
            Some("it needs CAP_SETUID"),
        ),
        case(
            "Uid",
            &["--user=1000:0", "--groups=7"],
            |setup| no_change_of_groups(in_a_user_namespace(setup)),
            "set the user ID to 1000: invalid argument",
            Some(UNMAPPED),
        ),
        case(
            "Capabilities",
            &["--user=1000", "--cap-ambient=kill"],
            failing(libc::SYS_capset, None, EPERM),
            "set capabilities: effective kill; permitted kill; inheritable kill: operation not \
             permitted",
            None,
        ),
        case(
            "RaiseAmbient",
            &["--user=1000", "--cap-ambient=kill,chown"],
            ambient_is_forbidden,
            "raise ambient capabilities: chown, kill: operation not permitted",
            Some(SECUREBIT),
        ),
        case(
            "RaiseAmbient",
            &["--cap-ambient=kill"],
            failing(PRCTL, option(libc::PR_CAP_AMBIENT), libc::EINVAL), // before Linux 4.3
            "raise ambient capabilities: kill: invalid argument",
            Some("this kernel has no ambient capabilities: Linux before 4.3, gVisor"),
        ),
        case(
            "NoNewPrivs",
            &["--no-new-privs"],
            failing(PRCTL, option(libc::PR_SET_NO_NEW_PRIVS), libc::EINVAL), // before Linux 3.5
            "set no_new_privs: invalid argument",
            None,
        ),
        case(
            "Confine",
            &["--tcp-bind=80"],
            failing(libc::SYS_landlock_restrict_self, None, libc::E2BIG), // by 16 rulesets already
            "confine the command: --tcp-bind 80: argument list too long",
            None,
        ),
    ]
}

fn parent_death() -> Case {
    case(
        "ParentDeath",
        &[],
        |setup| {
            let fails = option(libc::PR_SET_PDEATHSIG);
            with_a_parent_death_signal(setup).failing(PRCTL, fails, libc::EINVAL)
        },
        "request SIGTERM when the parent ends: invalid argument",
        None,
    )
}

fn files(folder: &Folder) -> Vec<Case> {
    let private = folder.file("private/file", "600", "");
    let closed = private.strip_suffix("/file").unwrap().to_owned();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&closed, mode).unwrap();
    #[cfg(target_arch = "x86_64")]
    const DUPLICATE: i64 = libc::SYS_dup2;
    #[cfg(not(target_arch = "x86_64"))]
    const DUPLICATE: i64 = libc::SYS_dup3;
    vec![
        case(
            "Directory",
            &["--chdir=/no/such\n\u{e9}"],
            as_it_is,
            "change the working directory to '/no/such\\né': no such file or directory",
            None,
        ),
        case(
            "Directory",
            &["--chdir=/etc/passwd"],
            as_it_is,
            "change the working directory to '/etc/passwd': not a directory",
            None,
        ),
        case(
            "Directory",
            &["--user=1000", "--chdir", &closed],
            as_it_is,
            format!("change the working directory to '{closed}': permission denied"),
            Some(AS_USER),
        ),
        case(
            "Open",
            &["--stdin=/no/such"],
            as_it_is,
            "open '/no/such' as standard input: no such file or directory",
            None,
        ),
        case(
            "Open",
            &["--stdout=/no/such"],
            as_it_is,
            "write to '/no/such' as standard output: no such file or directory",
            None,
        ),
        case(
            "Open",
            &["--stderr=>>/usr"],
            as_it_is,
            "append to '/usr' as standard error: is a directory",
            None,
        ),
        case(
            "Open",
            &["--user=1000", "--stdin", &private],
            as_it_is,
            format!("open '{private}' as standard input: permission denied"),
            Some(AS_USER),
        ),
        case(
            "Duplicate",
            &["--stdout=/dev/stderr"],
            failing(DUPLICATE, Some((1, 1)), libc::EBADF),
            "duplicate standard error as standard output: bad file descriptor",
            None,
        ),
        case(
            "ShareOutput",
            &["--stdout=/dev/null", "--stderr=/dev/null"],
            failing(DUPLICATE, Some((0, 1)), libc::EBADF),
            "write standard error to the same file: bad file descriptor",
            None,
        ),
    ]
}

/// The hint where sexton itself is not root.
const NOT_ROOT: &str = "sexton is not root: set the user in the engine (USER, --user, runAsUser) or in sexton, \
                        not in both";

/// The names of all steps, out of the source.
fn all_steps() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/child/step.rs");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, body) = text.split_once("pub enum Step {\n").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let names = body.lines().map(str::trim).filter(|line| !line.starts_with(['/', '#']));
    names.map(|line| line.split([',', '(', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_failed_step_is_logged_and_the_command_is_not_run() {
    let folder = Folder::new("failing");
    let cases: Vec<Case> = [
        session_limits_and_scheduling(),
        users_and_capabilities(),
        vec![parent_death()],
        files(&folder),
    ]
    .into_iter()
    .flatten()
    .collect();
    for Case { step, flags, world, message, hint } in &cases {
        let main = ["sh", "-c", "echo main was run; echo main was run >&2"].map(str::to_owned);
        let ended = world(Setup::new(&[&flags[..], &main].concat())).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{step} {flags:?}: {ended:?}");
        let hint = hint.map_or(String::new(), |hint| format!("sexton: hint: {hint}\n"));
        let expected = format!("sexton: fatal: unable to {message}\n{hint}");
        assert_eq!(ended.stderr, expected, "{step} {flags:?}");
    }
    // These two have tests of their own.
    let on_terminals = ["Foreground", "Terminal"];
    let covered: Vec<&str> = cases.iter().map(|case| case.step).chain(on_terminals).collect();
    let exempt = CANNOT_FAIL.map(|(step, _)| step);
    let steps = all_steps();
    assert!(steps.len() >= 26, "only {steps:?} were found");
    for step in &steps {
        let (covered, exempt) = (covered.contains(&step.as_str()), exempt.contains(&step.as_str()));
        assert!(covered != exempt, "{step} has no case, or is said not to fail and has one");
    }
    let known = |step: &&str| steps.iter().any(|known| known == step);
    assert!(covered.iter().chain(&exempt).all(known), "{covered:?} {exempt:?}");
}

#[test]
fn a_terminal_that_the_command_cannot_have_is_logged() {
    let mut terminal = Terminal::new();
    let running = Setup::new(&["echo", "main was run"])
        .terminal(&terminal.program)
        .failing(libc::SYS_ioctl, Some((1, libc::TIOCSPGRP as u32)), EPERM)
        .start();
    let step = "become the terminal's foreground process group";
    let told = format!("sexton: fatal: unable to {step}: operation not permitted\r\n");
    assert_eq!(terminal.expect(&told), "");
    assert_eq!(running.end().status, 125);
}

/// gVisor gives no terminal to another session, and any terminal may go away.
#[test]
fn a_command_runs_without_a_terminal_that_cannot_be_taken_over() {
    let (take, give_up) = (libc::TIOCSCTTY as u32, libc::TIOCNOTTY as u32);
    let session = "take over sexton's controlling terminal";
    let group = "become the terminal's foreground process group";
    for (flag, request, errno, step) in [
        ("--setsid", take, libc::ENOTTY, session),
        ("--setsid", take, EPERM, session),
        ("--setsid", give_up, libc::ENOTTY, session),
        ("--", libc::TIOCSPGRP as u32, libc::ENOTTY, group),
        ("--", libc::TIOCSPGRP as u32, libc::EIO, group),
    ] {
        let start = |flags: &[&str], terminal: &Terminal| {
            let words = [flags, &["sh", "-c", "echo main was run; exit 3"]].concat();
            let setup = Setup::new(&words).terminal(&terminal.program);
            setup.failing(libc::SYS_ioctl, Some((1, request)), errno).start()
        };
        let mut terminal = Terminal::new();
        assert_eq!(start(&[flag], &terminal).end().status, 3, "{flag} {request:#x}");
        assert_eq!(terminal.shown(), "main was run\r\n", "{flag} {request:#x}");
        let mut terminal = Terminal::new();
        assert_eq!(start(&["-v", flag], &terminal).end().status, 3);
        let logged = format!("sexton: info: skipped a step: unable to {step}: ");
        assert!(terminal.shown().contains(&logged), "{logged:?}: {:?}", terminal.shown());
    }
}

/// What sexton does itself, before the fork.
#[test]
fn a_failure_before_the_fork_is_logged_too() {
    const NPROC: i32 = 6;
    let nobody_else = 100_000 + std::process::id();
    let setup = |flags: &[&str]| Setup::new(&[flags, &["echo", "main was run"]].concat());
    for (setup, message) in [
        (
            setup(&["--pdeathsig=INT"]).failing(
                PRCTL,
                option(libc::PR_SET_PDEATHSIG),
                libc::EINVAL,
            ),
            "request SIGINT when the parent ends: invalid argument\n",
        ),
        (
            setup(&["--groups=5"]).failing(libc::SYS_getgroups, None, EPERM),
            "look up the supplementary groups: operation not permitted\n",
        ),
        (
            setup(&["--cap-drop=all"]).failing(libc::SYS_capget, None, EPERM),
            "look up the capabilities: operation not permitted\n",
        ),
        (
            setup(&["--cap-drop=all", "--cap-ambient=kill,sys_boot"])
                .prepare(|| drop_capabilities(&[5, 22])),
            "set the capabilities: sexton does not have kill, sys_boot\n",
        ),
        (
            setup(&[]).user(nobody_else).limit(NPROC, 1, 1),
            "start a process: resource temporarily unavailable\n\
             sexton: hint: a limit on processes is reached: nproc, pids cgroup, or kernel (pid_max, threads-max)\n",
        ),
    ] {
        let ended = setup.run();
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
        assert_eq!(ended.stderr, format!("sexton: fatal: unable to {message}"));
    }
}

/// Nobody but root may write to what /proc has of a process whose program its user may not read. That is no matter of
/// CAP_SYS_RESOURCE.
#[test]
fn an_oom_score_that_is_raised_needs_no_capability() {
    let folder = Folder::new("failing-oom").open_to_all();
    let program = folder.copy("sexton", "711", crate::harness::sexton().to_str().unwrap());
    let setup = |value| {
        let words = [value, "echo", "main was run"];
        Setup::program(program.as_ref(), &words).user(400_000 + std::process::id())
    };
    let ended = setup("--oom-score-adj=1000").run();
    let message = "sexton: fatal: unable to set oom_score_adj to 1000: permission denied\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (125, message));
    let ended = setup("--oom-score-adj=-1000").run();
    assert!(ended.stderr.contains("hint: lowering it needs CAP_SYS_RESOURCE"), "{ended:?}");
}

/// What the command does not depend on.
#[test]
fn sexton_s_own_capabilities_are_given_up_if_that_is_possible() {
    let setup = Setup::new(&["echo", "main was run"]);
    let ended = setup.failing(libc::SYS_capset, None, EPERM).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "main was run\n"));
    assert_eq!(ended.stderr, "");
}
