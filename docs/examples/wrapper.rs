//! An entry point that prepares something and then becomes the init of another program: `wrapper COMMAND [ARG...]`.

use sexton::{Error, Init};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let command: Vec<OsString> = std::env::args_os().skip(1).collect();
    let error = start(&command);
    writeln!(io::stderr(), "{error}").ok();
    ExitCode::from(error.status())
}

/// Only returns on failure.
fn start(command: &[OsString]) -> Error {
    // Write a configuration or wait for a database here.
    Init::new().grace(Duration::from_secs(10)).supervise(command)
}
