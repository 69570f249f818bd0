//! sshd, which puts itself into the background: the container lasts as long as the daemon, and a stop reaches
//! daemon and sessions.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{Example, STOP};
use crate::engine::Engine;
use crate::process::{self, Listener};
use crate::stop::KILLING;

on_each!([docker_runc = crate::engine::DOCKER_RUNC] { the_daemon_and_its_sessions_are_stopped });

fn the_daemon_and_its_sessions_are_stopped(engine: &Engine) {
    let example = Example::build(engine, "sshd");
    let key = example.folder.join("key");
    let mut keygen = Command::new("ssh-keygen");
    process::output_of(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    let account = example.new_folder("account");
    fs::copy(key.with_extension("pub"), account.join("authorized_keys")).unwrap();
    for (path, mode) in [(&account, 0o700), (&account.join("authorized_keys"), 0o600)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let mut container = example.start(&["account:/root/.ssh"], &["--env", "SEXTON_LOG_LEVEL=info"]);
    container.wait_for("Server listening on 0.0.0.0");

    let target = container.init().to_string();
    let login = |command| {
        let mut ssh = Command::new("nsenter");
        ssh.args(["--net", "--target", &target, "ssh", "-F", "none", "-o", "BatchMode=yes"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i"])
            .arg(&key)
            .args(["root@127.0.0.1", command]);
        let ssh = Listener::spawn(&mut ssh);
        ssh.wait_for("logged in");
        ssh
    };
    let mut sessions: Vec<_> =
        (0..3).map(|_| login("(setsid sleep 1000 &); echo logged in; exec sleep 1000")).collect();
    assert!(container.is_running() && sessions.iter_mut().all(|session| session.is_running()));

    let ended = container.stop_within(STOP);
    ended.assert_status(0);
    assert!(!ended.stderr.contains(KILLING), "{ended:?}");
    let before_the_stop = ended.stderr.split("received SIGTERM").next().unwrap();
    assert!(before_the_stop.contains("command exited with status 0"), "{ended:?}");
    for session in &mut sessions {
        session.end();
    }
}
