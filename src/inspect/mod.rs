//! `--status`: a look at the PID namespace from inside, for images without a shell.
//!
//! One pass over /proc makes a `Snapshot`; `Findings` are what is wrong with it; both are shown as a table,
//! as JSON, or, for a health check, as one line at most.

#![forbid(unsafe_code)]

mod findings;
pub mod forest;
mod json;
mod snapshot;
mod table;

use self::findings::Findings;
use self::snapshot::Snapshot;
use self::table::Paper;
use crate::kernel::processes;
use crate::plan::request::{Inspection, Printed, StatusFormat};
use crate::sys::{Errno, fds, process, reason, tty};
use crate::values::error::Error;
use std::time::Duration;

/// How long after the one before, in milliseconds, each look at the zombies is. Those that the last look finds as well
/// are stuck: after two seconds, so that a parent that waits for its children once a second, and may be late, neglects
/// none.
const LOOKS: [u64; 5] = [100, 200, 400, 800, 500];

/// The exit status of a health check that has found something.
const UNHEALTHY: u8 = 1;

/// Looks, and says what there is.
///
/// # Errors
/// /proc cannot be read, or is that of another PID namespace.
pub fn run(inspection: &Inspection) -> Result<Printed, Error> {
    // A health check runs often, and says only what has gone wrong.
    let line_only = inspection.check && inspection.format == StatusFormat::Text;
    let snapshot = if line_only { Snapshot::of_states() } else { Snapshot::take() };
    let snapshot = snapshot.map_err(|errno| {
        let why = match errno {
            Errno::ENOENT => "it is not mounted or of another PID namespace".to_owned(),
            errno => reason(errno).to_string(),
        };
        Error::unable("read /proc", why)
    })?;
    let findings = Findings::new(&snapshot, stuck(snapshot.zombies()));
    let text = match inspection.format {
        _ if line_only => findings.line(),
        StatusFormat::Json => json::object(&snapshot, &findings) + "\n",
        StatusFormat::Text => {
            let width = tty::width(fds::STDOUT);
            let paper = Paper { width, colour: width.is_some() && inspection.colour };
            table::render(&snapshot, &findings, paper)
        }
    };
    let unhealthy = inspection.check && !findings.are_none();
    let status = if unhealthy { UNHEALTHY } else { 0 };
    Ok(Printed { status, ..Printed::on_stdout(text) })
}

/// Those of the zombies that no look finds gone.
fn stuck(mut zombies: Vec<snapshot::Zombie>) -> Vec<snapshot::Zombie> {
    for pause in LOOKS {
        if zombies.is_empty() {
            break;
        }
        process::sleep(Duration::from_millis(pause));
        zombies.retain(|zombie| {
            processes::stat(zombie.pid)
                .is_some_and(|stat| stat.is_zombie() && stat.started == zombie.started)
        });
    }
    zombies
}
