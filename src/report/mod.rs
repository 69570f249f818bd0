//! The exit report: what is recorded while sexton runs, and how it is reported at the end.
//!
//! `recorder` takes what the loop sees, and keeps it as a `record`; `sent` remembers which signals were sent, to say
//! whether the command died of one of them, `oom` the counts of the kernel's OOM killer, and `not_stopped` says which
//! processes a stop waits for. At the end the record
//! becomes a report: a line (`text`), or an object (`json`), which `sinks` writes to where the plan wants it.
//!
//! It may touch the files of the report and the counts of OOM kills, by way of `sys` and `kernel`. Nothing allocates
//! before the end.

#![forbid(unsafe_code)]

mod json;
pub mod not_stopped;
mod numbers;
mod oom;
pub mod record;
pub mod recorder;
mod sent;
pub mod sinks;
pub mod text;

#[cfg(test)]
mod tests;
