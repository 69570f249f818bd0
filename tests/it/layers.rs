//! The layout: modules import only from those above them, and unsafe code is in one place.

use std::collections::{BTreeMap, BTreeSet};
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

/// The words and signs of a source text: names, `::`, and each other character that is no blank. Comments are left
/// out; a literal is one word of quotation marks.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let begin = i;
        match (at(i), at(i + 1)) {
            (c, _) if c.is_whitespace() => i += 1,
            ('/', '/') => i = (i..chars.len()).find(|&j| at(j) == '\n').unwrap_or(chars.len()),
            ('/', '*') => i = end_of_comment(&chars, i),
            ('"', _) => i = end_of_string(&chars, i),
            // A lifetime has no second quotation mark; an escaped character has one later on.
            ('\'', c) if c != '\\' && at(i + 2) != '\'' => i += 1,
            ('\'', '\\') => i = (i + 3..chars.len()).find(|&j| at(j) == '\'').unwrap() + 1,
            ('\'', _) => i += 3,
            (':', ':') => i += 2,
            (c, _) if is_name(c) => {
                i = (i..chars.len()).find(|&j| !is_name(at(j))).unwrap_or(chars.len());
                let prefix: String = chars[begin..i].iter().collect();
                if ["r", "br", "cr"].contains(&prefix.as_str()) && ['"', '#'].contains(&at(i)) {
                    i = end_of_raw_string(&chars, i);
                } else if ["b", "c"].contains(&prefix.as_str()) && at(i) == '"' {
                    i = end_of_string(&chars, i);
                } else {
                    tokens.push(prefix);
                    continue;
                }
            }
            _ => i += 1,
        }
        match at(begin) {
            c if c.is_whitespace() => {}
            '/' if ['/', '*'].contains(&at(begin + 1)) => {}
            '"' | '\'' | 'r' | 'b' | 'c' => tokens.push("\"\"".to_owned()),
            _ => tokens.push(chars[begin..i].iter().collect()),
        }
    }
    tokens
}

fn end_of_comment(chars: &[char], begin: usize) -> usize {
    let (mut depth, mut i) = (0, begin);
    loop {
        match chars[i..] {
            ['/', '*', ..] => (depth, i) = (depth + 1, i + 2),
            ['*', '/', ..] => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
}

fn end_of_string(chars: &[char], begin: usize) -> usize {
    let mut i = begin + 1;
    while chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn end_of_raw_string(chars: &[char], begin: usize) -> usize {
    let hashes = chars[begin..].iter().take_while(|&&c| c == '#').count();
    let end: Vec<char> = [vec!['"'], vec!['#'; hashes]].concat();
    let inside = begin + hashes + 1;
    inside
        + chars[inside..].windows(end.len()).position(|window| window == end).unwrap()
        + end.len()
}

/// The same without what is for tests alone, wherever in the file it stands.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = &tokens[..];
    while let Some(token) = rest.first() {
        if rest.len() >= MARK.len() && rest.iter().zip(MARK).all(|(token, mark)| token == mark) {
            rest = behind_item(&rest[MARK.len()..]);
        } else {
            kept.push(token.clone());
            rest = &rest[1..];
        }
    }
    kept
}

/// What follows an item: behind its braces or its semicolon. Braces do not end a `use` or a value.
fn behind_item(tokens: &[String]) -> &[String] {
    const VALUES: [&str; 3] = ["use", "const", "static"];
    let declares_value = tokens.windows(2).find_map(|pair| match [pair[0].as_str(), &pair[1]] {
        ["{" | "fn" | "mod" | "impl", _] => Some(false),
        ["const", "fn"] => Some(false),
        [word, _] => VALUES.contains(&word).then_some(true),
    });
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let is_end = token == ";" || (token == "}" && declares_value != Some(true));
        if depth == 0 && is_end {
            return &tokens[index + 1..];
        }
    }
    panic!("an item for tests has no end: {:?}", &tokens[..tokens.len().min(20)]);
}

/// The code of a file that is not for tests alone.
fn code(file: &Path) -> Vec<String> {
    without_tests(tokens(&fs::read_to_string(file).unwrap()))
}

/// A module's path from the crate's root: `["sys", "fds"]`.
type ModulePath = Vec<String>;

/// The code of each module of the crate, but of those that are for tests alone.
fn modules() -> BTreeMap<ModulePath, Vec<String>> {
    let mut modules = BTreeMap::new();
    let mut waiting: Vec<(ModulePath, PathBuf)> =
        layers().into_iter().map(|name| (vec![name.clone()], root().join(name))).collect();
    while let Some((path, place)) = waiting.pop() {
        let files = [place.with_extension("rs"), place.join("mod.rs")];
        let file = files.iter().find(|file| file.exists()).unwrap_or_else(|| panic!("{path:?}"));
        let code = code(file);
        for name in declared(&code) {
            waiting.push(([&path[..], &[name.to_owned()]].concat(), place.join(name)));
        }
        modules.insert(path, code);
    }
    modules
}

/// The modules that a module declares. One with braces would change what `super` is: there is none.
fn declared(code: &[String]) -> Vec<&str> {
    let declarations = code.windows(3).filter(|window| window[0] == "mod");
    declarations
        .map(|window| {
            assert_eq!(window[2], ";", "mod {} is no file of its own", window[1]);
            window[1].as_str()
        })
        .collect()
}

/// The paths in a module's code that lead into this crate, from its root. Those in the braces of a `use` are told one
/// by one.
fn paths(own: &[String], code: &[String]) -> Vec<ModulePath> {
    let children = declared(code);
    let mut paths = Vec::new();
    let mut i = 0;
    while i + 1 < code.len() {
        let (first, next) = (code[i].as_str(), code[i + 1].as_str());
        let begins = next == "::" && (i == 0 || code[i - 1] != "::");
        let start = match first {
            "crate" => Some(Vec::new()),
            "self" => Some(own.to_vec()),
            "super" => Some(own[..own.len() - 1].to_vec()),
            child if children.contains(&child) => Some([own, &[child.to_owned()]].concat()),
            _ => None,
        };
        match start.filter(|_| begins) {
            Some(start) => i = branch(start, code, i + 1, &mut paths),
            None => i += 1,
        }
    }
    paths
}

/// Follows a path from a `::` on, into all its branches; where it ends.
fn branch(
    mut path: ModulePath,
    code: &[String],
    mut i: usize,
    paths: &mut Vec<ModulePath>,
) -> usize {
    while code.get(i).is_some_and(|token| token == "::") {
        i += 1;
        match code[i].as_str() {
            "{" => {
                i += 1;
                while code[i] != "}" {
                    match code[i].as_str() {
                        "," => i += 1,
                        "self" => (i, _) = (i + 1, paths.push(path.clone())),
                        "as" => i += 2,
                        name => {
                            let next = [&path[..], &[name.to_owned()]].concat();
                            i = branch(next, code, i + 1, paths);
                        }
                    }
                }
                return i + 1;
            }
            "super" => _ = path.pop(),
            // A glob, type arguments or a name.
            "*" | "<" => break,
            name => path.push(name.to_owned()),
        }
        i += 1;
    }
    paths.push(path);
    i
}

/// Which modules each module imports from.
fn imports() -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    let modules = modules();
    let module_of = |path: &ModulePath| {
        let prefixes = (1..=path.len()).rev().map(|length| &path[..length]);
        prefixes.map(<[String]>::to_vec).find(|prefix| modules.contains_key(prefix))
    };
    modules
        .iter()
        .map(|(own, code)| {
            let found = paths(own, code).into_iter().map(|path| {
                module_of(&path)
                    .unwrap_or_else(|| panic!("{}: {path:?} is no module", own.join("::")))
            });
            (own.clone(), found.filter(|other| other != own).collect())
        })
        .collect()
}

#[test]
fn modules_import_only_from_those_above_them() {
    let layers = layers();
    assert!(layers.len() > 10, "{layers:?}");
    let rank = |path: &ModulePath| layers.iter().position(|layer| *layer == path[0]);
    let mut checked = 0;
    for (own, others) in imports() {
        for other in others {
            let below = rank(&other) > rank(&own);
            assert!(!below, "{} imports {}, which is below it", own.join("::"), other.join("::"));
            checked += 1;
        }
    }
    assert!(checked > 200, "only {checked} imports were found");
}

/// The imports of each module that lead back to it, over however many others.
fn circles(imports: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> Vec<(String, Vec<String>)> {
    let leads_to = |from: &ModulePath, to: &ModulePath| {
        let (mut seen, mut waiting) = (BTreeSet::from([from]), vec![from]);
        while let Some(next) = waiting.pop() {
            waiting.extend(imports[next].iter().filter(|&other| seen.insert(other)));
        }
        seen.contains(to)
    };
    let of_one = |(own, others): (&ModulePath, &BTreeSet<ModulePath>)| {
        let back = others.iter().filter(|other| leads_to(other, own));
        (own.join("::"), back.map(|other| other.join("::")).collect::<Vec<_>>())
    };
    imports.iter().map(of_one).filter(|(_, back)| !back.is_empty()).collect()
}

#[test]
fn no_imports_lead_back_to_where_they_come_from() {
    assert_eq!(circles(&imports()), []);
}

#[test]
fn imports_are_seen_wherever_in_a_file_they_stand() {
    let text = r####"
        //! [`crate::comment`]
        use crate::{a::{self, B}, c as d};
        use super::{sibling::{f, g}};
        use super::super::top;
        #[cfg(test)]
        use crate::{test1::{x}};
        #[cfg(test)]
        #[expect(dead_code)]
        const fn only(a: [u8; 3]) -> u8 { crate::test2::x() }
        #[cfg(test)]
        mod tests { use super::*; fn f() { crate::test3::x() } }
        #[cfg(test)]
        mod more;
        mod child;
        fn f<'a>(x: &'a str) -> char {
            /* crate::no /* crate::no */ crate::no */
            let texts = ("crate::no \" crate::no", r#"crate::no""#, b"crate::no", 'c', ''', '"');
            child::work(self::own::f(), ::child::other(), x.child);
            crate::e::<u8>::new(x)
        }
        #[cfg(test)]
        static LAST: X = X { f: crate::test4::Y };
        pub(crate) fn last() { super::h() }
    "####;
    let own = ["dir", "file"].map(str::to_owned);
    let code = without_tests(tokens(text));
    let found: Vec<String> = paths(&own, &code).iter().map(|path| path.join("::")).collect();
    let expected = [
        "a",
        "a::B",
        "c",
        "dir::sibling::f",
        "dir::sibling::g",
        "top",
        "dir::file::child::work",
        "dir::file::own::f",
        "e",
        "dir::h",
    ];
    assert_eq!(found, expected);
}

#[test]
fn circles_are_seen_over_several_modules() {
    let graph = |edges: &[(&str, &[&str])]| {
        let path = |name: &str| vec![name.to_owned()];
        edges
            .iter()
            .map(|(own, others)| (path(own), others.iter().map(|o| path(o)).collect()))
            .collect()
    };
    assert_eq!(circles(&graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), []);
    let back = |own: &str, other: &str| (own.to_owned(), vec![other.to_owned()]);
    let circle = graph(&[("a", &["b", "d"]), ("b", &["c"]), ("c", &["a"]), ("d", &[])]);
    assert_eq!(circles(&circle), [back("a", "b"), back("b", "c"), back("c", "a")]);
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
    let code = code(file);
    let pairs = code.windows(2).filter(|pair| pair[0] == "unsafe");
    pairs.filter(|pair| ["{", "impl"].contains(&pair[1].as_str())).count()
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
