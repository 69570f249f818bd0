//! The demonstration that the README names, `tests/demo.sh`.

use crate::harness::sexton;
use std::process::{Command, Output};

/// Runs it on the sexton that is tested.
fn demonstrate(wrapper: &[&str]) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/demo.sh");
    let words = [wrapper, &["bash", script]].concat();
    Command::new(words[0]).args(&words[1..]).env("IT_BIN", sexton()).output().unwrap()
}

#[test]
fn it_shows_what_sexton_is_for() {
    let output = demonstrate(&["env"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let (without, with) = text.split_once("under sexton").unwrap();
    assert!(without.contains("zombies: 5\n") && without.contains(" ms, status 137\n"), "{text}");
    assert!(with.contains("zombies: 0\n") && with.contains(" ms, status 143\n"), "{text}");
}

#[test]
fn where_it_cannot_run_it_says_why_and_fails() {
    let output = demonstrate(&["setpriv", "--bounding-set=-sys_admin"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("unshare failed: Operation not permitted"), "{output:?}");
    assert!(errors.contains("NOT SHOWN"), "{output:?}");
}
