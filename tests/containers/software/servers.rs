//! Servers that are stopped while a client in their network downloads, asks, waits for a task or writes: all is
//! completed, and the status is 0.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Example, STOP};
use crate::engine::{self, Container, Engine};
use crate::process::{self, Ended, Listener};

on_each!([
    docker_runc = crate::engine::DOCKER_RUNC,
    podman_crun = crate::engine::PODMAN_CRUN
] {
    apache_completes_a_download,
    haproxy_completes_a_download,
    gunicorn_completes_a_download,
    uvicorn_completes_a_download,
    puma_completes_a_download,
    php_answers_a_request,
    celery_ends_its_task,
    mariadb_needs_no_recovery_and_loses_no_row,
});

/// More than all buffers between a server and a slow client.
const LARGE: usize = 16 << 20;

fn apache_completes_a_download(engine: &Engine) {
    let example = Example::build(engine, "apache");
    make_site(&example);
    let mut container = example.start(&["site:/srv/web"], &[]);
    stop_during_a_download(&example, &mut container, 80).assert_status(0);
}

fn haproxy_completes_a_download(engine: &Engine) {
    let example = Example::build(engine, "haproxy");
    make_site(&example);
    let mut container = example.start(&[], &[]);
    container.wait_for("Loading success."); // the worker serves before its master handles SIGUSR1
    let site = example.folder.join("site");
    let mut server = inside(&container, "busybox");
    let _server = Listener::spawn(server.args(["httpd", "-f", "-p", "8080", "-h"]).arg(site));
    stop_during_a_download(&example, &mut container, 80).assert_status(0);
}

fn gunicorn_completes_a_download(engine: &Engine) {
    application_completes_a_download(engine, "gunicorn");
}

fn uvicorn_completes_a_download(engine: &Engine) {
    application_completes_a_download(engine, "uvicorn");
}

fn puma_completes_a_download(engine: &Engine) {
    application_completes_a_download(engine, "puma");
}

fn application_completes_a_download(engine: &Engine, name: &str) {
    let example = Example::build(engine, name);
    let mut container = example.start(&[], &[]);
    stop_during_a_download(&example, &mut container, 8080).assert_status(0);
}

fn php_answers_a_request(engine: &Engine) {
    let example = Example::build(engine, "php-fpm");
    let site = example.new_folder("site");
    let script = r#"<?php file_put_contents("/srv/web/begun", ""); sleep(3); echo "answered";"#;
    fs::write(site.join("slow.php"), script).unwrap();
    let mut container = example.start(&["site:/srv/web"], &[]);
    await_port(&container, 9000);
    let mut client = inside(&container, "cgi-fcgi");
    client.env("SCRIPT_FILENAME", "/srv/web/slow.php").env("REQUEST_METHOD", "GET");
    let mut client = Listener::spawn(client.args(["-bind", "-connect", "127.0.0.1:9000"]));
    process::eventually("the request is under way", || site.join("begun").exists());
    container.stop_within(STOP).assert_status(0);
    let answer = client.end();
    assert!(answer.stdout.contains("answered"), "{answer:?}");
}

fn celery_ends_its_task(engine: &Engine) {
    let example = Example::build(engine, "celery");
    let queue = example.new_folder("queue");
    let mut container = example.start(&["queue:/queue"], &[]);
    container.wait_for("ready.");
    container.exec(&["celery", "--app", "tasks", "call", "tasks.work", "--args", r#"["one"]"#]);
    process::eventually("the task has begun", || queue.join("one.begun").exists());
    container.stop_within(STOP).assert_status(0);
    assert!(queue.join("one.done").exists(), "the task was lost");
}

fn mariadb_needs_no_recovery_and_loses_no_row(engine: &Engine) {
    let example = Example::build(engine, "mariadb");
    let socket = example.new_folder("run").join("mysqld.sock");
    let data = engine::new_name(); // a volume, which gets its owner from the image
    let start = || {
        let options = ["--volume", &format!("{data}:/data")];
        let container = example.start(&["run:/run/mysqld"], &options);
        container.wait_for("ready for connections");
        container
    };

    let mut container = start();
    let table = "CREATE DATABASE d; CREATE TABLE d.ledger (n int) ENGINE=InnoDB";
    process::output_of(mariadb(&socket).args(["--execute", table]));
    let statements = example.folder.join("statements");
    let insert = |row| format!("INSERT INTO d.ledger VALUES ({row}); SELECT {row};\n");
    fs::write(&statements, (1..=200_000).map(insert).collect::<String>()).unwrap();
    let source = format!("source {}", statements.display());
    let mut writer = Listener::spawn(mariadb(&socket).args(["--unbuffered", "--execute", &source]));
    writer.wait_for("\n100\n");
    container.stop_within(STOP).assert_status(0);
    let acknowledged = writer.end().stdout.lines().count();

    let mut container = start();
    let query = ["--execute", "SELECT count(*) FROM d.ledger"];
    let found = process::output_of(mariadb(&socket).args(query));
    let found: usize = found.trim().parse().expect("a number");
    // The last one may have been written, and its acknowledgement cut off.
    assert!([acknowledged, acknowledged + 1].contains(&found), "{found} of {acknowledged} rows");
    let ended = container.stop_within(STOP);
    ended.assert_status(0);
    assert!(!ended.stderr.to_lowercase().contains("crash recovery"), "{ended:?}");
}

fn mariadb(socket: &Path) -> Command {
    let mut client = Command::new("mariadb");
    let options = ["--no-defaults", "--user=root", "--batch", "--skip-column-names", "--socket"];
    client.args(options).arg(socket);
    client
}

fn make_site(example: &Example) {
    fs::write(example.new_folder("site").join("large"), vec![b'x'; LARGE]).unwrap();
}

/// A program of the host in the container's network.
fn inside(container: &Container, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    let target = format!("--target={}", container.init());
    command.args([&target, "--net", "--", program]);
    command
}

fn await_port(container: &Container, port: u16) {
    let probe = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    let listens =
        || inside(container, "bash").args(["-c", &probe]).output().unwrap().status.success();
    process::eventually("the server listens", listens);
}

/// Stops the container while a slow client has the first part of a file, and checks that it gets all of it.
fn stop_during_a_download(example: &Example, container: &mut Container, port: u16) -> Ended {
    await_port(container, port);
    let file = example.folder.join("downloaded");
    let mut curl = inside(container, "curl");
    curl.args(["--fail", "--silent", "--show-error", "--limit-rate", "4M", "--output"]).arg(&file);
    let mut client = Listener::spawn(curl.arg(format!("http://127.0.0.1:{port}/large")));
    let length = || fs::metadata(&file).map_or(0, |metadata| metadata.len());
    process::eventually("the download is under way", || length() > 0 || !client.is_running());
    let ended = container.stop_within(STOP);
    client.end().assert_status(0);
    assert_eq!(length(), LARGE as u64);
    assert!(!ended.stderr.contains("sexton: "), "sexton has nothing to say: {ended:?}");
    ended
}
