//! `cargo test` without root runs what needs none, and says what it left out (tests/runner.sh).

use std::process::{Command, Output};

/// Runs the tests of this program as another user.
fn run(variables: &[(&str, &str)], arguments: &[&str]) -> (Output, String) {
    let runner = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runner.sh");
    let output = Command::new("setpriv")
        .args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all", runner])
        .arg(std::env::current_exe().unwrap())
        .args(arguments)
        .env_remove("CI")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[test]
fn what_needs_no_root_passes_and_the_rest_is_left_out_in_one_line() {
    // Fuzzing is slow, and the completions are shown by tests of their own.
    let (output, text) = run(&[], &["--skip", "parsers::", "--skip", "shells::"]);
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("left out")).collect();
    let [line] = lines[..] else { panic!("{text}") };
    let rest = line.strip_prefix("left out, because this is not root: ").unwrap();
    let numbers = rest.split(' ').filter_map(|word| word.parse().ok());
    let [left_out, all] = numbers.collect::<Vec<usize>>()[..] else { panic!("{line}") };
    assert!(left_out > 400 && left_out < all && line.contains("tests/run.sh"), "{line}");
    for test in ["layers::", "book::", "pages::"] {
        assert!(text.contains(&format!("test {test}")), "{test}: {text}");
    }
}

#[test]
fn in_ci_nothing_is_left_out() {
    let (output, text) = run(&[("CI", "true")], &["exec::"]);
    assert!(!output.status.success() && !text.contains("left out"), "{text}");
    assert!(text.contains("these tests need root"), "{text}");
}

/// A test that gets another name must not come back into the quick set unnoticed.
#[test]
fn every_word_of_the_quick_set_s_list_leaves_a_test_out() {
    let script = include_str!("../run.sh");
    let (_, list) = script.split_once("slow=(").expect("the list");
    let (list, _) = list.split_once(')').unwrap();
    let output = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let tests = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = list.split_whitespace().collect();
    assert!(words.len() > 20, "{words:?}");
    for word in words {
        assert!(tests.contains(word), "no test has '{word}' in its name");
    }
}
