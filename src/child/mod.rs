//! From the plan to the command: what is looked up before the fork, the steps between fork and exec, and the exec.
//!
//! Everything is checked and laid out before the fork. Between fork and exec nothing allocates.

pub mod launch;
pub mod spawn;
pub mod steps;
