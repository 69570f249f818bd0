//! The kinds of values that flags, events and reports are made of. Each has a file with its type, its parser and its
//! text.
//!
//! No I/O, no system call, no clock: the result of a function here depends on its arguments alone. Imports `text`.

pub mod address;
pub mod capabilities;
pub mod confinement;
pub mod decimal;
pub mod duration;
pub mod env_file;
pub mod environment;
pub mod error;
pub mod executable;
pub mod exit_map;
pub mod expansion;
pub mod layered;
pub mod names;
pub mod outcome;
pub mod reserved;
pub mod rewrite;
pub mod rlimit;
pub mod scheduling;
pub mod signal;
pub mod stdio;
pub mod stream_name;
pub mod terminal_state;
pub mod user;
