//! `docker/compose.yaml`, brought up by docker-compose and stopped: every service in its own way.

use std::path::Path;
use std::process::Command;

use crate::dockerfile::REPOSITORY;
use crate::engine::{self, DOCKER_RUNC};
use crate::process::{self, Listener};

const SERVICES: [&str; 4] = ["web", "db", "cache", "worker"];

#[test]
fn every_service_is_stopped_in_order() {
    let project = Project(engine::new_name());
    process::output_of(project.compose().args(["up", "--detach", "--build"]));
    let [web, db, cache, worker] = SERVICES.map(|service| project.container(service));
    let [db_log, cache_log, worker_log] = [&db, &cache, &worker].map(|container| log(container));
    db_log.wait_for("database system is ready to accept connections");
    cache_log.wait_for("ready to accept connections at");
    worker_log.wait_for("worker: ready");
    process::eventually("nginx listens", || {
        let mut exec = docker(&["exec", &web, "test", "-S", "/run/web/socket"]);
        exec.status().unwrap().success()
    });
    for container in [&web, &db, &cache] {
        process::eventually("the container is healthy", || {
            inspect(container, "{{.State.Health.Status}}") == "healthy\n"
        });
    }

    process::output_of(project.compose().arg("stop"));
    for (container, seconds) in [(&web, 60), (&db, 60), (&cache, 60), (&worker, 10)] {
        let state =
            inspect(container, "{{.State.ExitCode}} {{.HostConfig.Init}} {{.Config.StopTimeout}}");
        assert_eq!(state, format!("0 false {seconds}\n"));
    }
    db_log.wait_for("received fast shutdown request");
    db_log.wait_for("database system is shut down");
    cache_log.wait_for("DB saved on disk");
    cache_log.wait_for("sexton: info: command exited with status 0"); // as SEXTON_LOG_LEVEL has it
    worker_log.wait_for("worker: stopped");
}

fn docker(arguments: &[&str]) -> Command {
    let mut docker = DOCKER_RUNC.command();
    docker.args(arguments);
    docker
}

fn inspect(container: &str, format: &str) -> String {
    process::output_of(&mut docker(&["inspect", "--format", format, container]))
}

fn log(container: &str) -> Listener {
    Listener::spawn(&mut docker(&["logs", "--follow", container]))
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

    /// The container of a service, by the labels that Compose gives it.
    fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.0);
        let service = format!("label=com.docker.compose.service={service}");
        let ids = process::output_of(&mut docker(&[
            "ps", "--all", "--quiet", "--filter", &project, "--filter", &service,
        ]));
        ids.trim().to_string()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.compose().args(["down", "--volumes", "--rmi", "local"]).output();
    }
}
