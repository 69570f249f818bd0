//! Making text: escaped for a message, as JSON, or in a buffer of fixed size.
//!
//! No I/O. Imports nothing of the crate.

pub mod escape;
pub mod fixed;
pub mod json;
