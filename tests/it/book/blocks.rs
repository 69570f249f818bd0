//! The pages of the documentation, and the blocks of code in them. Used by tests/it and tests/containers.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages in a folder and in those below it.
fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(pages_in(&path));
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
    pages
}

/// The README and what is in docs/, by their paths in the repository, with their text.
pub fn pages() -> Vec<(String, String)> {
    let mut pages = pages_in(&root().join("docs"));
    pages.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let mut pages: Vec<(String, String)> =
        pages.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect();
    pages.sort();
    pages
}

/// A fenced block of code.
#[derive(Debug)]
pub struct Block {
    /// `docs/page.md:LINE` of the fence.
    pub place: String,
    /// What stands behind the fence.
    pub language: String,
    /// The comment on the line above.
    pub comment: Option<String>,
    /// Without the indentation of the fence.
    pub text: String,
}

/// All blocks of a page.
pub fn of(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    let mut above = "";
    for (index, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        match (&mut open, bare.strip_prefix("```")) {
            (None, Some(language)) => {
                let comment = above.trim().strip_prefix("<!-- ");
                let comment = comment.and_then(|rest| rest.strip_suffix(" -->"));
                let block = Block {
                    place: format!("{page}:{}", index + 1),
                    language: language.to_owned(),
                    comment: comment.map(str::to_owned),
                    text: String::new(),
                };
                open = Some((line.len() - bare.len(), block));
            }
            (Some(_), Some(rest)) => {
                assert_eq!(rest.trim(), "", "{page}:{}", index + 1);
                blocks.extend(open.take().map(|(_, block)| block));
            }
            (Some((indentation, block)), None) => {
                block.text += line.get(*indentation..).unwrap_or("");
                block.text.push('\n');
            }
            (None, None) => {}
        }
        above = line;
    }
    assert!(open.is_none(), "{page}: the last block is not closed");
    blocks
}

/// The blocks of all pages.
pub fn all() -> Vec<Block> {
    pages().iter().flat_map(|(name, text)| of(name, text)).collect()
}
