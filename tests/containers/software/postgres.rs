//! PostgreSQL, stopped while clients write: its next start needs no recovery and has every row that
//! was acknowledged.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::{Example, STOP};
use crate::engine::{self, Container, Engine};
use crate::process::{self, Listener};

on_each!([docker_runc = crate::engine::DOCKER_RUNC] { no_recovery_is_needed_and_no_row_is_lost });
on_each!([podman_crun = crate::engine::PODMAN_CRUN] { no_recovery_is_needed_and_no_row_is_lost });

const WRITERS: usize = 4;
/// Far more than a writer comes to.
const ROWS: usize = 500_000;

fn no_recovery_is_needed_and_no_row_is_lost(engine: &Engine) {
    let example = Example::build(engine, "postgres");
    let sockets = example.new_folder("run");
    let data = engine::new_name(); // a volume, which gets its owner from the image
    let start = || {
        // (Syncing a thousand files takes a minute where others keep the disk busy.)
        let options = ["--volume", &format!("{data}:/data"), "--env", "INITDB_ARGS=--no-sync"];
        let container = example.start(&["run:/run/postgresql"], &options);
        container.wait_for("database system was shut down at");
        container.wait_for("database system is ready to accept connections");
        container
    };

    let mut container = start();
    assert_runs_as_postgres(&container);
    process::output_of(psql(&sockets).args(["-c", "CREATE TABLE ledger (writer int, row int)"]));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let statements = example.folder.join(format!("statements-{writer}"));
            write_statements(&statements, writer);
            Listener::spawn(psql(&sockets).arg("-f").arg(statements))
        })
        .collect();
    for writer in &writers {
        writer.wait_for("\n10\n");
    }
    let ended = container.stop_within(STOP);
    ended.assert_status(0);
    assert!(ended.stderr.contains("received fast shutdown request"), "{ended:?}");
    assert!(ended.stderr.contains("database system is shut down"), "{ended:?}");

    let mut container = start();
    for (number, mut writer) in writers.into_iter().enumerate() {
        let ended = writer.end();
        assert!(ended.stderr.contains("terminating connection"), "{:?}", ended.stderr);
        let acknowledged = ended.stdout.lines().count();
        let query = format!("SELECT count(*), max(row) FROM ledger WHERE writer = {number}");
        let found = process::output_of(psql(&sockets).args(["-c", &query]));
        // The last one may have been written, and its acknowledgement cut off.
        let possible = [acknowledged, acknowledged + 1].map(|rows| format!("{rows}|{rows}\n"));
        assert!(possible.contains(&found), "{found:?}, where {acknowledged} were acknowledged");
    }
    let ended = container.stop_within(STOP);
    ended.assert_status(0);
    assert!(!ended.stderr.contains("recovery"), "{ended:?}");
}

fn psql(sockets: &Path) -> Command {
    let mut psql = Command::new("/usr/lib/postgresql/15/bin/psql");
    psql.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", "postgres", "-h"]).arg(sockets);
    psql
}

/// Each statement is a transaction, and its row's number is printed when it is committed.
fn write_statements(path: &Path, writer: usize) {
    let mut statements = String::new();
    for row in 1..=ROWS {
        statements += &format!("INSERT INTO ledger VALUES ({writer}, {row}) RETURNING row;\n");
    }
    File::create(path).unwrap().write_all(statements.as_bytes()).unwrap();
}

#[track_caller]
fn assert_runs_as_postgres(container: &Container) {
    let &[server] = &process::children_of(container.init())[..] else { panic!("one child") };
    let status = fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let entry = passwd.lines().find_map(|line| line.strip_prefix("postgres:x:")).unwrap();
    let user = entry.split(':').next().unwrap();
    assert!(status.contains(&format!("\nUid:\t{user}\t{user}\t{user}\t{user}\n")), "{status}");
}
