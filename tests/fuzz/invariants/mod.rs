//! What holds of sexton's input and output whatever it is given: nothing panics, what is read is what stands there,
//! what is refused is told in one line, and what is written is well formed.
//!
//! Two generators try it: the mutations of `tests/it/parsers.rs`, the same in every run, and libFuzzer, which is
//! led by coverage (`tests/fuzz/run.sh`).

mod command_line;
pub mod corpus;
mod getopt;
mod json;
mod kernel;
mod lines;
mod reports;
mod users;
mod values;

pub use command_line::command_line;
pub use kernel::{cgroup, forest, limits, stat, status};
pub use lines::log;
pub use reports::report;
pub use users::users;
pub use values::values;

/// No control character, so one line.
fn assert_shows(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}
