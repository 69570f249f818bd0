//! sexton, an init for containers: it starts one command as PID 1, forwards signals to it, reaps
//! every orphan, shuts the whole process tree down in bounded time, and exits with the command's
//! status.
//!
//! The usual form is the program `sexton`. The library makes a Rust program its own init:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! fn main() -> Result<(), sexton::Error> {
//!     sexton::Init::new().grace(Duration::from_secs(20)).run()?;
//!     // The program continues here, and is not PID 1.
//!     Ok(())
//! }
//! ```
//!
//! [`Init`] describes the effect and the requirements. The items documented here are the whole interface, which
//! follows semantic versioning.
//!
//! # Architecture
//!
//! A run goes through the modules in their order: `cli` reads arguments and environment into a `plan`; `child` makes
//! the steps of it that come before exec, and starts the command; `runtime` waits for events, has the `supervisor`
//! decide, and acts; `report` reports the end. `app` is the front door of the program, `library` that of the crate. A
//! module imports only from those above it in the list. `docs/architecture.md` has the details.

#![deny(unsafe_code)]
#![warn(clippy::missing_docs_in_private_items)] // of what the whole crate may use: .clippy.toml

mod text;
mod values;
mod sys;
mod kernel;
mod plan;
mod cli;
mod supervisor;
mod child;
mod log;
mod report;
mod inspect;
mod runtime;
mod install;
mod app;
mod library;

#[cfg(test)]
mod random;

pub use ::log::LevelFilter;
pub use library::Init;
pub use plan::Target;
pub use values::error::Error;
pub use values::rlimit::{Limits, Resource, UNLIMITED};
pub use values::signal::Signal;

/// Items for this package's own program, tests and fuzz targets: not part of the interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::app::run;
    pub use crate::inspect::forest;
    pub use crate::sys::heap::Heap;
    pub use crate::sys::itself::strings;
    pub use crate::sys::signals::block_all;

    pub mod cli {
        pub use crate::cli::*;
    }
    pub mod log {
        pub use crate::log::*;
    }
    pub mod plan {
        pub use crate::plan::*;
    }
    pub mod report {
        pub use crate::report::record::*;
        pub use crate::report::text::Sender;
    }
    pub mod supervisor {
        pub use crate::supervisor::*;
    }
    pub mod sys {
        pub use crate::sys::*;
    }
    pub mod processes {
        pub use crate::kernel::processes::*;
    }
    pub mod procfs {
        pub use crate::kernel::procfs::*;
    }
    pub mod capabilities {
        pub use crate::values::capabilities::*;
    }
    pub mod duration {
        pub use crate::values::duration::*;
    }
    pub mod environment {
        pub use crate::values::environment::*;
    }
    pub mod error {
        pub use crate::values::error::*;
    }
    pub mod exit_map {
        pub use crate::values::exit_map::*;
    }
    pub mod outcome {
        pub use crate::values::outcome::*;
    }
    pub mod rewrite {
        pub use crate::values::rewrite::*;
    }
    pub mod rlimit {
        pub use crate::values::rlimit::*;
    }
    pub mod scheduling {
        pub use crate::values::scheduling::*;
    }
    pub mod signal {
        pub use crate::values::signal::*;
    }
    pub mod user {
        pub use crate::values::user::*;
    }
}
