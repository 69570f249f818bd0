//! The C `main` of the binary: the very first instructions of sexton.
//!
//! Rust's own start-up would ignore SIGPIPE (which an exec hands on), fill closed descriptors 0 to 2
//! with `/dev/null` and allocate, all before sexton could look at what it was given. And it would run
//! before the signals are blocked.

#![allow(unsafe_code, reason = "the C entry point; compiled into the binary only")]

use sexton::internals::{Heap, block_all, run, strings};
use std::ffi::{c_char, c_int};

#[global_allocator]
#[unsafe(link_section = ".sbss.heap")] // behind all other data: release.ld
static HEAP: Heap = Heap::new();

unsafe extern "C" {
    /// The environment as the kernel laid it out (environ(7)).
    static environ: *const *const c_char;
}

/// Blocks every signal, then hands the arguments and the environment to [`run`].
///
/// # Safety
/// Called once, by the C library's start-up, with a valid argument vector.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let mask = block_all();
    let count = usize::try_from(argc).unwrap_or(0);
    // SAFETY: argv has argc strings that live as long as the process does.
    let argv = unsafe { strings(argv, count) };
    // SAFETY: reading a pointer that only this thread, the only one, could change.
    let environment = unsafe { environ };
    // SAFETY: environ is an array of strings that ends with a null pointer, or null itself.
    let environment = unsafe { strings(environment, usize::MAX) };
    c_int::from(run(&argv, &environment, mask))
}
