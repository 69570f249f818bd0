//! A program that is its own init: `ENTRYPOINT ["/own_init"]`, and nothing else in the image.
//!
//! It tells who it is and echoes its input. As PID 1 it could do neither without being in the way of signals and orphans.

use sexton::{Error, Init};
use std::io::{self, Write};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    become_own_init()?;
    // From here on this is a process as any other: SIGTERM ends it, and orphans are somebody else's.
    writeln!(io::stdout(), "working as process {}", std::process::id())?;
    io::copy(&mut io::stdin().lock(), &mut io::stdout())?;
    Ok(())
}

/// First of all: what has been done before would be done twice.
fn become_own_init() -> Result<(), Error> {
    Init::new().grace(Duration::from_secs(10)).warn_on_reap().run()
}
