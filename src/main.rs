//! The binary: everything is in the library, and its first instructions are in `sys/entry.rs`.

#![no_main]

#[path = "sys/entry.rs"]
mod entry;
#[cfg(all(target_env = "musl", panic = "abort"))]
#[path = "sys/unwind.rs"]
mod unwind;
