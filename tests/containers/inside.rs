//! `--status` and `--status --check` by `docker exec`: a container seen from inside.

use std::fs;

use crate::dockerfile::{build, build_sexton, new_tag};
use crate::drop_in::Pod;
use crate::engine::{self, COLUMNS, Container, DOCKER_RUNC, Engine, PODMAN_CRUN, Run};
use crate::oom::GLUTTON;
use crate::process::{self, Ended, Listener};

on_each_engine!(
    the_tree_and_the_limits_of_the_command_are_shown,
    it_works_in_an_image_with_nothing_but_sexton,
    another_user_sees_what_he_may,
    it_needs_no_privileges,
    zombies_are_shown_with_who_neglects_them,
    a_zombie_makes_the_container_unhealthy,
    nearly_reaching_the_pids_limit_makes_it_unhealthy,
    memory_and_oom_kills_are_counted,
    an_application_as_pid_1_is_told_of,
    another_init_is_named,
    the_engines_own_init_looks_by_its_name,
    a_terminal_has_its_width_and_colours,
    nothing_but_a_terminal_has_colours,
);

const STATUS: [&str; 2] = ["/sexton", "--status"];
const CHECK: [&str; 3] = ["/sexton", "--status", "--check"];

/// A command with a handler for SIGTERM, and a child without one. (What is forked shows the shell's name and
/// handlers until it executes.)
const FAMILY: &str = r#"
    trap 'exit 3' TERM
    sleep 1000 &
    until read -r pid name state rest </proc/$!/stat && [ "$name $state" = "(sleep) S" ]; do :; done
    echo ready
    wait"#;

/// A child that does not wait for its own child, which ends when it cannot wait for it any more.
const NEGLECT: &str = r#"
    sh -c '(until grep -q sleep /proc/$$/comm; do :; done) & exec sleep 1000' >/dev/null 2>&1 &
    until cat /proc/[0-9]*/stat 2>/dev/null | grep -q " Z $! "; do :; done
    until grep -q "(sleep) S" /proc/$!/stat; do :; done
    echo zombie"#;

/// What `--status` has printed.
struct Shown<'a>(&'a Ended);

impl<'a> Shown<'a> {
    /// It has printed the table, and nothing else.
    #[track_caller]
    fn of(ended: &'a Ended) -> Shown<'a> {
        ended.assert_status(0);
        assert_eq!(ended.stderr, "");
        assert!(ended.stdout.trim_start().starts_with("PID "), "{ended:#?}");
        Shown(ended)
    }

    /// The words of each line of the table.
    fn lines(&self) -> impl Iterator<Item = Vec<&'a str>> {
        let table = self.0.stdout.lines().take_while(|line| !line.is_empty());
        table.map(|line| line.split_whitespace().collect())
    }

    /// What is in this column for a process: 0 is the first one.
    #[track_caller]
    fn cell(&self, process: usize, column: &str) -> &'a str {
        let titles = self.lines().next().unwrap();
        let at = titles.iter().position(|title| *title == column).expect("the column");
        let line = self.lines().nth(process + 1).expect("the process");
        line[at]
    }

    /// One column of all processes.
    #[track_caller]
    fn column(&self, column: &str) -> Vec<&'a str> {
        (0..self.lines().count() - 1).map(|process| self.cell(process, column)).collect()
    }

    /// What stands below the table after this label.
    #[track_caller]
    fn about(&self, what: &str) -> &'a str {
        let mut lines = self.0.stdout.lines().skip_while(|line| !line.is_empty());
        let text = lines.find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
        text.unwrap_or_else(|| panic!("nothing about {what}: {:#?}", self.0)).trim_start()
    }
}

fn start<'a>(run: Run<'a>, script: &str, up: &str) -> Container {
    let container = run.sh(script);
    container.wait_for(up);
    container
}

#[track_caller]
fn assert_healthy(container: &Container) {
    let ended = container.exec_with(&[], &CHECK);
    ended.assert_status(0);
    assert_eq!((&ended.stdout[..], &ended.stderr[..]), ("", ""));
}

/// The one line that says why it is not.
#[track_caller]
fn assert_unhealthy(container: &Container) -> String {
    let ended = container.exec_with(&[], &CHECK);
    ended.assert_status(1);
    assert_eq!(ended.stderr, "");
    let line =
        ended.stdout.strip_prefix("sexton: unhealthy: ").and_then(|line| line.strip_suffix('\n'));
    line.filter(|line| !line.contains('\n')).unwrap_or_else(|| panic!("{ended:#?}")).to_owned()
}

fn the_tree_and_the_limits_of_the_command_are_shown(engine: &Engine) {
    let limits =
        ["--ulimit", "nofile=512:600", "--ulimit", "core=0", "--ulimit", "nproc=4096:4096"];
    let mut container = start(engine.run().options(&limits), FAMILY, "ready");
    let ended = container.exec_with(&[], &STATUS);
    let shown = Shown::of(&ended);
    let titles = ["PID", "USER", "STATE", "AGE", "CPU", "MEM", "THR", "FDS", "TERM", "COMMAND"];
    assert_eq!(shown.lines().next().unwrap(), titles);
    assert_eq!(shown.column("TERM"), ["blocked", "handled", "fatal"]);
    assert_eq!(shown.column("USER"), ["0", "0", "0"]);
    assert_eq!(shown.cell(2, "STATE"), "sleeping");
    let branches = ended.stdout.lines().map(|line| line.matches(r"\_ ").count());
    assert_eq!(branches.take(4).collect::<Vec<_>>(), [0, 0, 1, 1], "{ended:#?}");
    assert!(ended.stdout.lines().nth(3).unwrap().ends_with(r"  \_ sleep 1000"), "{ended:#?}");
    assert_eq!(shown.about("command"), format!("process {} (sh)", shown.cell(1, "PID")));
    assert_eq!(shown.about("PID 1"), "sexton");
    let limits = shown.about("limits");
    assert!(limits.contains("core=0 ") && limits.contains(" nofile=512:600 ("), "{limits}");
    container.stop().assert_status(3);
}

/// Neither /etc/passwd nor any program but sexton, which is the command, too.
fn it_works_in_an_image_with_nothing_but_sexton(engine: &Engine) {
    let image = build_sexton(engine);
    let main = ["/sexton", "--", "/sexton", "--pause"]; // the image's entry point is before it
    let mut container = engine.run().image(&image).start(&main);
    process::eventually("the pause runs under both", || {
        let ended = container.exec_with(&[], &STATUS);
        // There are three, and each has all that is below it in its command.
        ended.stdout.matches("--pause").count() == 3 && ended.stdout.contains("PID 1:   sexton\n")
    });
    assert_healthy(&container);
    container.stop().assert_status(0);
}

/// Neither open files nor what a process waits for are for others to see: it may wait for SIGTERM.
fn another_user_sees_what_he_may(engine: &Engine) {
    let container = start(engine.run(), FAMILY, "ready");
    let ended = container.exec_with(&["--user", "1000"], &STATUS);
    let shown = Shown::of(&ended);
    assert_eq!(shown.column("FDS"), ["?", "?", "?"]);
    assert_eq!(shown.column("TERM"), ["blocked", "handled", "?"]);
    assert_eq!(shown.about("PID 1"), "sexton");
    assert!(shown.about("limits").contains(" nofile="), "{ended:#?}");
    assert_eq!(ended.stdout.matches('?').count(), 4, "{ended:#?}");
    let healthy = container.exec_with(&["--user", "1000"], &CHECK);
    healthy.assert_status(0);
}

fn it_needs_no_privileges(engine: &Engine) {
    let all = ["--user", "1000:1000", "--read-only", "--cap-drop", "ALL"];
    let alone = ["--security-opt", "no-new-privileges"];
    for (options, user) in
        [(&all[..2], "1000"), (&all[2..], "0"), (&all[..], "1000"), (&alone, "0")]
    {
        let container = start(engine.run().options(options), FAMILY, "ready");
        let ended = container.exec_with(&[], &STATUS);
        let shown = Shown::of(&ended);
        assert_eq!(shown.column("USER"), [user; 3]);
        assert_eq!(shown.about("PID 1"), "sexton");
        assert!(!ended.stdout.contains('?'), "{options:?}: {ended:#?}");
        assert_healthy(&container);
    }
}

fn zombies_are_shown_with_who_neglects_them(engine: &Engine) {
    let container = start(engine.run(), &format!("{NEGLECT}; wait"), "zombie");
    let ended = container.exec_with(&[], &STATUS);
    let shown = Shown::of(&ended);
    assert_eq!(shown.column("STATE")[2..], ["sleeping", "zombie"]);
    assert_eq!(shown.column("TERM")[2..], ["fatal", "-"]);
    assert_eq!(shown.column("COMMAND")[3], "\\_");
    let (parent, zombie) = (shown.cell(2, "PID"), shown.cell(3, "PID"));
    assert_eq!(shown.about("zombies"), format!("1 of process {parent} (sleep): {zombie} (sh)"));
    let advice = "it must call waitpid() on SIGCHLD; no other process can until it ends";
    assert_eq!(shown.about("  hint"), advice);
}

fn a_zombie_makes_the_container_unhealthy(engine: &Engine) {
    let container = start(engine.run(), "echo ready; exec tail -f /dev/null", "ready");
    assert_healthy(&container);
    container.exec(&["sh", "-c", NEGLECT]);
    let line = assert_unhealthy(&container);
    let parent = container.exec(&["pidof", "sleep"]);
    let expected = format!("1 zombie not reaped by process {} (sleep)", parent.trim());
    assert_eq!(line, expected);
    // It is PID 1's when its parent has ended.
    container.exec(&["killall", "sleep"]);
    process::eventually("the container is healthy", || {
        container.exec_with(&[], &CHECK).status == 0
    });
}

/// The engines' own programs need some room for `exec`.
fn nearly_reaching_the_pids_limit_makes_it_unhealthy(engine: &Engine) {
    let sleep = |count| format!("for i in $(seq {count}); do sleep 1000 & done; echo ready; wait");
    let limited = || engine.run().options(&["--pids-limit", "200"]);
    let container = start(limited(), &sleep(100), "ready");
    assert_healthy(&container);
    let ended = container.exec_with(&[], &STATUS);
    let pids = Shown::of(&ended).about("pids").to_owned();
    let none = [" of 200, limit hit 0 times", " of 200, 0 forks refused"]; // by the control groups' version
    assert!(pids.starts_with("10") && none.iter().any(|end| pids.ends_with(end)), "{pids}");
    let container = start(limited(), &sleep(180), "ready");
    let line = assert_unhealthy(&container);
    let used = line.strip_suffix(" of 200 process IDs in use").and_then(|used| used.parse().ok());
    assert!(used.is_some_and(|used: u32| (183..=200).contains(&used)), "{line}");
}

fn memory_and_oom_kills_are_counted(engine: &Engine) {
    let container = start(
        engine.run().options(&["--memory", "64m", "--memory-swap", "64m"]),
        &format!("{GLUTTON}; echo its status is $?; exec sleep 1000"),
        "its status is 137",
    );
    let ended = container.exec_with(&[], &STATUS);
    let memory = Shown::of(&ended).about("memory");
    assert!(memory.ends_with(" of 64.0M, 1 OOM kill"), "{memory}");
    let used = memory.split(' ').next().unwrap();
    assert!(used.ends_with('K') || used.ends_with('M'), "{memory}");
    let json = container.exec(&["/sexton", "--status=json"]);
    let member = r#""limit":67108864,"oom_kills":1}"#;
    assert!(json.contains(member), "{json}");
}

fn an_application_as_pid_1_is_told_of(engine: &Engine) {
    let container = engine.run_bare("sh").start(&["-c", "echo ready; exec sleep 1000"]);
    container.wait_for("ready");
    process::eventually("PID 1 is no shell any more", || {
        let ended = container.exec_with(&[], &STATUS);
        Shown::of(&ended).about("PID 1").starts_with("sleep")
    });
    let ended = container.exec_with(&[], &STATUS);
    let shown = Shown::of(&ended);
    assert_eq!(shown.cell(0, "TERM"), "ignored");
    let expected = "sleep, the application itself, without a handler for SIGTERM";
    assert_eq!(shown.about("PID 1"), expected);
    assert_eq!(shown.about("command"), "process 1 (sleep)");
    assert_healthy(&container);
    // What an exec session leaves behind is nobody's.
    container.exec(&["sh", "-c", &format!("{NEGLECT}; kill $!; wait")]);
    assert_eq!(assert_unhealthy(&container), "1 zombie not reaped by process 1 (sleep)");
    let ended = container.exec_with(&[], &STATUS);
    let advice = "as PID 1 it gets every orphan: run it under an init, such as sexton";
    assert_eq!(Shown::of(&ended).about("  hint"), advice);
}

/// Those that Debian has: both are static.
fn another_init_is_named(engine: &Engine) {
    for (file, name) in [("/usr/bin/tini-static", "tini"), ("/usr/bin/catatonit", "catatonit")] {
        let volume = format!("{file}:/{name}:ro");
        let run = engine.run_bare(&format!("/{name}")).options(&["--volume", &volume]);
        let container = run.start(&["--", "sh", "-c", FAMILY]);
        container.wait_for("ready");
        let ended = container.exec_with(&[], &STATUS);
        let shown = Shown::of(&ended);
        assert_eq!(shown.about("PID 1"), format!("{name}, another init"));
        assert_eq!(shown.about("command"), format!("process {} (sh)", shown.cell(1, "PID")));
        assert_eq!(shown.column("TERM")[1..], ["handled", "fatal"]);
    }
}

/// `run --init` mounts it under that name only.
fn the_engines_own_init_looks_by_its_name(engine: &Engine) {
    let run = engine.run_bare("sh").options(&["--init"]);
    let container = run.start(&["-c", FAMILY]);
    container.wait_for("ready");
    let command_line = container.exec(&["cat", "/proc/1/cmdline"]);
    let init = command_line.split('\0').next().unwrap();
    assert!(init.ends_with("-init"), "{command_line}");
    let ended = container.exec_with(&[], &[init, "--status"]);
    let shown = Shown::of(&ended);
    assert_eq!(shown.about("PID 1"), "sexton");
    assert_eq!(shown.column("TERM"), ["blocked", "handled", "fatal"]);
    // Another user sees the name only, not which file it is.
    let ended = container.exec_with(&["--user", "1000"], &[init, "--status"]);
    let shown = Shown::of(&ended);
    let name = init.rsplit('/').next().unwrap();
    assert_eq!(shown.about("PID 1"), format!("{name}, another init"));
    assert_eq!(shown.column("TERM"), ["?", "handled", "?"]);
    container.exec_with(&[], &[init, "--status", "--check"]).assert_status(0);
}

const BOLD: &str = "\x1b[1m";
const END: &str = "\x1b[0m";

fn a_terminal_has_its_width_and_colours(engine: &Engine) {
    let container = start(engine.run(), FAMILY, "ready");
    let shown = in_a_terminal(&container, "/sexton --status");
    assert!(shown.contains(BOLD), "{shown:?}");
    let plain = shown.replace(BOLD, "").replace(END, "");
    assert!(!plain.contains('\x1b'), "{shown:?}");
    let longest = plain.lines().map(str::len).max();
    assert_eq!(longest, Some(COLUMNS), "{plain}"); // PID 1's command does not fit
    let plain = in_a_terminal(&container, "NO_COLOR=1 /sexton --status");
    assert!(!plain.contains('\x1b') && plain.contains("sexton"), "{plain:?}");
}

/// What a command prints there. The engine's client hands the size over when it likes: here it is the same.
fn in_a_terminal(container: &Container, command: &str) -> String {
    let sized = format!("stty rows 24 columns {COLUMNS}; {command}");
    let ended = container.exec_in_a_terminal(&["sh", "-c", &sized]).end();
    ended.assert_status(0);
    ended.stdout
}

fn nothing_but_a_terminal_has_colours(engine: &Engine) {
    let container = start(engine.run().options(&["--env", "TERM=xterm"]), FAMILY, "ready");
    let ended = container.exec_with(&[], &STATUS);
    assert_eq!(Shown::of(&ended).lines().count(), 4);
    assert!(!ended.stdout.contains('\x1b'), "{ended:#?}");
    assert!(ended.stdout.lines().any(|line| line.len() > 80), "{ended:#?}"); // nothing is cut
}

const HEALTHCHECK: &str = r#"
FROM localhost/sexton/init:1
HEALTHCHECK --interval=200ms --timeout=30s --retries=1 CMD ["/sexton", "--status", "--check"]
"#;

#[test]
fn dockers_healthcheck_follows_it() {
    let engine = &DOCKER_RUNC;
    let context = engine::bed().join(engine::new_name());
    fs::create_dir(&context).unwrap();
    let dockerfile = context.join("Dockerfile");
    fs::write(&dockerfile, HEALTHCHECK).unwrap();
    let tag = new_tag();
    build(engine, dockerfile.to_str().unwrap(), &context, &[], &tag);
    let run = engine.run().image(&tag);
    let container = start(run, "echo ready; exec tail -f /dev/null", "ready");
    let container_is = format!("container={}", container.name());
    let filters = ["--filter", &container_is, "--filter", "event=health_status"];
    let format = ["--format", "{{.Action}}."];
    let events = Listener::spawn(
        engine.command().args(["events", "--since", "1h"]).args(filters).args(format),
    );
    events.wait_for("health_status: healthy.");
    container.exec(&["sh", "-c", NEGLECT]);
    events.wait_for("health_status: unhealthy.");
    let log = "{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}";
    let inspect = ["inspect", "--format", log, container.name()];
    let log = process::output_of(engine.command().args(inspect));
    assert!(log.contains("1 sexton: unhealthy: 1 zombie not reaped by process "), "{log}");
    container.exec(&["killall", "sleep"]);
    events.wait_for("health_status: healthy.");
}

/// Podman would have systemd run it; without that it is run by hand.
#[test]
fn podmans_healthcheck_follows_it() {
    let check = r#"--health-cmd=["/sexton", "--status", "--check"]"#;
    let run = PODMAN_CRUN.run().options(&[check, "--health-interval=disable"]);
    let container = start(run, "echo ready; exec tail -f /dev/null", "ready");
    let check = || {
        let run = ["healthcheck", "run", container.name()];
        Listener::spawn(PODMAN_CRUN.command().args(run)).end()
    };
    check().assert_status(0);
    container.exec(&["sh", "-c", NEGLECT]);
    check().assert_status(1);
}

/// PID 1 is a sexton there, too: the pod's pause.
#[test]
fn in_a_pod_that_shares_its_pid_namespace_the_command_is_that_of_the_only_sexton() {
    let image = ["--infra-image", "localhost/sexton/base:1", "--infra-command=/sexton --pause"];
    let pod = Pod::new(&[&["--share=pid,uts"][..], &image].concat());
    let container = start(PODMAN_CRUN.run().options(&["--pod", &pod.0]), FAMILY, "ready");
    let ended = container.exec_with(&[], &STATUS);
    let shown = Shown::of(&ended);
    assert_eq!(shown.about("PID 1"), "sexton");
    let main =
        shown.about("command").strip_prefix("process ").and_then(|main| main.strip_suffix(" (sh)"));
    let at = shown.column("PID").iter().position(|pid| Some(*pid) == main).expect("main");
    assert_eq!(shown.cell(at, "TERM"), "handled");
}
