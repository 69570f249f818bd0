//! sexton in the place of the engines' own inits, by their names.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::engine::{DOCKER_RUNC, Engine, PODMAN_CRUN, bed, is_sexton, new_name};
use crate::process::{self, Ended, Listener, command_line};
use crate::stop::{DAEMON, assert_daemon_obeyed};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

on_each_engine!(
    an_image_that_has_another_init_runs_with_sexton_in_its_file,
    the_other_inits_options_and_statuses_are_kept,
    what_the_command_leaves_behind_goes_with_the_container,
    variables_give_an_orderly_shutdown_under_another_name,
);

/// The entry points of images, each with the option by which signals go to the command's group, if it has one.
const INITS: [(&str, &[&str]); 4] = [
    ("/tmp/tini", &["-g"]),
    ("/tmp/docker-init", &["-g"]),
    ("/tmp/dumb-init", &[]),
    ("/tmp/catatonit", &["-g"]),
];

/// A container whose init is a copy of sexton by another name.
fn run(engine: &Engine, init: &str, options: &[&str], main: &[&str]) -> Ended {
    let copy = format!("cp /sexton {init} && exec {init} \"$@\"");
    let words = [&["-c", &copy, "sh"], options, &["--"], main].concat();
    engine.run_bare("sh").start(&words).end()
}

fn an_image_that_has_another_init_runs_with_sexton_in_its_file(engine: &Engine) {
    for (init, options) in INITS {
        let ended = run(engine, init, options, &["sh", "-c", "cat /proc/1/comm; exit 7"]);
        ended.assert_status(7);
        assert_eq!(format!("/tmp/{}", ended.stdout.trim_end()), init);
        assert_eq!(ended.stderr, "");
    }
}

fn the_other_inits_options_and_statuses_are_kept(engine: &Engine) {
    let no_command = ["no-such-command"];
    for (init, options, main, status, prefix) in [
        ("/tmp/tini", &["-e", "3"][..], &["sh", "-c", "exit 3"][..], 0, ""),
        ("/tmp/tini", &[], &no_command, 127, "[FATAL tini ("),
        ("/tmp/tini", &[], &["/etc/notexec"], 126, "[FATAL tini ("),
        ("/tmp/dumb-init", &["-r", "15:3"], &no_command, 2, "[dumb-init] "),
        ("/tmp/catatonit", &[], &no_command, 1, "ERROR (catatonit:1): "),
    ] {
        let ended = run(engine, init, options, main);
        ended.assert_status(status);
        assert!(ended.stderr.starts_with(prefix), "{ended:?}");
    }
}

fn what_the_command_leaves_behind_goes_with_the_container(engine: &Engine) {
    let script = r#"(setsid sh -c 'trap "" TERM; echo up; exec sleep 1000' &) | head -n 1; exit 7"#;
    for (init, options) in INITS {
        let ended = run(engine, init, options, &["sh", "-c", script]);
        ended.assert_status(7);
        assert_eq!(ended.stderr, "", "{init}");
    }
}

fn variables_give_an_orderly_shutdown_under_another_name(engine: &Engine) {
    let script = format!("(setsid sh -c '{DAEMON}' &) | head -n 1; exit 7");
    let copy = "cp /sexton /tmp/tini && exec /tmp/tini -- sh -c \"$1\"";
    let run = engine.run_bare("sh").options(&["--env=SEXTON_LINGER=10s"]);
    let ended = run.start(&["-c", copy, "sh", &script]).end();
    ended.assert_status(7);
    assert_daemon_obeyed(&ended);
}

/// The init, as the engine has mounted it, and its arguments.
fn command_line_of_init(engine: &Engine) -> String {
    let main = ["sh", "-c", "tr '\\0' ' ' </proc/1/cmdline"];
    let ended = engine.run_bare(main[0]).options(&["--init"]).start(&main[1..]).end();
    ended.assert_status(0);
    ended.stdout
}

#[test]
fn docker_knows_the_version_of_its_init_and_runs_it_by_its_own_name() {
    let info = process::output_of(DOCKER_RUNC.command().args([
        "info",
        "--format",
        "{{.InitBinary}} {{.InitCommit.ID}} {{.Warnings}}",
    ]));
    let mut words = info.split_whitespace();
    assert_eq!(words.next(), bed().join("docker/docker-init").to_str());
    assert_eq!(words.next(), Some("sexton"));
    assert!(!words.any(|word| word.contains("init")), "{info}");
    let log = fs::read_to_string(bed().join("docker/log")).unwrap();
    assert!(!log.contains("failed to parse"), "{log}");
    let line = command_line_of_init(&DOCKER_RUNC);
    assert!(line.starts_with("/sbin/docker-init -- sh -c"), "{line}");
}

#[test]
fn under_docker_a_command_that_cannot_be_run_has_tinis_status() {
    for (main, status) in [("no-such-command", 127), ("/etc/notexec", 126)] {
        let ended = DOCKER_RUNC.run_bare(main).options(&["--init"]).start(&[]).end();
        ended.assert_status(status);
        assert!(ended.stderr.starts_with("[FATAL tini (1)] "), "{ended:?}");
    }
}

#[test]
fn podman_runs_it_by_init_path_of_the_configuration_and_of_the_command_line() {
    let line = command_line_of_init(&PODMAN_CRUN);
    assert!(line.contains("podman-init -- sh -c"), "{line}");
    let path = format!("--init-path={}", bed().join("podman/helpers/catatonit").display());
    let run = PODMAN_CRUN.run_bare("sh").options(&["--init", &path]);
    run.start(&["-c", "exit 3"]).end().assert_status(3);
}

/// A pod, removed in the end.
pub struct Pod(pub String);

impl Pod {
    pub fn new(options: &[&str]) -> Pod {
        let pod = Pod(new_name());
        podman(&[&["pod", "create", "--name", &pod.0], options].concat());
        podman(&["pod", "start", &pod.0]);
        pod
    }

    fn infra(&self, field: &str) -> String {
        let id = podman(&["pod", "inspect", &self.0, "--format", "{{.InfraContainerID}}"]);
        podman(&["inspect", &id, "--format", field])
    }

    /// The infra container's process, as the host numbers it.
    fn pid(&self) -> u32 {
        self.infra("{{.State.Pid}}").parse().unwrap()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = Command::new("podman").args(["pod", "rm", "--force", &self.0]).output();
    }
}

fn podman(arguments: &[&str]) -> String {
    process::output_of(PODMAN_CRUN.command().args(arguments)).trim().to_owned()
}

#[test]
fn it_holds_a_pod_of_podmans_and_ends_with_it() {
    let pod = Pod::new(&[]);
    let pid = pod.pid();
    assert!(is_sexton(pid));
    assert_eq!(command_line(pid), "/catatonit -P");
    let script = "echo in the pod; exit 5";
    let mut run = PODMAN_CRUN.command();
    run.args(["run", "--pod", &pod.0, "--rm", "localhost/sexton/base:1", "sh", "-c", script]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    podman(&["pod", "stop", "--time", "20", &pod.0]);
    assert_eq!(pod.infra("{{.State.Status}} {{.State.ExitCode}}"), "exited 0");
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn it_pauses_under_any_name_as_the_command_of_a_pod() {
    for command in ["/sexton -P", "/sexton --pause"] {
        let image = "--infra-image=localhost/sexton/base:1";
        let pod = Pod::new(&[image, &format!("--infra-command={command}")]);
        let pid = pod.pid();
        assert_eq!(command_line(pid), command);
        podman(&["pod", "stop", "--time", "20", &pod.0]);
        assert_eq!(pod.infra("{{.State.ExitCode}}"), "0");
    }
}

#[test]
fn it_reaps_the_orphans_of_a_pod_that_shares_its_pid_namespace() {
    let image = "localhost/sexton/base:1";
    let infra = ["--infra-image", image, "--infra-command=/sexton -P --warn-on-reap"];
    let pod = Pod::new(&[&["--share=pid,uts"][..], &infra].concat());
    let orphans = "for i in 1 2 3; do (sleep 0.01 &); done; exec sleep 1000";
    podman(&["run", "--detach", "--pod", &pod.0, image, "sh", "-c", orphans]);
    let id = podman(&["pod", "inspect", &pod.0, "--format", "{{.InfraContainerID}}"]);
    process::eventually("the orphans are reaped", || {
        let logs = PODMAN_CRUN.command().args(["logs", &id]).output().unwrap();
        String::from_utf8_lossy(&logs.stderr).matches("reaped orphan").count() == 3
    });
}

#[test]
fn it_holds_the_user_namespace_of_podman_without_root() {
    // Not that of the test bed, which other tests need.
    let folder = bed().join(new_name());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/rootless.sh");
    let mut rootless = Command::new(script);
    rootless.arg(&folder).arg(bed().join("rootfs/sexton")).args(["sh", "-c", "echo up; exec cat"]);
    let rootless = Listener::spawn(&mut rootless);
    rootless.wait_for("up");

    let podman = |arguments: &[&str]| {
        process::output_of(Command::new(folder.join("podman")).args(arguments))
    };
    podman(&["unshare", "true"]);
    let pause = fs::read_to_string(folder.join("run/libpod/tmp/pause.pid")).unwrap();
    let pause = pause.trim().parse().unwrap();
    assert!(is_sexton(pause));
    assert_eq!(command_line(pause), "catatonit -P");
    let namespace = fs::read_link(format!("/proc/{pause}/ns/user")).unwrap();
    let joined = podman(&["unshare", "readlink", "/proc/self/ns/user"]);
    assert_eq!(Some(joined.trim()), namespace.to_str());

    kill(Pid::from_raw(pause.try_into().unwrap()), Signal::SIGTERM).unwrap();
    process::eventually("the pause has ended", || {
        let line = fs::read(format!("/proc/{pause}/cmdline"));
        line.unwrap_or_default().is_empty() // a zombie has none
    });
}
