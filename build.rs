//! Packs the texts of `src/cli/texts`. Sets the linker's options for the released static binary:
//! docs/decisions/machinery.md.

#[path = "src/cli/texts/pack.rs"]
mod pack;

use std::env::var;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of the texts.
const TEXTS: &str = "src/cli/texts";

/// With the linker of the toolchain, as .cargo/config.toml has it.
const LLD: &[&str] = &[
    "--script=src/sys/release.ld",
    "-znorelro", // there is nothing to relocate, and so nothing to protect afterwards
];

/// With the C compiler's, which may lack or ignore the others.
const CC: &[&str] =
    &["-Wl,--build-id=none,--no-eh-frame-hdr,-z,noseparate-code,-z,pack-relative-relocs"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    pack_texts()?;
    set_linker_options();
    Ok(())
}

/// Writes `texts.rs`, which `src/cli/texts/mod.rs` includes.
fn pack_texts() -> io::Result<()> {
    println!("cargo::rerun-if-changed={TEXTS}");
    let entries: io::Result<Vec<PathBuf>> =
        fs::read_dir(TEXTS)?.map(|entry| Ok(entry?.path())).collect();
    let mut files = entries?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort(); // the order of a directory differs from one machine to the next
    let texts: io::Result<Vec<Vec<u8>>> = files.iter().map(|path| text(path)).collect();
    let pack::Packed { pairs, texts } = pack::pack(texts?);
    let mut source = format!("static PAIRS: [[u8; 2]; {}] = {pairs:?};\n", pairs.len());
    for (path, text) in files.iter().zip(texts) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.replace('-', "_").to_uppercase();
        source += &format!("/// `{stem}.txt`\npub const {name}: Text = Text(&{text:?});\n");
    }
    let folder = var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&folder).join("texts.rs"), source)
}

/// A text, without the flags and names that this build does not have.
fn text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = fs::read_to_string(path)?;
    if !path.ends_with("help.txt") {
        return Ok(text.into());
    }
    if var("CARGO_FEATURE_GOSU").is_err() {
        text = text.replace("|gosu|su-exec", "");
    }
    if var("CARGO_FEATURE_LANDLOCK").is_err()
        && let Some((before, rest)) = text.split_once("      --fs-read ")
        && let Some((_, after)) = rest.split_once("\n\n")
    // they are the last of their section
    {
        text = format!("{before}\n{after}");
    }
    Ok(text.into())
}

fn set_linker_options() {
    println!("cargo::rerun-if-changed=src/sys/release.ld");
    let is = |name, value| var(name).is_ok_and(|found| found == value);
    if !is("CARGO_CFG_TARGET_ENV", "musl") || !is("PROFILE", "release") {
        return; // tests unwind
    }
    let names = |name, value| var(name).is_ok_and(|found| found.contains(value));
    let lld = names("CARGO_ENCODED_RUSTFLAGS", "lld") || names("RUSTC_LINKER", "lld");
    // The script has no place for what relocates a program at its start.
    let is_fixed = names("CARGO_ENCODED_RUSTFLAGS", "relocation-model=static");
    let arguments = match lld {
        true if is_fixed => LLD,
        true => &[],
        false => CC,
    };
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
