//! What the linker is told for the released static binary: docs/decisions/machinery.md.

use std::env::var;

/// With the linker of the toolchain, as .cargo/config.toml has it.
const LLD: &[&str] = &[
    "--script=src/sys/release.ld",
    "-znorelro", // there is nothing to relocate, and so nothing to protect afterwards
];

/// With the C compiler's, which may lack or ignore the others.
const CC: &[&str] =
    &["-Wl,--build-id=none,--no-eh-frame-hdr,-z,noseparate-code,-z,pack-relative-relocs"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/sys/release.ld");
    let is = |name, value| var(name).is_ok_and(|found| found == value);
    if !is("CARGO_CFG_TARGET_ENV", "musl") || !is("PROFILE", "release") {
        return; // tests unwind
    }
    let names_lld = |name| var(name).is_ok_and(|found| found.contains("lld"));
    let lld = names_lld("CARGO_ENCODED_RUSTFLAGS") || names_lld("RUSTC_LINKER");
    for argument in if lld { LLD } else { CC } {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
