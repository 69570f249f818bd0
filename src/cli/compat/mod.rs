//! Other inits' command lines: each module reads one program's options and variables as that program does.

pub mod catatonit;
pub mod dumb_init;
pub mod getopt;
pub mod tini;
