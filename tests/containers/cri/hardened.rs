//! Pod security: sexton needs nothing that a hardened pod does not have.

use super::pod::{Handler, Pod};
use crate::hardened::{HAS_NO_CAPABILITIES, HAS_NO_NEW_PRIVILEGES, IS_READ_ONLY, IS_USER};
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::OBEDIENT;

on_each_handler!(
    each_hardening_and_all_together,
    a_capability_that_is_added_is_not_ambient,
    cap_ambient_gives_a_user_a_capability,
);

/// Fields of the container's security context, and a shell condition that holds in main when they are in
/// force.
type Hardening = (&'static [&'static str], &'static str);

const HARDENINGS: [Hardening; 5] = [
    (&["run_as_user.value=1000", "run_as_group.value=1000"], IS_USER),
    (&["readonly_rootfs=true"], IS_READ_ONLY),
    (&["capabilities.drop_capabilities=ALL"], HAS_NO_CAPABILITIES),
    (&["no_new_privs=true"], HAS_NO_NEW_PRIVILEGES),
    (&["seccomp.profile_type=RuntimeDefault"], "grep -q '^Seccomp:.2$' /proc/self/status"),
];

fn each_hardening_and_all_together(handler: &Handler) {
    let pod = Pod::new(handler);
    for hardening in &HARDENINGS {
        assert_serves_main(&pod, &[*hardening]);
    }
    assert_serves_main(&pod, &HARDENINGS);
}

/// Main runs, under the hardening; orphans are reaped, and a stop is obeyed.
#[track_caller]
fn assert_serves_main(pod: &Pod, hardenings: &[Hardening]) {
    let mut settings = Vec::new();
    let mut script = String::new();
    for (fields, condition) in hardenings {
        settings.extend(in_security_context(fields));
        script += &format!("{condition} || exit 99\n");
    }
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
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

/// The number of CAP_NET_BIND_SERVICE is 10.
const NET_BIND_SERVICE: &str = "0000000000000400";
const SHOW_SETS: &str = "grep -E '^Cap(Eff|Amb)' /proc/self/status";

/// Kubernetes' `capabilities.add` does nothing for a user who is not root. (If this fails with a newer
/// containerd: `docs/privileges.md` says so, too.)
fn a_capability_that_is_added_is_not_ambient(handler: &Handler) {
    let pod = Pod::new(handler);
    let settings = in_security_context(&[
        "run_as_user.value=1000",
        "capabilities.drop_capabilities=ALL",
        "capabilities.add_capabilities=NET_BIND_SERVICE",
    ]);
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let ended = pod.sexton(&[]).with(&settings).sh(SHOW_SETS).end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
}

fn cap_ambient_gives_a_user_a_capability(handler: &Handler) {
    let pod = Pod::new(handler);
    let added = ["NET_BIND_SERVICE", "SETUID", "SETGID"]
        .map(|name| format!("linux.security_context.capabilities.add_capabilities={name}"));
    let all = "linux.security_context.capabilities.drop_capabilities=ALL";
    let settings = [&added.each_ref().map(String::as_str)[..], &[all]].concat();
    let flags = ["--user", "1000", "--cap-ambient", "net_bind_service", "--no-new-privs"];
    let ended = pod.sexton(&flags).with(&settings).sh(SHOW_SETS).end();
    ended.assert_status(0);
    assert_eq!(ended.stdout, format!("CapEff:\t{NET_BIND_SERVICE}\nCapAmb:\t{NET_BIND_SERVICE}\n"));
}
