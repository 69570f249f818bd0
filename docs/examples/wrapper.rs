//! An entry point that prepares something, and then is the init of another program: `wrapper COMMAND [ARG...]`.

use sexton::{Error, Init};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let command: Vec<OsString> = std::env::args_os().skip(1).collect();
    let error = start(&command);
    writeln!(io::stderr(), "{error}").ok();
    ExitCode::from(error.status)
}

/// Only returns if it fails.
fn start(command: &[OsString]) -> Error {
    // Here is the place to write a configuration or to wait for a database.
    Init::new().grace(Duration::from_secs(10)).supervise(command)
}
