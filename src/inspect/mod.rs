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
use self::snapshot::{Process, Snapshot};
use self::table::Paper;
use crate::kernel::processes;
use crate::kernel::procfs::Stat;
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
#[inline(never)]
pub fn run(inspection: &Inspection) -> Result<Printed, Error> {
    // A health check runs often, and says only what has gone wrong.
    let line_only = inspection.check && inspection.format == StatusFormat::Text;
    let snapshot = Snapshot::take(line_only).map_err(|errno| match errno {
        Errno::ENOENT => {
            Error::unable("read /proc", "it is not mounted or of another PID namespace")
        }
        errno => Error::unable("read /proc", reason(errno)),
    })?;
    let mut zombies = snapshot.zombies();
    keep_stuck(&mut zombies);
    let findings = Findings::new(&snapshot, zombies);
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

/// Keeps those of the zombies that no look finds gone.
fn keep_stuck(zombies: &mut Vec<&Process>) {
    for pause in LOOKS {
        if zombies.is_empty() {
            break;
        }
        process::sleep(Duration::from_millis(pause));
        zombies.retain(|zombie| {
            let same = |now: Stat| zombie.stat.is_some_and(|stat| stat.started == now.started);
            processes::stat(zombie.pid).is_some_and(|now| now.is_zombie() && same(now))
        });
    }
}
