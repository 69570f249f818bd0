//! sexton's flags.
//!
//! - `flag`: what a flag is;
//! - `table`: all of them. The command line and the variables are read by this table;
//! - `values`: how values are read that only flags have;
//! - `help`: the text of `--help`, `texts/help.txt`. The man page, the completions and `docs/options.md` come from that
//!   and the table.
//!
//! A new flag is one entry of the table and its paragraph in the text, the field of the plan that it sets, and what
//! that field does.

mod flag;
pub mod help;
mod table;
mod values;

pub use flag::{Choice, Flag, Kind, PREFIX, Page, Reader};
pub use table::{FLAGS, SHORT};
#[cfg(feature = "gosu")]
pub use values::user;
