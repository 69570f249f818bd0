//! Pods whose containers share a PID namespace: the pause is its init, and no zombie stays.

use super::pod::{Handler, Pod};
use crate::process::{self, children_of};
use crate::reaping::LEAVE_ORPHANS;
use crate::stop::{DAEMON, KILLING, LEAVE_STUBBORN_DAEMON, OBEDIENT, assert_daemon_obeyed};

on_each_handler!(
    the_pause_reaps_the_orphans_of_all_containers,
    the_pause_reaps_the_zombies_of_a_parent_that_does_not,
    the_pause_reaps_the_orphans_of_probes,
    sexton_reaps_the_orphans_of_its_container,
    a_stop_takes_down_the_containers_own_tree_and_nothing_else,
);

fn the_pause_reaps_the_orphans_of_all_containers(handler: &Handler) {
    let pod = Pod::shared(handler);
    let script = format!("{LEAVE_ORPHANS}; echo ready; exec sleep 1000");
    let containers = [(); 2].map(|()| pod.run(&["sh", "-c"]).start(&[&script]));
    containers.iter().for_each(|container| container.wait_for("ready"));
    pod.wait_for_processes(&containers.each_ref().map(|container| container.init()));
}

fn the_pause_reaps_the_zombies_of_a_parent_that_does_not(handler: &Handler) {
    let pod = Pod::shared(handler);
    let script = "(true & true & exec sleep 1000) &
        until [ $(cat /proc/[0-9]*/stat | grep -c ' Z ') = 2 ]; do :; done
        echo zombies; kill $!; wait; echo ready; exec sleep 1000";
    let container = pod.run(&["sh", "-c"]).start(&[script]);
    container.wait_for("zombies");
    container.wait_for("ready");
    pod.wait_for_processes(&[container.init()]);
}

fn the_pause_reaps_the_orphans_of_probes(handler: &Handler) {
    let pod = Pod::shared(handler);
    let container = pod.run(&["sleep"]).start(&["1000"]);
    container.exec(&["sh", "-c", LEAVE_ORPHANS]);
    pod.wait_for_processes(&[container.init()]);
}

/// sexton is not PID 1 there.
fn sexton_reaps_the_orphans_of_its_container(handler: &Handler) {
    let pod = Pod::shared(handler);
    let mut container = pod.sexton(&[]).sh(&format!("{LEAVE_ORPHANS}; (sleep 1000 &); {OBEDIENT}"));
    container.wait_for("ready");
    let init = container.init();
    process::wait_for_children(init, 2); // the command and the last orphan
    let ended = container.stop(60);
    ended.assert_status(3);
    assert_eq!(ended.stderr, "");
    pod.wait_for_processes(&[]);
}

fn a_stop_takes_down_the_containers_own_tree_and_nothing_else(handler: &Handler) {
    let pod = Pod::shared(handler);
    let bystander = pod.run(&["sleep"]).start(&["1000"]);
    let neighbour = pod.sexton(&[]).sh("(setsid sleep 1000 &); echo ready; exec sleep 1000");
    neighbour.wait_for("ready");
    let mut container =
        pod.sexton(&[]).sh(&format!("(setsid sh -c '{DAEMON}' &) | head -n 1; {OBEDIENT}"));
    container.wait_for("ready");
    let ended = container.stop(60);
    ended.assert_status(3);
    assert_daemon_obeyed(&ended);
    let ended = pod.sexton(&["--linger", "1s"]).sh(LEAVE_STUBBORN_DAEMON).end();
    ended.assert_status(7);
    assert!(ended.stderr.contains(KILLING), "{ended:?}");
    let mut others = vec![bystander.init(), neighbour.init()];
    others.extend(children_of(neighbour.init()));
    assert_eq!(others.len(), 4);
    pod.wait_for_processes(&others);
}
