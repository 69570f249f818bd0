//! Pod security: sexton needs nothing that a hardened pod does not have.

use super::pod::{Handler, Pod};
use crate::hardened::{
    HAS_A_SECCOMP_FILTER, HAS_NO_CAPABILITIES, HAS_NO_NEW_PRIVILEGES, IS_READ_ONLY, IS_USER,
};
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::OBEDIENT;

on_each_handler!(
    each_hardening_and_all_together,
    a_capability_that_is_added_does_not_get_to_a_user,
    cap_ambient_gives_it_to_the_user,
);

/// Fields of the container's security context, and a shell condition that holds in the command when they are in
/// force.
type Hardening = (&'static [&'static str], &'static str);

const HARDENINGS: [Hardening; 5] = [
    (&["run_as_user.value=1000", "run_as_group.value=1000"], IS_USER),
    (&["readonly_rootfs=true"], IS_READ_ONLY),
    (&["capabilities.drop_capabilities=ALL"], HAS_NO_CAPABILITIES),
    (&["no_new_privs=true"], HAS_NO_NEW_PRIVILEGES),
    (&["seccomp.profile_type=RuntimeDefault"], HAS_A_SECCOMP_FILTER),
];

fn each_hardening_and_all_together(handler: &Handler) {
    let pod = Pod::new(handler);
    for hardening in &HARDENINGS {
        assert_serves_command(&pod, &[*hardening]);
    }
    assert_serves_command(&pod, &HARDENINGS);
}

/// The command runs, under the hardening; orphans are reaped, and a stop is obeyed.
#[track_caller]
fn assert_serves_command(pod: &Pod, hardenings: &[Hardening]) {
    let mut settings = Vec::new();
    let mut script = String::new();
    for (fields, condition) in hardenings {
        settings.extend(in_security_context(fields));
        script += &format!("{condition} || exit 99\n");
    }
    let script = format!("{script} {LEAVE_ORPHANS}; {OBEDIENT}");
    let mut container = pod.sexton(&[]).with(&settings).sh(&script);
    container.wait_for("ready");
    container.wait_for_children(1);
    let ended = container.stop(60);
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
}

fn in_security_context(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| format!("linux.security_context.{field}")).collect()
}

const SHOW_SETS: &str = "grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status";

/// The permitted, effective, bounding and ambient set as [`SHOW_SETS`] prints them.
fn sets(bits: [u64; 4]) -> String {
    let [permitted, effective, bounding, ambient] = bits;
    format!(
        "CapPrm:\t{permitted:016x}\nCapEff:\t{effective:016x}\nCapBnd:\t{bounding:016x}\nCapAmb:\t{ambient:016x}\n"
    )
}

const SETGID: u64 = 1 << 6;
const SETUID: u64 = 1 << 7;
const NET_BIND_SERVICE: u64 = 1 << 10;

/// Kubernetes' `capabilities.add` gives nothing to a user other than root: `docs/kubernetes.md`.
fn a_capability_that_is_added_does_not_get_to_a_user(handler: &Handler) {
    let pod = Pod::new(handler);
    let context = in_security_context(&[
        "run_as_user.value=1000",
        "capabilities.drop_capabilities=ALL",
        "capabilities.add_capabilities=NET_BIND_SERVICE",
    ]);
    let ended = pod.sexton(&[]).with(&context).sh(SHOW_SETS).end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, sets([0, 0, NET_BIND_SERVICE, 0]));
}

/// The pod of `docs/kubernetes.md`.
fn cap_ambient_gives_it_to_the_user(handler: &Handler) {
    let pod = Pod::new(handler);
    let context = in_security_context(&[
        "no_new_privs=true",
        "capabilities.drop_capabilities=ALL",
        "capabilities.add_capabilities=NET_BIND_SERVICE",
        "capabilities.add_capabilities=SETUID",
        "capabilities.add_capabilities=SETGID",
    ]);
    let flags = ["--user", "1000", "--cap-ambient", "net_bind_service"];
    let script = format!("{IS_USER} || exit 99; {SHOW_SETS}");
    let ended = pod.sexton(&flags).with(&context).sh(&script).end();
    ended.assert_status(0);
    let bounding = NET_BIND_SERVICE | SETUID | SETGID;
    assert_eq!(
        ended.stdout,
        sets([NET_BIND_SERVICE, NET_BIND_SERVICE, bounding, NET_BIND_SERVICE])
    );
}
