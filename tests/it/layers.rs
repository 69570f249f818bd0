//! The layout: modules import only from those above them, and unsafe code is in one place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of `lib.rs`.
fn layers() -> Vec<String> {
    let text = fs::read_to_string(root().join("lib.rs")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// The module that a file belongs to: the first part of its path.
fn module(file: &Path) -> String {
    let relative = file.strip_prefix(root()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a text names as `crate::NAME`, outside of its tests.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn modules_import_only_from_those_above_them() {
    let layers = layers();
    assert!(layers.len() > 10, "{layers:?}");
    let rank = |name: &str| layers.iter().position(|layer| layer == name);
    let mut checked = 0;
    for file in sources(&root()) {
        let Some(own) = rank(&module(&file)) else { continue }; // lib.rs, main.rs
        if file.ends_with("tests.rs") {
            continue;
        }
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let other =
                rank(&import).unwrap_or_else(|| panic!("{}: crate::{import}", file.display()));
            assert!(other <= own, "{} imports {import}, which is below it", file.display());
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} imports were found");
}

#[test]
fn unsafe_code_is_only_in_sys_and_explains_itself() {
    let mut blocks = 0;
    for file in sources(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if !code.contains("unsafe {") {
                continue;
            }
            assert_eq!(module(&file), "sys", "{}:{}", file.display(), index + 1);
            blocks += 1;
        }
    }
    assert!(blocks > 10, "only {blocks} blocks were found");
    // That each block has its SAFETY comment is clippy's undocumented_unsafe_blocks, denied in CI.
    let manifest = fs::read_to_string(root().with_file_name("Cargo.toml")).unwrap();
    assert!(manifest.contains("undocumented_unsafe_blocks"));
    assert!(fs::read_to_string(root().join("lib.rs")).unwrap().contains("#![deny(unsafe_code)]"));
}

/// How many unsafe blocks and implementations a file has, outside of its tests.
fn count_unsafe(file: &Path) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.map(|line| line.matches("unsafe {").count() + line.matches("unsafe impl ").count()).sum()
}

#[test]
fn the_inventory_of_unsafe_code_is_that_of_the_source() {
    let counted: BTreeMap<String, usize> = sources(&root())
        .iter()
        .map(|file| {
            let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            (name, count_unsafe(file))
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    let text = fs::read_to_string(root().with_file_name("docs").join("architecture.md")).unwrap();
    let (_, section) = text.split_once("\n## Unsafe code\n").unwrap();
    let rows = section.split("\n## ").next().unwrap().lines();
    let told: BTreeMap<String, usize> = rows
        .filter_map(|line| {
            let (module, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((module.to_owned(), rest.split_once(" | ")?.0.parse().unwrap()))
        })
        .collect();
    assert!(counted.len() > 10, "{counted:?}");
    assert_eq!(told, counted, "docs/architecture.md, \"Unsafe code\"");
}
