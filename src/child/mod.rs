//! From the plan to the command: what is looked up before the fork, the steps between fork and exec, and the exec.
//!
//! - before the fork: `identity` looks users and groups up, `inherited` what sexton was started with, `variables` reads
//!   those that come from files; `confine` makes a ruleset of Landlock; `step` is one step as data, `steps` their list
//!   in its order; `search` names the files to try; `prepare` puts it all together;
//! - the start: `program` lays out the vectors for execve(2), `spawn` forks, `exec` is the child, which reports by
//!   `messages`; `in_place` does without the fork;
//! - without a start: `explain` says why there was none, by `examine` if a file is the reason, and `dry_run` prints
//!   what would be done.
//!
//! All that can be checked is checked before the fork. The child makes system calls by way of `sys` and allocates
//! nothing. Imports every stage before it but `cli` and `supervisor`.

#[cfg(feature = "landlock")]
mod confine;
pub mod dry_run;
mod examine;
mod exec;
pub mod explain;
pub mod identity;
pub mod in_place;
pub mod inherited;
pub mod messages;
pub mod prepare;
pub mod program;
pub mod search;
pub mod spawn;
pub mod step;
pub mod steps;
mod variables;
