//! What the kernel says of processes and control groups, read from /proc and /sys/fs/cgroup, and the tree of processes
//! that sexton is responsible for.
//!
//! Safe code over `sys`. It may read files and send signals to a process that it has identified; it decides nothing
//! about when. Nothing that runs beside the command allocates.

pub mod broadcast;
pub mod cgroup;
pub mod processes;
pub mod procfs;
pub mod tree;
pub mod unstopped;
