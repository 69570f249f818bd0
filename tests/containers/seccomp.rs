//! Containers under `docs/seccomp/sexton.json`, which denies every call that sexton does not make.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::bundle::{CRUN, Container, RUNC, Runtime};
use crate::engine::{Engine, bed, new_name};

on_each_engine_also_rootless!(sexton_needs_no_other_call);
on_each!([runc = super::RUNC, crun = super::CRUN] {
    without_an_engine_sexton_needs_no_other_call,
});

/// A command that can tell that a call is denied, leaves an orphan, and then waits: for SIGUSR1, and for SIGTERM,
/// which it obeys.
const MAIN: [&str; 9] = ["/bin/seccomp_main", "n", "b", "o", "w", "a10", "w", "a15", "3"];

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/seccomp/sexton.json");

/// Where every user can read it.
fn profile() -> PathBuf {
    let path = bed().join(new_name());
    fs::copy(PROFILE, &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

fn sexton_needs_no_other_call(engine: &Engine) {
    let option = format!("seccomp={}", profile().display());
    let run = engine.run().options(&["--security-opt", &option]);
    let mut container = run.start(&MAIN);
    container.wait_for("here");
    container.wait_for_children(1);
    container.kill("USR1");
    container.wait_for("here");
    let ended = container.stop();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}

/// A container of a bare runtime, in which the orphan has been reaped.
fn begin(runtime: &Runtime, filter: &str) -> Container {
    let container = runtime.run(filter, &[&["/sexton", "--"][..], &MAIN].concat());
    container.wait_for("here");
    container.wait_for_children(1);
    container
}

fn forwards_and_ends(mut container: Container) {
    container.kill("USR1");
    container.wait_for("here");
    container.kill("TERM");
    let ended = container.end();
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}

fn without_an_engine_sexton_needs_no_other_call(runtime: &Runtime) {
    let filter = format!(".linux.seccomp = {}", fs::read_to_string(PROFILE).unwrap());
    let container = begin(runtime, &filter);
    forwards_and_ends(container);
}

/// Another user without capabilities, `no_new_privs`, a read-only root, no /proc, and no other call.
#[test]
fn without_any_privilege_and_without_proc() {
    let filter = format!(
        r#"del(.mounts[] | select(.type == "proc"), .linux.maskedPaths, .linux.readonlyPaths)
        | .process.user = {{uid: 1000, gid: 1000}}
        | .process.capabilities = {{bounding: [], effective: [], permitted: []}}
        | .process.noNewPrivileges = true | .root.readonly = true
        | .linux.seccomp = {}"#,
        fs::read_to_string(PROFILE).unwrap()
    );
    let container = begin(&CRUN, &filter);
    let init = container.init();
    let status = fs::read_to_string(format!("/proc/{init}/status")).unwrap();
    for line in ["Uid:\t1000\t", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"]
    {
        assert!(status.contains(line), "{line:?} is not in {status}");
    }
    assert!(!Path::new(&format!("/proc/{init}/root/proc/self")).exists());
    forwards_and_ends(container);
}
