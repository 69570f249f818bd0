//! A program that is its own init: `ENTRYPOINT ["/own_init"]`, and nothing else in the image.
//!
//! It prints its process ID and echoes its input.

use sexton::{Error, Init};
use std::io::{self, Write};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    become_own_init()?;
    // From here on this is a usual process: SIGTERM ends it, and the init reaps orphans.
    writeln!(io::stdout(), "working as process {}", std::process::id())?;
    io::copy(&mut io::stdin().lock(), &mut io::stdout())?;
    Ok(())
}

/// Must be called first, because code before it runs twice.
fn become_own_init() -> Result<(), Error> {
    Init::new().grace(Duration::from_secs(10)).warn_on_reap().run()
}
