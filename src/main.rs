//! The binary: everything is in the library, and its first instructions are in `sys/entry.rs`.

#![no_main]

#[path = "sys/entry.rs"]
mod entry;
