//! Text that sexton writes.
//!
//! - `escape`: words of the user or of a process, made fit for a message;
//! - `json`: JSON objects and strings;
//! - `fixed`: text in a buffer of fixed size, where nothing may allocate.
//!
//! Only memory is touched, and nothing else of the crate is imported.

pub mod escape;
pub mod fixed;
pub mod json;
