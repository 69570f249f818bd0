//! The pages are what they claim to be for those who read them: mandoc, bash, zsh, fish.

use super::man::EXAMPLES;
use super::repository;
use crate::harness::sexton;
use std::process::{Command, Stdio};

/// Runs it and gives what it prints; it must succeed, and complain about nothing.
fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stderr.is_empty(), "{command:?}: {stdout}{stderr}");
    stdout
}

#[test]
fn mandoc_finds_no_fault_with_the_man_page() {
    let page = repository("docs/sexton.1");
    output(Command::new("mandoc").args(["-Tlint", "-Wall"]).arg(&page));
    let shown = output(Command::new("mandoc").args(["-Thtml"]).arg(&page));
    assert!(shown.contains("EXIT_STATUS") && shown.contains("SEXTON_GRACE"), "{shown}");
}

#[test]
fn the_examples_of_the_man_page_are_command_lines_of_sexton() {
    for (command, _) in EXAMPLES {
        let flags = command.split("-- ").next().unwrap().strip_prefix("sexton ").unwrap();
        let script = format!("exec {} --dry-run {flags} -- true", sexton().display());
        assert!(output(Command::new("sh").args(["-c", &script])).contains("execute"), "{command}");
    }
}

/// What bash proposes for this line, with the cursor at its end.
fn bash(words: &[&str]) -> Vec<String> {
    let script = format!(
        "source {}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _sexton; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        repository("docs/completions/sexton.bash").display()
    );
    let shown = output(
        Command::new("bash")
            .args(["--norc", "-c", &script, "bash"])
            .args(words)
            .current_dir(repository("")),
    );
    shown.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What fish proposes, without the descriptions.
fn fish(line: &str) -> Vec<String> {
    let script = format!(
        "source {}; complete -C '{line}'",
        repository("docs/completions/sexton.fish").display()
    );
    let shown = output(
        Command::new("fish").args(["--no-config", "-c", &script]).current_dir(repository("")),
    );
    shown.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// What zsh proposes: its own completion, by a key on a terminal of zsh's, which tells each word. What is typed is
/// shown there, too: so no mark stands in it as it is waited for.
fn zsh(line: &str) -> Vec<String> {
    const SCRIPT: &str = r#"
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2= RPS1=; cd $1"
zpty -w z 'fpath=($PWD/docs/completions $fpath); autoload -Uz compinit; compinit -u -D'
zpty -w z 'compadd () {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    typeset -a found; builtin compadd -A found "$@"
    printf "h""it:%s\n" $found
    builtin compadd "$@"
}'
zpty -w z 'propose () { print; _main_complete; print; print -- e""nd: }'
zpty -w z 'zle -C propose list-choices propose; bindkey "^T" propose'
zpty -w z 'zle-line-init () { print -- re""ady: }; zle -N zle-line-init'
zpty -r -m z seen '*ready:*'
zpty -n -w z "$2"$'\x14'
zpty -r -m z seen '*end:*'
print -r -- $seen
zpty -d z
"#;
    let root = repository("");
    let mut command = Command::new("timeout"); // should a mark never come
    let shown = output(command.args(["120", "zsh", "-f", "-c", SCRIPT, "zsh"]).arg(root).arg(line));
    let hits = shown.lines().filter_map(|line| line.trim().strip_prefix("hit:"));
    hits.filter(|hit| !hit.is_empty()).map(str::to_owned).collect()
}

fn assert_proposed(shell: &str, line: &str, proposed: &[String], expected: &[&str]) {
    for word in expected {
        assert!(proposed.iter().any(|p| p == word), "{shell}: {line:?} proposes {proposed:?}");
    }
}

#[test]
fn bash_completes_flags_values_and_the_command() {
    for (words, expected) in [
        (&["sexton", "--gr"][..], &["--grace", "--groups"][..]),
        (&["sexton", "-v", "--lin"], &["--linger"]),
        (&["sexton", "--rewrite", "T"], &["TERM=", "TRAP=", "TSTP=", "TTIN=", "TTOU="]),
        (&["sexton", "--rewrite", "TERM", "=", "QU"], &["QUIT"]),
        (&["sexton", "--rewrite", "TERM", "="], &["ignore", "QUIT"]),
        (&["sexton", "--rewrite", "=", "TERM", "=", "ig"], &["ignore"]),
        (&["sexton", "--stop-signals", "TERM,IN"], &["TERM,INT"]),
        (&["sexton", "--log-level", "=", "wa"], &["warn"]),
        (&["sexton", "--status", "=", "j"], &["json"]),
        (&["sexton", "--rlimit", "no"], &["nofile="]),
        (&["sexton", "--chdir", "sr"], &["src"]),
        (&["sexton", "--report", "Cargo.t"], &["Cargo.toml"]),
        (&["sexton", "--user", "roo"], &["root"]),
        (
            &["sexton", "--cap-drop", "chown,net_b"],
            &["chown,net_bind_service", "chown,net_broadcast"],
        ),
        (&["sexton", "--as", "du"], &["dumb-init"]),
        (&["sexton", "--grace", "5s", "prin"], &["printf"]),
        (&["sexton", "--", "prin"], &["printf"]),
        (&["sexton", "cat", "Cargo.t"], &["Cargo.toml"]),
        (&["sexton", "--grace", "5s", "--", "cat", "--gr", "Cargo.t"], &["Cargo.toml"]),
    ] {
        let proposed = bash(words);
        assert_proposed("bash", &words.join(" "), &proposed, expected);
        let last = words[words.len() - 1].trim_start_matches('=');
        assert!(
            proposed.iter().all(|word| word.trim_start_matches('=').starts_with(last)),
            "{words:?}: {proposed:?}"
        );
    }
    assert_eq!(bash(&["sexton", "cat", "--gra"]), Vec::<String>::new(), "of cat, not of sexton");
    assert!(!bash(&["sexton", "--stop-signals", "KI"]).contains(&"KILL".to_owned()));
}

#[test]
fn fish_completes_flags_values_and_the_command() {
    for (line, expected) in [
        ("sexton --gr", &["--grace", "--groups"][..]),
        ("sexton --rewrite T", &["TERM=", "TSTP="]),
        ("sexton --rewrite TERM=QU", &["TERM=QUIT"]),
        ("sexton --rewrite=TERM=ig", &["--rewrite=TERM=ignore"]),
        ("sexton --stop-signals TERM,IN", &["TERM,INT"]),
        ("sexton --log-level wa", &["warn"]),
        ("sexton --status=j", &["--status=json"]),
        ("sexton --chdir sr", &["src/"]),
        ("sexton --report Cargo.t", &["Cargo.toml"]),
        ("sexton --user roo", &["root"]),
        ("sexton --grace 5s prin", &["printf"]),
        ("sexton -- prin", &["printf"]),
        ("sexton --grace 5s -- cat Cargo.t", &["Cargo.toml"]),
    ] {
        assert_proposed("fish", line, &fish(line), expected);
    }
    assert!(!fish("sexton cat --gra").contains(&"--grace".to_owned()), "of cat, not of sexton");
}

#[test]
fn zsh_completes_flags_values_and_the_command() {
    for (line, expected) in [
        ("sexton --gr", &["--grace", "--groups"][..]),
        ("sexton --rewrite T", &["TERM=", "TSTP="]),
        ("sexton --rewrite TERM=QU", &["QUIT"]),
        ("sexton --stop-signals TERM,IN", &["INT"]),
        ("sexton --log-level=wa", &["warn"]),
        ("sexton --report Cargo.t", &["Cargo.toml"]),
        ("sexton --grace 5s prin", &["printf"]),
        ("sexton --grace 5s -- cat Cargo.t", &["Cargo.toml"]),
    ] {
        assert_proposed("zsh", line, &zsh(line), expected);
    }
}
