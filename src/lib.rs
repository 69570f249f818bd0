//! sexton, an init for containers: it starts one command as PID 1, forwards signals to it, reaps
//! every orphan, shuts the whole process tree down in bounded time, and exits with the command's
//! status.
//!
//! The way of one run, which is also the order of the modules: arguments and environment are read
//! by [`cli`] into a [`plan`]; [`steps`] makes of it what the child does before exec; [`sys`] carries
//! that out; [`runtime`] waits for events, has the [`supervisor`] decide, and acts. A module imports
//! only from those above it in this list. `docs/architecture.md` says more.

#![deny(unsafe_code)]

pub mod signal;
pub mod outcome;
pub mod duration;
pub mod exit_map;
pub mod rewrite;
pub mod json;
pub mod text;
pub mod rlimit;
pub mod schedule;
pub mod capabilities;
pub mod user;
pub mod environment;
pub mod error;
pub mod procfs;
pub mod plan;
pub mod steps;
pub mod supervisor;
pub mod cli;
pub mod sys;
pub mod log;
pub mod report;
pub mod launch;
pub mod delivery;
pub mod terminal;
pub mod witness;
pub mod init;
pub mod pause;
pub mod status;
pub mod runtime;

#[cfg(test)]
mod random;

pub use runtime::run;
