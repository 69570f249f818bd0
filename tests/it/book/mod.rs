//! The documentation: every example in it is run, built, parsed or read by sexton, or says what shows it; every link
//! leads somewhere; the README is short, and what it claims has a test. `docs/testing.md` has the kinds of blocks.

mod blocks;

use self::blocks::Block;
use crate::harness::{Folder, Running, Setup, children_of, sexton, wait_until};
use crate::logging::check_with_python;
use nix::libc;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn of_language(language: &str) -> Vec<Block> {
    let mut blocks = blocks::all();
    blocks.retain(|block| block.language == language);
    assert!(!blocks.is_empty(), "no block of {language}");
    blocks
}

/// Drawings, and what needs a release. Another one is a decision: count it here.
const NOT_RUN: usize = 4;

#[test]
fn every_block_is_of_a_kind_that_is_tried_or_says_what_shows_it() {
    let mut not_run = Vec::new();
    for Block { place, language, comment, .. } in blocks::all() {
        let tried = ["console", "dockerfile", "json", "sh", "yaml"].contains(&language.as_str());
        let shown = ["text", "rust"].contains(&language.as_str());
        assert!(tried || shown, "{place}: a block of {language:?}");
        let comment = comment.unwrap_or_default();
        if let Some(test) = comment.strip_prefix("shown by ") {
            let (file, function) = test.split_once("::").unwrap_or((test, ""));
            let source = fs::read_to_string(repository(file));
            let source = source.unwrap_or_else(|error| panic!("{place}: {file}: {error}"));
            let found = function.is_empty() || source.contains(&format!("fn {function}("));
            assert!(found, "{place}: no {function} in {file}");
        } else if comment.starts_with("not run: ") {
            not_run.push(place);
        } else {
            assert!(tried, "{place}: say above it what shows it, or why it is not run");
        }
    }
    assert_eq!(not_run.len(), NOT_RUN, "{not_run:?}");
}

/// A command of a console block, and what the block says of it.
struct Example {
    command: String,
    status: i32,
    /// Sent to sexton when a process named `sleep` runs.
    sigterm: bool,
    output: String,
}

/// `$ COMMAND   # SIGTERM, status N`, and the lines until the next.
fn examples(block: &Block) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in block.text.lines() {
        if let Some(line) = line.strip_prefix("$ ") {
            let (command, comment) = line.split_once("  # ").unwrap_or((line, "status 0"));
            let parts = comment.split_once("status ");
            let (before, status) = parts.unwrap_or_else(|| panic!("{}: {comment}", block.place));
            assert!(["", "SIGTERM, "].contains(&before), "{}: {comment}", block.place);
            examples.push(Example {
                command: command.trim_end().to_owned(),
                status: status.parse().expect(line),
                sigterm: !before.is_empty(),
                output: String::new(),
            });
        } else {
            let example = examples.last_mut().expect(&block.place);
            example.output += &format!("{line}\n");
        }
    }
    examples
}

/// The words of a text, with all times made the same: `500 ms` is `510 ms`, or even `1 s`, on a busy machine.
fn words(text: &str) -> Vec<&str> {
    let words = Vec::from_iter(text.split_whitespace());
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_unit = |word: &str| ["ms", "s"].contains(&word);
    let is_time = |index: usize| {
        is_number(words[index]) && words.get(index + 1).is_some_and(|unit| is_unit(unit))
    };
    let alike = |(index, &word)| match index {
        _ if is_time(index) => "#",
        1.. if is_time(index - 1) => "s",
        _ => word,
    };
    words.iter().enumerate().map(alike).collect()
}

/// A word with every number that differs from run to run made the same: those with a decimal point.
fn measured(word: &str) -> String {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let length = rest[at..].find(|c| !number(c)).unwrap_or(rest.len() - at);
        let digits = &rest[at..at + length];
        let inner = digits.trim_end_matches('.').contains('.');
        text += &rest[..at];
        text += if inner { "#" } else { digits };
        rest = &rest[at + length..];
    }
    text + rest
}

/// Whether a text is what was expected: word by word, wherever lines end; `...` stands for any number of words, and at
/// the end of a word for the rest of that and what follows.
fn matches(expected: &[&str], got: &[&str]) -> bool {
    match (expected, got) {
        ([], []) => true,
        ([first, rest @ ..], _) if first.starts_with("...") => {
            (0..=got.len()).any(|skip| matches(rest, &got[skip..]))
        }
        ([first, rest @ ..], [word, ..]) if first.ends_with("...") => {
            word.starts_with(first.trim_end_matches('.'))
                && (1..=got.len()).any(|skip| matches(rest, &got[skip..]))
        }
        ([first, expected @ ..], [word, got @ ..]) => {
            measured(first) == measured(word) && matches(expected, got)
        }
        _ => false,
    }
}

/// Whether the command, or what it has started, runs `sleep`.
fn sleeps(pid: i32) -> bool {
    children_of(pid).into_iter().any(|child| {
        let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        name == "sleep\n" || sleeps(child)
    })
}

/// Runs it as PID 1, in a folder of its own: the shell that reads it becomes sexton.
fn start(command: &str, folder: &Folder) -> Running {
    let script = format!("exec {command}");
    let path = format!("PATH={}:/usr/bin:/bin", folder.path());
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
    setup.no_variables().variable(path).directory(folder.path()).start()
}

/// The status, and what comes.
fn try_out(example: &Example, folder: &Folder) -> (i32, String) {
    let running = start(&example.command, folder);
    if example.sigterm {
        wait_until("main sleeps", || sleeps(running.pid));
        running.signal(libc::SIGTERM);
    }
    let ended = running.end();
    (ended.status, ended.stdout + &ended.stderr)
}

#[test]
fn what_is_shown_of_a_console_is_what_comes() {
    let folder = Folder::new("book");
    std::os::unix::fs::symlink(sexton(), folder.at("sexton")).unwrap();
    let mut tried = 0;
    for block in of_language("console") {
        for example in examples(&block) {
            let Example { command, status, sigterm, output } = &example;
            // sexton looks after so much time, and kills after so much: on a busy machine both may be due at once.
            let tries = if *sigterm { 3 } else { 1 };
            let place = &block.place;
            for left in (0..tries).rev() {
                let (ended, got) = try_out(&example, &folder);
                assert_eq!(ended, *status, "{place}: {command}: {got}");
                let is_right = matches(&words(output), &words(&got));
                assert!(is_right || left > 0, "{place}: {command}: {got}instead of {output}");
                if is_right {
                    break;
                }
            }
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried}");
}

/// The arguments of sexton in lists such as `["/sexton", "--", "/app"]`.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let lists = text.split("\"/sexton\"").skip(1);
    let list = |rest: &str| -> Vec<String> {
        let quoted = rest.split(']').next().unwrap().split('"');
        quoted.skip(1).step_by(2).map(str::to_owned).collect()
    };
    lists.map(list).collect()
}

/// `SEXTON_NAME=VALUE`, wherever it stands.
fn assignments(text: &str) -> BTreeSet<String> {
    let end = |c: char| c.is_whitespace() || "`\"';)|".contains(c);
    let found = text.split("SEXTON_").skip(1).filter_map(|rest| {
        let word = &rest[..rest.find(end).unwrap_or(rest.len())];
        let (name, value) = word.split_once('=')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let value = value.trim_end_matches(['.', ',', ':']);
        (is_name && !value.is_empty()).then(|| format!("SEXTON_{name}={value}"))
    });
    found.filter(|word| !word.contains("...")).collect()
}

/// sexton reads these arguments and variables, and finds no fault with them.
fn assert_read(place: &str, arguments: &[String], variables: &[String]) {
    let looks = ["--status", "--pause"].iter().any(|flag| arguments.iter().any(|a| a == flag));
    let flags = arguments.iter().take_while(|word| *word != "--");
    let mut words: Vec<&str> = flags.map(String::as_str).collect();
    if looks {
        words.retain(|word| *word != "--check"); // what it finds is not the question
    }
    if words.contains(&"--pause") {
        words.clear(); // it would not end; tests/it/drop_in and tests/containers run it
    }
    if words.contains(&"--install") {
        words.push("--dry-run");
    } else if words.is_empty() || !looks {
        words.extend(["--dry-run", "--", "true"]);
    }
    let setup = Setup::new(&words);
    let ended = variables.iter().fold(setup, |setup, variable| setup.variable(variable)).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{place}: {words:?} {variables:?}");
}

#[test]
fn variables_and_command_lines_of_sexton_are_read_wherever_they_stand() {
    let (mut variables, mut lines) = (0, 0);
    for (page, text) in blocks::pages() {
        for variable in assignments(&text) {
            assert_read(&page, &[], &[variable]);
            variables += 1;
        }
        for block in blocks::of(&page, &text) {
            for arguments in command_lines(&block.text) {
                assert_read(&block.place, &arguments, &[]);
                lines += 1;
            }
        }
    }
    assert!(variables >= 15 && lines >= 10, "{variables} {lines}");
}

/// Every command line and every set of variables in documents of YAML, a line each.
const YAML: &str = r#"
import sys, yaml
def look(value):
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            words = value[1:] if value[0] == "CMD" else value
            if words and words[0] in ("/sexton", "/shared/sexton"):
                print("\x1f".join(["argv"] + [str(word) for word in words[1:]]))
        for item in value: look(item)
    elif isinstance(value, dict):
        variables = value.get("env") if isinstance(value.get("env"), list) else []
        pairs = [f'{v["name"]}={v["value"]}' for v in variables if v["name"].startswith("SEXTON_")]
        pairs += [f"{k}={v}" for k, v in (value.get("environment") or {}).items() if k.startswith("SEXTON_")]
        for pair in pairs: assert isinstance(pair, str)
        for v in variables: assert isinstance(v.get("value", ""), str), f"a variable has to be a string: {v}"
        if pairs: print("\x1f".join(["env"] + pairs))
        for item in value.values(): look(item)
documents = [d for d in yaml.safe_load_all(sys.stdin.buffer.read().decode()) if d is not None]
assert documents
for document in documents: look(document)
"#;

#[test]
fn yaml_is_yaml_and_what_it_gives_sexton_is_read() {
    let mut texts: Vec<(String, String)> =
        of_language("yaml").into_iter().map(|block| (block.place, block.text)).collect();
    for entry in fs::read_dir(repository("docs/kubernetes")).unwrap() {
        let path = entry.unwrap().path();
        texts.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
    }
    let compose = "docker/compose.yaml";
    texts.push((compose.to_owned(), fs::read_to_string(repository(compose)).unwrap()));
    let mut found = 0;
    for (place, text) in texts {
        println!("{place}");
        for line in check_with_python(YAML, &[], text.as_bytes()).lines() {
            let (kind, rest) = line.split_once('\x1f').unwrap_or((line, ""));
            let words = rest.split('\x1f').filter(|word| !word.is_empty());
            let words: Vec<String> = words.map(str::to_owned).collect();
            match kind {
                "argv" => assert_read(&place, &words, &[]),
                _ => assert_read(&place, &[], &words),
            }
            found += 1;
        }
    }
    assert!(found >= 10, "{found}");
}

#[test]
fn json_is_what_the_schemas_say() {
    const CHECK: &str = r#"
import json, jsonschema, sys
schemas = {name: json.load(open(f"{sys.argv[1]}/{name}.schema.json")) for name in ("report", "status")}
decoder, text = json.JSONDecoder(), sys.stdin.buffer.read().decode().strip()
while text:
    value, end = decoder.raw_decode(text)
    text = text[end:].lstrip()
    if "level" in value:
        assert list(value) == ["time", "level", "message"], value
    else:
        kind = "status" if "processes" in value else "report"
        jsonschema.validate(value, schemas[kind], cls=jsonschema.Draft202012Validator)
    print("checked")
"#;
    let docs = repository("docs");
    for block in of_language("json") {
        println!("{}", block.place);
        let checked = check_with_python(CHECK, &[docs.to_str().unwrap()], block.text.as_bytes());
        assert!(checked.contains("checked"), "{}", block.place);
    }
}

#[test]
fn shell_commands_have_the_syntax_of_a_shell_and_name_scripts_that_are_there() {
    for block in of_language("sh") {
        let output = Command::new("bash").args(["-n", "-c", &block.text]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", block.place);
        for line in block.text.lines() {
            if let Some(script) = line.strip_prefix("bash ") {
                let script = script.split_whitespace().next().unwrap();
                assert!(repository(script).is_file(), "{}: {script}", block.place);
            }
        }
    }
}

/// What GitHub and mdBook make of a heading.
fn anchor(heading: &str) -> String {
    let lower = heading.trim().to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The text of a page outside of its blocks and of `code`.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    let text: Vec<&str> = lines.collect();
    text.join("\n").split('`').step_by(2).collect()
}

/// `a/../b` is `b`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{}", path.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

/// Where the links of a page lead within the repository: path and anchor.
fn links(page: &str, text: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(page).parent().unwrap();
    let targets = prose(text);
    let targets =
        targets.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned());
    let inner = targets.filter(|target| !target.starts_with("https://"));
    let split = |target: String| {
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let path = if path.is_empty() { page.into() } else { plain(&folder.join(path)) };
        (path, anchor.to_owned())
    };
    inner.map(split).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for (page, text) in blocks::pages() {
        for (path, wanted) in links(&page, &text) {
            let target = repository(path.to_str().unwrap());
            assert!(target.exists(), "{page}: {} is not there", path.display());
            if let (false, Some("rs" | "py")) =
                (wanted.is_empty(), target.extension().and_then(|end| end.to_str()))
            {
                let text = fs::read_to_string(&target).unwrap();
                let found =
                    ["fn", "def"].iter().any(|word| text.contains(&format!("{word} {wanted}(")));
                assert!(found, "{page}: {} has no function {wanted}", path.display());
            } else if !wanted.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let found = headings.any(|line| anchor(line.trim_start_matches('#')) == wanted);
                assert!(found, "{page}: {} has no heading #{wanted}", path.display());
            }
            followed += 1;
        }
    }
    assert!(followed >= 100, "{followed}");
}

#[test]
fn the_book_has_every_page_once() {
    let summary = fs::read_to_string(repository("docs/SUMMARY.md")).unwrap();
    let mut chapters: Vec<String> = links("docs/SUMMARY.md", &summary)
        .into_iter()
        .map(|(path, _)| path.to_str().unwrap().to_owned())
        .collect();
    chapters.sort();
    let pages = blocks::pages().into_iter().map(|(page, _)| page);
    let pages: Vec<String> =
        pages.filter(|page| page.starts_with("docs/") && page != "docs/SUMMARY.md").collect();
    assert_eq!(chapters, pages);
}

/// The rows of the table that `tests/comparison.py` makes, without links.
fn comparison(page: &str) -> Vec<String> {
    let text = fs::read_to_string(repository(page)).unwrap();
    let (_, rest) = text.split_once("<!-- comparison: made -->\n").expect(page);
    let (table, _) = rest.split_once("<!-- comparison: end -->\n").expect(page);
    let without_links = |row: &str| -> String {
        let mut pieces = row.split("](");
        let first = pieces.next().unwrap_or_default().to_owned();
        let rest = pieces.map(|piece| piece.split_once(')').expect(row).1);
        (first + &rest.collect::<String>()).replace('[', "")
    };
    table.lines().map(without_links).collect()
}

/// Each cell of the page links to its case, and `.ci/run` compares the cells with what the inits do.
#[test]
fn the_comparison_in_the_readme_is_a_part_of_the_page() {
    let (readme, page) = (comparison("README.md"), comparison("docs/comparison.md"));
    assert!(readme.len() >= 8, "{readme:?}");
    for row in readme {
        assert!(page.contains(&row), "{row}");
    }
}

/// Rows of tables cannot be split.
#[test]
fn no_line_is_longer_than_120_characters() {
    for (page, text) in blocks::pages() {
        for (index, line) in text.lines().enumerate() {
            let fits = line.trim_start().starts_with('|') || line.chars().count() <= 120;
            assert!(fits, "{page}:{} has {} characters", index + 1, line.chars().count());
        }
    }
}

#[test]
fn the_readme_is_short() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    assert!(readme.lines().count() <= 120, "{} lines", readme.lines().count());
}
