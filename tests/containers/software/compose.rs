//! `docker/compose.yaml`, brought up by docker-compose and stopped: every service in its own way.

use std::path::Path;
use std::process::Command;

use crate::dockerfile::REPOSITORY;
use crate::engine::{self, DOCKER_RUNC};
use crate::process::{self, Listener};

#[test]
fn every_service_is_stopped_in_order() {
    let project = Project(engine::new_name());
    process::output_of(project.compose().args(["up", "--detach", "--build"]));
    let db = project.logs("db");
    let cache = project.logs("cache");
    let worker = project.logs("worker");
    db.wait_for("database system is ready to accept connections");
    cache.wait_for("ready to accept connections at");
    worker.wait_for("worker: ready");
    process::eventually("nginx listens", || {
        let listens = ["exec", "-T", "web", "test", "-S", "/run/web/socket"];
        project.compose().args(listens).output().unwrap().status.success()
    });

    process::output_of(project.compose().arg("stop"));
    let containers = process::output_of(project.compose().args(["ps", "--quiet"]));
    let state = "{{.State.ExitCode}} {{.HostConfig.Init}} {{.Config.StopTimeout}}";
    let mut inspect = DOCKER_RUNC.command();
    let states =
        process::output_of(inspect.args(["inspect", "--format", state]).args(containers.lines()));
    let mut states: Vec<_> = states.lines().collect();
    states.sort_unstable();
    assert_eq!(states, ["0 false 10", "0 false 60", "0 false 60", "0 false 60"]);
    db.wait_for("received fast shutdown request");
    db.wait_for("database system is shut down");
    cache.wait_for("DB saved on disk");
    cache.wait_for("sexton: info: main exited with status 0"); // as SEXTON_LOG_LEVEL has it
    worker.wait_for("worker: stopped");
}

/// What Compose makes; removed in the end.
struct Project(String);

impl Project {
    fn compose(&self) -> Command {
        let mut compose = Command::new("docker-compose");
        compose
            .env("SEXTON", engine::bed().join("rootfs/sexton"))
            .env("WORKER_IMAGE", "localhost/sexton/base:1")
            .args(["--project-name", &self.0]);
        for file in ["docker/compose.yaml", "tests/containers/software/compose.yaml"] {
            compose.arg("--file").arg(Path::new(REPOSITORY).join(file));
        }
        compose
    }

    fn logs(&self, service: &str) -> Listener {
        Listener::spawn(self.compose().args(["logs", "--follow", "--no-color", service]))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.compose().args(["down", "--volumes", "--rmi", "local"]).output();
    }
}
