//! sexton, an init for containers: it starts one command as PID 1, forwards signals to it, reaps
//! every orphan, shuts the whole process tree down in bounded time, and exits with the command's
//! status.
//!
//! Most use the program `sexton`. As a library it makes a Rust program its own init:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! fn main() -> Result<(), sexton::Error> {
//!     sexton::Init::new().grace(Duration::from_secs(20)).run()?;
//!     // The program goes on here, and is not PID 1.
//!     Ok(())
//! }
//! ```
//!
//! [`Init`] says what that does, and what it asks of the program. What is documented here is the whole of the
//! interface, and follows semantic versioning.
//!
//! # How it is built
//!
//! The way of one run, which is also the order of the modules: arguments and environment are read
//! by `cli` into a `plan`; `steps` makes of it what the child does before exec; `sys` carries
//! that out; `runtime` waits for events, has the `supervisor` decide, and acts; `embed` does the same for a
//! program that calls it. A module imports only from those above it in this list. `docs/architecture.md` says more.

#![deny(unsafe_code)]
#![warn(clippy::missing_docs_in_private_items)] // of what the whole crate may use: .clippy.toml

mod signal;
mod outcome;
mod duration;
mod exit_map;
mod rewrite;
mod json;
mod text;
mod rlimit;
mod schedule;
mod capabilities;
mod user;
mod environment;
mod stream;
mod error;
mod procfs;
mod plan;
mod steps;
mod supervisor;
mod pace;
mod circuit;
mod sent;
mod cli;
mod sys;
mod log;
mod report;
mod outlets;
mod launch;
mod delivery;
mod terminal;
mod witness;
mod init;
mod foreign;
mod patience;
mod pause;
mod status;
mod runtime;
mod embed;

#[cfg(test)]
mod random;

pub use ::log::LevelFilter;
pub use embed::Init;
pub use error::Error;
pub use plan::Target;
pub use rlimit::{Limits, Resource, UNLIMITED};
pub use signal::Signal;

/// What this package's own program, tests and fuzz targets take from the modules: no part of the interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::runtime::run;
    pub use crate::status::forest;
    pub use crate::sys::heap::Heap;
    pub use crate::sys::itself::strings;
    pub use crate::sys::signals::block_all;

    macro_rules! reached {
        ($($module:ident),* $(,)?) => {$(
            pub mod $module {
                pub use crate::$module::*;
            }
        )*};
    }
    reached!(
        capabilities,
        cli,
        duration,
        environment,
        error,
        exit_map,
        log,
        outcome,
        plan,
        procfs,
        report,
        rewrite,
        rlimit,
        schedule,
        signal,
        supervisor,
        sys,
        user,
    );
}
