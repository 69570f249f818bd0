//! What the command is given other than sexton was given it: user, groups, capabilities, limits, scheduling,
//! directory, environment, streams. And `--dry-run`, which only says so.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::dockerfile::{build, new_tag};
use crate::engine::{self, Container, Engine, Run};
use crate::process;
use crate::status::{assert_refusal, assert_refused};
use crate::stop::{AT_ONCE, DAEMON, KILLING, OBEDIENT};

on_each_engine!(
    a_user_other_than_root_serves_port_80,
    four_capabilities_are_enough_to_serve_port_80,
    without_the_ambient_capability_port_80_is_refused,
    what_the_engine_gives_another_user_is_what_the_command_has,
    an_ambient_capability_can_only_be_one_that_sexton_has,
    a_user_by_name_is_who_the_engine_makes_of_it,
    a_user_by_number_with_an_entry_is_the_same,
    a_group_that_is_named_is_the_only_one,
    groups_that_are_listed_take_the_place_of_the_users,
    a_user_by_number_needs_no_files,
    numbers_need_no_files_that_can_be_read,
    a_variable_of_a_login_can_be_set_otherwise,
    a_name_that_cannot_be_looked_up_is_an_error,
    sexton_keeps_nothing_but_the_capability_to_signal,
    signals_reach_a_command_of_another_user,
    a_command_of_another_user_is_killed_after_the_grace,
    a_program_that_exec_started_as_another_user_is_told_to_end,
    a_program_that_exec_started_as_another_user_is_killed_after_the_linger,
    the_command_can_open_its_streams_by_their_names,
    without_the_capability_to_signal_the_command_is_stopped_all_the_same,
    all_that_needs_no_privilege_is_what_the_command_finds,
    the_variables_do_the_same,
    the_variables_configure_the_init_of_the_engine,
    nor_does_it_need_any_in_a_hardened_container,
    what_needs_privilege_is_an_error_in_a_hardened_container,
    a_dry_run_prints_the_steps_and_does_nothing,
    a_dry_run_finds_what_the_command_would_fail_of,
);

/// Containers have it at 0, so that every port is anybody's.
const PORTS_BELOW_1024_NEED_PRIVILEGE: &[&str] =
    &["--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"];

/// A web server that is the command itself and serves /etc.
const SERVER: &[&str] = &["httpd", "-f", "-p", "80", "-h", "/etc"];

const FETCH: &str = "until wget -q -O - http://127.0.0.1/notexec 2>/dev/null; do sleep 0.05; done";

fn a_user_other_than_root_serves_port_80(engine: &Engine) {
    assert_serves_port_80(engine, &[]);
}

/// To change user and group, to have what the command is to have, and to stop it; all the rest can go.
fn four_capabilities_are_enough_to_serve_port_80(engine: &Engine) {
    let mut options = vec!["--read-only", "--security-opt", "no-new-privileges"];
    options.extend(["--cap-drop", "ALL"]);
    for capability in ["SETUID", "SETGID", "NET_BIND_SERVICE", "KILL"] {
        options.extend(["--cap-add", capability]);
    }
    assert_serves_port_80(engine, &options);
}

#[track_caller]
fn assert_serves_port_80(engine: &Engine, options: &[&str]) {
    let flags = ["--user", "1000", "--cap-ambient", "net_bind_service"];
    let run = engine.run_with(&flags).options(PORTS_BELOW_1024_NEED_PRIVILEGE).options(options);
    let mut container =
        run.start(&[&["sh", "-c", r#"echo ready; exec "$@""#, "sh"], SERVER].concat());
    container.wait_for("ready");
    assert_eq!(container.exec(&["timeout", "30", "sh", "-c", FETCH]), "not a program\n");
    let owner = container.exec(&["sh", "-c", "stat -c %u /proc/$(pidof httpd)"]);
    assert_eq!(owner, "1000\n");
    let ended = container.stop();
    ended.assert_status(128 + 15);
    assert_eq!(ended.stderr, "");
}

fn without_the_ambient_capability_port_80_is_refused(engine: &Engine) {
    let options = PORTS_BELOW_1024_NEED_PRIVILEGE;
    let bare = engine.run_bare(SERVER[0]).options(&["--user", "1000"]).options(options);
    assert_not_bound(bare.start(&SERVER[1..]));
    for more in [&[][..], &["--cap-keep", "net_bind_service"]] {
        let flags = [&["--user", "1000"], more].concat();
        assert_not_bound(engine.run_with(&flags).options(options).start(SERVER));
    }
}

#[track_caller]
fn assert_not_bound(mut server: Container) {
    let ended = server.end();
    ended.assert_status(1);
    assert_eq!(ended.stderr, "httpd: bind: Permission denied\n");
}

const AS_A_USER_OF_THE_ENGINE: &[&str] = &["--user", "1000", "--cap-add", "NET_BIND_SERVICE"];

/// Docker gives a user other than root no capability, whatever `--cap-add` says: it only widens what
/// set-user-ID programs can gain. Podman makes what `--cap-add` names ambient.
fn what_the_engine_gives_another_user_is_what_the_command_has(engine: &Engine) {
    let capabilities = |run: Run, main: &[&str]| {
        let ended = run.options(AS_A_USER_OF_THE_ENGINE).start(main).end();
        ended.assert_status(0);
        ended.stdout
    };
    let show = ["grep", "^Cap", "/proc/self/status"];
    let without = capabilities(engine.run_bare(show[0]), &show[1..]);
    let with = capabilities(engine.run(), &show);
    assert_eq!(with, without);
    let given = if engine.gives_users_capabilities() { NET_BIND_SERVICE } else { NONE };
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(without.contains(&format!("{set}:\t{given}\n")), "{without}");
    }
}

/// So where the engine changes the user, `--cap-ambient` is too late; `--user` is the way.
fn an_ambient_capability_can_only_be_one_that_sexton_has(engine: &Engine) {
    let run = engine.run_with(&["--cap-ambient", "net_bind_service"]);
    let ended =
        run.options(AS_A_USER_OF_THE_ENGINE).start(&["grep", "^CapAmb", "/proc/self/status"]).end();
    if engine.gives_users_capabilities() {
        ended.assert_status(0);
        assert_eq!(ended.stdout, format!("CapAmb:\t{NET_BIND_SERVICE}\n"));
    } else {
        assert_refusal(&ended, 125, "sexton does not have net_bind_service");
    }
}

/// Sets of capabilities as /proc shows them.
const NONE: &str = "0000000000000000";
const KILL: &str = "0000000000000020";
const NET_BIND_SERVICE: &str = "0000000000000400";

const PASSWD: &str = "\
    root:x:0:0:root:/root:/bin/sh\n\
    app:x:1000:1001:App:/home/app:/bin/sh\n";
const GROUP: &str = "\
    root:x:0:\n\
    audio:x:29:app,other\n\
    web:x:44:other,app\n\
    app:x:1001:\n";

/// An image with users.
fn build_image_with_users(engine: &Engine) -> String {
    let context = Folder::new();
    context.write("passwd", PASSWD);
    context.write("group", GROUP);
    context.write("Dockerfile", "FROM localhost/sexton/base:1\nCOPY passwd group /etc/\n");
    let tag = new_tag();
    build(engine, context.0.join("Dockerfile").to_str().unwrap(), &context.0, &[], &tag);
    tag
}

/// A command that tells who it is.
const WHO: &str = r#"
    echo $(grep -E '^(Uid|Gid):' /proc/self/status)
    echo Groups: $(grep '^Groups:' /proc/self/status | tr ' \t' '\n\n' | grep '[0-9]' | sort -n)
    echo "HOME=$HOME USER=${USER-unset} LOGNAME=${LOGNAME-unset}""#;

fn who(uid: u32, gid: u32, groups: &str, variables: &str) -> String {
    let four = |id: u32| format!("{id} {id} {id} {id}");
    let groups = format!("Groups: {groups}");
    format!("Uid: {} Gid: {}\n{}\n{variables}\n", four(uid), four(gid), groups.trim_end())
}

#[track_caller]
fn assert_is(run: Run, expected: &str) {
    let ended = run.sh(WHO).end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, expected);
}

const AS_APP: &str = "HOME=/home/app USER=app LOGNAME=app";

fn a_user_by_name_is_who_the_engine_makes_of_it(engine: &Engine) {
    let image = build_image_with_users(engine);
    // The engines set HOME alone.
    let by_engine = who(1000, 1001, "29 44 1001", "HOME=/home/app USER=unset LOGNAME=unset");
    let bare = engine.run_bare("sh").options(&["--user", "app"]);
    let ended = bare.image(&image).start(&["-c", WHO]).end();
    assert_eq!(ended.stdout, by_engine);
    let run = engine.run_with(&["--user", "app"]).image(&image);
    assert_is(run, &who(1000, 1001, "29 44 1001", AS_APP));
}

fn a_user_by_number_with_an_entry_is_the_same(engine: &Engine) {
    let image = build_image_with_users(engine);
    let run = engine.run_with(&["--user", "1000"]).image(&image);
    assert_is(run, &who(1000, 1001, "29 44 1001", AS_APP));
}

fn a_group_that_is_named_is_the_only_one(engine: &Engine) {
    let image = build_image_with_users(engine);
    for group in ["web", "44"] {
        let user = format!("app:{group}");
        let run = engine.run_with(&["--user", &user]).image(&image);
        assert_is(run, &who(1000, 44, "44", AS_APP));
    }
}

fn groups_that_are_listed_take_the_place_of_the_users(engine: &Engine) {
    let image = build_image_with_users(engine);
    for (listed, groups) in [("audio,7", "7 29"), ("none", "")] {
        let run = engine.run_with(&["--user", "app", "--groups", listed]).image(&image);
        assert_is(run, &who(1000, 1001, groups, AS_APP));
    }
}

fn a_user_by_number_needs_no_files(engine: &Engine) {
    let nameless = "HOME=/ USER=unset LOGNAME=unset";
    let before = ["--env", "HOME=/root", "--env", "USER=root", "--env", "LOGNAME=root"];
    for (user, gid) in [("4000", 4000), ("4000:50", 50)] {
        let run = engine.run_with(&["--user", user]).options(&before);
        assert_is(run, &who(4000, gid, &gid.to_string(), nameless));
    }
}

/// Podman makes files that only root may read for `--user 1000` in an image without any.
fn numbers_need_no_files_that_can_be_read(engine: &Engine) {
    let folder = Folder::new();
    let mut options = vec!["--user".to_owned(), "1000:1000".to_owned()];
    for (name, text) in [("passwd", PASSWD), ("group", GROUP)] {
        folder.write(name, text);
        let path = folder.0.join(name);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        options.push(format!("--volume={}:/etc/{name}:ro", path.to_str().unwrap()));
    }
    let run = engine.run_with(&["--user", "1000:1000"]).options(&borrowed(&options));
    assert_is(run, &who(1000, 1000, "1000", "HOME=/ USER=unset LOGNAME=unset"));
}

fn a_variable_of_a_login_can_be_set_otherwise(engine: &Engine) {
    let image = build_image_with_users(engine);
    let flags = ["--user", "app", "--env", "HOME=/srv", "--unset-env", "LOGNAME"];
    let variables = "HOME=/srv USER=app LOGNAME=unset";
    assert_is(engine.run_with(&flags).image(&image), &who(1000, 1001, "29 44 1001", variables));
}

fn a_name_that_cannot_be_looked_up_is_an_error(engine: &Engine) {
    let main = ["echo", "main ran"];
    assert_refused(engine, &["--user", "app"], &main, 125, "/etc/passwd does not exist");
    assert_refused(engine, &["--user", "1:web"], &main, 125, "/etc/group does not exist");
    assert_refused(engine, &["--groups", "web"], &main, 125, "/etc/group does not exist");
    let image = build_image_with_users(engine);
    for (flag, name) in [("--user", "nobody"), ("--groups", "staff")] {
        let ended = engine.run_with(&[flag, name]).image(&image).start(&main).end();
        assert_refusal(&ended, 125, &format!("'{name}' for {flag}: /etc/"));
    }
}

fn sexton_keeps_nothing_but_the_capability_to_signal(engine: &Engine) {
    for flags in [&[][..], &["--user", "1000"], &["--cap-drop", "all"]] {
        let container = engine.run_with(flags).sh(OBEDIENT);
        container.wait_for("ready");
        let sets = container.exec(&["grep", "-E", "^Cap(Inh|Prm|Eff|Amb)", "/proc/1/status"]);
        let expected =
            format!("CapInh:\t{NONE}\nCapPrm:\t{KILL}\nCapEff:\t{KILL}\nCapAmb:\t{NONE}\n");
        assert_eq!(sets, expected, "{flags:?}");
    }
}

fn signals_reach_a_command_of_another_user(engine: &Engine) {
    let mut container = engine.run_with(&["--user", "1000"]).sh(OBEDIENT);
    container.wait_for("ready");
    container.kill("USR1");
    container.wait_for("heard USR1");
    let ended = container.stop();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}

/// A command that ignores SIGTERM.
const STUBBORN: &str = "trap '' TERM; echo ready; exec sleep 1000";

fn a_command_of_another_user_is_killed_after_the_grace(engine: &Engine) {
    let mut container = engine.run_with(&["--user", "1000", "--grace", "1s"]).sh(STUBBORN);
    container.wait_for("ready");
    let ended = container.stop();
    ended.assert_status(137);
    assert!(ended.took < AT_ONCE, "{ended:?}");
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
    assert!(!ended.stderr.contains(LEFT), "{ended:?}");
}

/// What sexton says if SIGKILL did not help, or could not be sent.
const LEFT: &str = " remains";

/// Starts an obedient the command as user 1000, and the script by `exec` as user 2000, until it says `up` in
/// the file `log`.
fn run_beside_a_stranger(
    engine: &Engine,
    folder: &Folder,
    linger: &str,
    script: &str,
) -> Container {
    let run = engine.run_with(&["--user", "1000", "--linger", linger]);
    let container = run.options(&[&folder.as_volume()]).sh(OBEDIENT);
    container.wait_for("ready");
    let script = format!("exec >>/data/log 2>&1; {script}");
    container.exec_detached_as("2000", &["sh", "-c", &script]);
    process::eventually("the program of the exec session is up", || {
        folder.read("log").is_some_and(|log| log.contains("up\n"))
    });
    container
}

fn a_program_that_exec_started_as_another_user_is_told_to_end(engine: &Engine) {
    let folder = Folder::new();
    let mut container = run_beside_a_stranger(engine, &folder, "20s", DAEMON);
    let ended = container.stop();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
    let log = folder.read("log").unwrap();
    assert!(log.ends_with("daemon obeyed\n"), "{log}");
}

fn a_program_that_exec_started_as_another_user_is_killed_after_the_linger(engine: &Engine) {
    let script = "trap '' TERM; echo up; exec sleep 1000";
    let mut container = run_beside_a_stranger(engine, &Folder::new(), "2s", script);
    let ended = container.stop();
    ended.assert_status(3);
    assert!((Duration::from_secs(2)..AT_ONCE).contains(&ended.took), "{ended:?}");
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
    assert!(!ended.stderr.contains(LEFT), "{ended:?}");
}

/// Servers are often told to log there; the engine makes the streams those of the user that it is told.
fn the_command_can_open_its_streams_by_their_names(engine: &Engine) {
    const SCRIPT: &str = "echo out >/dev/stdout; echo err >/dev/stderr; : </dev/stdin; exit 5";
    for options in [&[][..], &["--tty"]] {
        let ended = engine.run_with(&["--user", "1000"]).options(options).sh(SCRIPT).end();
        ended.assert_status(5);
        let shown = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), ["out", "err"], "{options:?}");
    }
}

/// `--cap-drop ALL --cap-add SETUID --cap-add SETGID` is what many do who change the user at the start.
fn without_the_capability_to_signal_the_command_is_stopped_all_the_same(engine: &Engine) {
    let mut options = vec!["--cap-drop", "ALL"];
    for capability in ["SETUID", "SETGID"] {
        options.extend(["--cap-add", capability]);
    }
    const STUBBORN: &str = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
    for (script, flags, status) in [(OBEDIENT, &[][..], 3), (STUBBORN, &["--grace", "1s"], 137)] {
        let run = engine.run_with(&[&["--user", "1000"], flags].concat()).options(&options);
        let mut container = run.sh(script);
        container.wait_for("ready");
        let ended = container.stop();
        ended.assert_status(status);
        assert!(!ended.stderr.contains("unable"), "{ended:?}");
    }
}

/// Every flag that needs nothing from the host, and none of its values a default.
const ATTRIBUTES: &[(&str, Option<&str>)] = &[
    ("rlimit", Some("nofile=256:512")),
    ("nice", Some("19")),
    ("cpus", Some("0")),
    ("sched", Some("batch")),
    ("ionice", Some("best-effort:7")),
    ("oom-score-adj", Some("500")),
    ("umask", Some("027")),
    ("chdir", Some("/tmp")),
    ("env", Some("SET=two words")),
    ("unset-env", Some("UNSET")),
    ("setsid", None),
    ("stdin", Some("/data/in")),
    ("stdout", Some(">>/data/out")),
    ("stderr", Some("/data/err")),
    ("close-fds", None),
    ("no-new-privs", None),
    ("cap-drop", Some("all")),
];

/// A command that reads all of it back; then what of it can be seen of sexton.
const READ_BACK: &str = r#"
    standing() {
        echo niceness $(cut -d ' ' -f 19 /proc/$1/stat)
        echo policy $(cut -d ' ' -f 41 /proc/$1/stat)
        echo $(ionice -p $1)
        echo oom_score_adj $(cat /proc/$1/oom_score_adj)
        echo $(grep '^Max open files' /proc/$1/limits)
        echo $(grep '^Umask:' /proc/$1/status)
        echo $(grep '^NoNewPrivs:' /proc/$1/status)
    }
    standing $$
    [ $(cut -d ' ' -f 6 /proc/$$/stat) = $$ ] && echo its own session
    echo $(grep '^Cpus_allowed_list:' /proc/$$/status)
    echo $(grep '^Cap' /proc/$$/status)
    echo $(grep '^Seccomp:' /proc/$$/status)
    echo directory $PWD
    echo "SET=$SET UNSET=${UNSET-} and of sexton $(env | grep -c ^SEXTON_)"
    ls /proc/$$/fd
    echo input: $(cat)
    echo trouble >&2
    echo sexton:
    standing 1
    exit 3"#;

const READ: &str = "\
    niceness 19\n\
    policy 3\n\
    best-effort: prio 7\n\
    oom_score_adj 500\n\
    Max open files 256 512 files\n\
    Umask: 0027\n\
    NoNewPrivs: 1\n\
    its own session\n\
    Cpus_allowed_list: 0\n\
    CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 \
    CapBnd: 0000000000000000 CapAmb: 0000000000000000\n\
    Seccomp: 2\n\
    directory /tmp\n\
    SET=two words UNSET= and of sexton 0\n\
    0\n1\n2\n\
    input: from a file\n";

/// The command finds all of [`ATTRIBUTES`], and sexton, which was given a descriptor more, none of them.
#[track_caller]
fn assert_read_back(engine: &Engine, options: &[&str], flags: &[&str]) {
    let folder = Folder::new();
    folder.write("in", "from a file\n");
    folder.write("out", "what was there\n");
    folder.write("err", "what was there\n");
    let run = engine.run_bare("sh").options(&[&folder.as_volume(), "--env", "UNSET=x"]);
    let become_sexton = r#"exec 7</bin/busybox; exec /sexton "$@""#;
    let main = ["--", "sh", "-c", READ_BACK];
    let ended =
        run.options(options).start(&[&["-c", become_sexton, "sh"], flags, &main].concat()).end();
    ended.assert_status(3);
    assert_eq!((&*ended.stdout, &*ended.stderr), ("", ""));
    assert_eq!(folder.read("err").unwrap(), "trouble\n");
    let out = folder.read("out").unwrap();
    let (main, sexton) = out.split_once("sexton:\n").expect("main came to its end");
    assert_eq!(main, format!("what was there\n{READ}"));
    assert_eq!(sexton.lines().count(), 7, "{sexton}");
    let shared: Vec<_> =
        sexton.lines().filter(|&line| main.lines().any(|other| other == line)).collect();
    assert!(shared.is_empty(), "sexton has it too: {shared:?}");
}

fn as_flags() -> Vec<String> {
    let words = ATTRIBUTES
        .iter()
        .flat_map(|(name, value)| [Some(format!("--{name}")), value.map(String::from)]);
    words.flatten().collect()
}

fn as_variables() -> Vec<String> {
    let variable = |(name, value): &(&str, Option<&str>)| {
        let name = name.replace('-', "_").to_uppercase();
        format!("--env=SEXTON_{name}={}", value.unwrap_or("yes"))
    };
    ATTRIBUTES.iter().map(variable).collect()
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn all_that_needs_no_privilege_is_what_the_command_finds(engine: &Engine) {
    assert_read_back(engine, &[], &borrowed(&as_flags()));
}

fn the_variables_do_the_same(engine: &Engine) {
    assert_read_back(engine, &borrowed(&as_variables()), &[]);
}

/// `--init` leaves no place for flags.
fn the_variables_configure_the_init_of_the_engine(engine: &Engine) {
    let options = ["--init", "--env=SEXTON_USER=1000", "--env=SEXTON_CAP_AMBIENT=net_bind_service"];
    let run = engine.run_bare("grep").options(&options);
    let ended = run.start(&["-E", "^(Uid|CapEff)", "/proc/self/status"]).end();
    ended.assert_status(0);
    let expected = format!("Uid:\t1000\t1000\t1000\t1000\nCapEff:\t{NET_BIND_SERVICE}\n");
    assert_eq!(ended.stdout, expected);
}

const HARDENED: &[&str] = &["--user", "1000:1000", "--cap-drop", "ALL", "--read-only"];

fn nor_does_it_need_any_in_a_hardened_container(engine: &Engine) {
    assert_read_back(engine, HARDENED, &borrowed(&as_flags()));
}

fn what_needs_privilege_is_an_error_in_a_hardened_container(engine: &Engine) {
    for (flag, value, culprit) in [
        ("--user", "0:0", "operation not permitted"),
        ("--groups", "50", "set the supplementary groups to 50: operation not permitted"),
        ("--cap-ambient", "net_raw", "sexton does not have net_raw"),
        ("--nice", "-5", "set the niceness to -5: permission denied"),
        ("--oom-score-adj", "-500", "set oom_score_adj to -500: permission denied"),
        ("--sched", "fifo:1", "set the scheduling policy to fifo:1: operation not permitted"),
        ("--ionice", "realtime:0", "set the I/O scheduling class to realtime:0: operation not"),
        ("--stdout", "/etc/new", "write to '/etc/new' as standard output: read-only file system"),
    ] {
        let run = engine.run_with(&[flag, value]).options(HARDENED);
        assert_refusal(&run.start(&["echo", "main ran"]).end(), 125, culprit);
    }
}

fn a_dry_run_prints_the_steps_and_does_nothing(engine: &Engine) {
    let folder = Folder::new();
    let flags = [
        "--dry-run",
        "--user",
        "1000",
        "--cap-ambient",
        "net_bind_service",
        "--nice",
        "5",
        "--rlimit",
        "core=0",
        "--stdout",
        "/data/out",
    ];
    let run = engine.run_with(&flags).options(&[&folder.as_volume()]);
    let ended = run.start(&["touch", "/data/main ran"]).end();
    ended.assert_status(0);
    assert_eq!(ended.stderr, "");
    let expected = "
 1. set variable 'HOME' (value not shown)
 2. unset variable 'USER'
 3. unset variable 'LOGNAME'
 4. create a process group
 5. set the niceness to 5
 6. give standard error to user 1000, if possible
 7. set the supplementary groups to 1000
 8. set the group ID to 1000
 9. keep capabilities when the user changes
10. set the user ID to 1000
11. set capabilities: effective net_bind_service; permitted net_bind_service; inheritable net_bind_service
12. raise ambient capabilities: net_bind_service
13. write to '/data/out' as standard output
14. set limit core to 0:0
15. restore the signal mask
16. execute '/bin/touch' '/data/main ran'
";
    assert_eq!(ended.stdout, &expected[1..]);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0, "something was done");
}

fn a_dry_run_finds_what_the_command_would_fail_of(engine: &Engine) {
    let dry = ["--dry-run"];
    assert_refused(engine, &dry, &["no-such-command"], 127, "no-such-command");
    assert_refused(engine, &dry, &["/etc/notexec"], 126, "/etc/notexec");
    let main = ["echo", "main ran"];
    assert_refused(
        engine,
        &["--dry-run", "--user", "app"],
        &main,
        125,
        "/etc/passwd does not exist",
    );
    assert_refused(engine, &["--dry-run", "--cap-ambient", "sys_boot"], &main, 125, "sys_boot");
}

/// A folder of the host, in the test bed, where everybody may write.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = engine::bed().join(engine::new_name());
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }

    /// The option that makes it `/data` in a container.
    fn as_volume(&self) -> String {
        format!("--volume={}:/data", self.0.to_str().unwrap())
    }

    /// Makes a file that everybody may write.
    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.0.join(name)).ok()
    }
}
